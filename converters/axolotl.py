"""Axolotl 0.19: one YAML config over data that is already tokenised and masked.

portable: leave out Resep's own plug-in, so that plain `axolotl train` runs the config.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from resep.document.writer import dump_yaml
from resep.errors import ResepError
from resep.recipe.pass_through import require_sound

if TYPE_CHECKING:
    from resep.hardware import Profile
    from resep.recipe import Recipe

PLUGIN = "resep.axolotl_events.Events"
_LARGEST_CPU_BATCH = 8  # rows at once; more of them fill more memory, and pad each other
_TOKENS_PER_GIB = 256  # of GPU memory in one micro batch; not measured on a GPU


def convert(
    recipe: Recipe, prepared: Mapping[str, Any], profile: Profile, *, portable: bool = False
) -> Mapping[str, str]:
    """File name -> content. Pure; the paths in it are fixed words, which the train stage makes real.

    `prepared` is tokenise's statistics (`splits`: rows, tokens, longest of each) and `special_tokens` of the model's
    tokenizer (`eos_token`, `pad_token`). Raises ResepError where the recipe cannot be trained on this profile.
    """
    require_sound(recipe["training.axolotl"] or {})
    schedule = plan(recipe, prepared["splits"], profile)
    config = {
        "base_model": "model",
        **_method(recipe, profile),
        "special_tokens": dict(prepared["special_tokens"]),
        **_data(recipe, schedule),
        **_optimisation(recipe, schedule),
        **_cadence(recipe, schedule),
        **_hardware(recipe, schedule, profile),
        "output_dir": "output",
        **({} if portable else {"plugins": [PLUGIN]}),
        **(recipe["training.axolotl"] or {}),
    }
    return {"axolotl.yaml": dump_yaml({key: value for key, value in config.items() if value is not None})}


@dataclass(frozen=True)
class Schedule:
    """How rows become optimiser steps. With packing, a micro batch holds packs of `sequence_len` tokens, not rows."""

    micro_batch: int
    accumulation: int
    packed: bool
    steps_per_epoch: int
    eval_steps: int | None
    save_steps: int | None


def plan(recipe: Recipe, splits: Mapping[str, Mapping[str, int]], profile: Profile) -> Schedule:
    """Micro batch, accumulation and the integer cadences. Axolotl's own `evals_per_epoch` rounds otherwise, and is
    ignored by its early stopping.
    """
    train, validation = splits["train"], splits.get("validation", {"rows": 0})
    packs = _packs_per_step(recipe, train, profile)
    units = packs or recipe["training.batch_size"]  # per step: packs, or rows
    micro_batch, accumulation = _batch(recipe, units, profile)
    waiting = math.ceil(train["tokens"] / recipe["training.sequence_len"]) if packs else train["rows"]
    steps_per_epoch = math.ceil(math.ceil(waiting / micro_batch) / accumulation)
    eval_steps = _every(recipe["training.eval_per_epoch"], steps_per_epoch) if validation["rows"] else None
    save_steps = _every(recipe["training.save_per_epoch"], steps_per_epoch)
    if recipe["training.early_stopping"]:
        if eval_steps is None:
            raise ResepError(
                "training.early_stopping: needs validation rows and training.eval_per_epoch above 0: "
                "raise split.fractions.validation, or leave early_stopping out"
            )
        save_steps = eval_steps  # the best model must have been saved when it was measured
    return Schedule(micro_batch, accumulation, packs is not None, steps_per_epoch, eval_steps, save_steps)


def _every(per_epoch: float | None, steps_per_epoch: int) -> int | None:
    # Rounded down: an interval that is too long would skip the last evaluation of the run.
    return max(1, math.floor(steps_per_epoch / per_epoch)) if per_epoch else None


def _packs_per_step(recipe: Recipe, train: Mapping[str, int], profile: Profile) -> int | None:
    """Packs that hold about as many rows as `batch_size`, so that packing saves padding and changes nothing else.

    None without packing: where the recipe says so; by itself on a CPU, where rows are grouped by length instead; and
    where a step's rows do not fill one pack, or all rows not one step (Axolotl would then end after no step at all).
    """
    wanted = recipe["training.packing"]
    if wanted is False or (wanted == "auto" and profile.name == "cpu"):
        return None
    tokens_per_row = train["tokens"] / max(1, train["rows"])
    packs = recipe["training.batch_size"] * tokens_per_row / recipe["training.sequence_len"]
    enough = train["tokens"] >= 2 * max(1, round(packs)) * recipe["training.sequence_len"]
    if wanted is True and not enough:
        raise ResepError(
            f"training.packing: the {train['rows']} training rows ({train['tokens']} tokens) do not fill two steps of "
            f"packs of {recipe['training.sequence_len']} tokens: leave packing out, or lower training.sequence_len"
        )
    return max(1, round(packs)) if enough and (wanted is True or packs >= 1) else None


def _batch(recipe: Recipe, units: int, profile: Profile) -> tuple[int, int]:
    """Micro batch and accumulation whose product is `units`, the global batch of the one training process.

    The recipe's check has made sure that its own figures divide the rows of a step; packs are rounded.
    """
    micro, accumulation = recipe["training.micro_batch_size"], recipe["training.gradient_accumulation_steps"]
    if micro is None:
        micro = units // accumulation if accumulation else _largest_divisor(units, _limit(recipe, profile))
    micro = min(max(1, micro), units)
    return micro, round(units / micro)


def _limit(recipe: Recipe, profile: Profile) -> int:
    if profile.name == "cpu":
        return _LARGEST_CPU_BATCH
    return int(profile.memory_gib * _TOKENS_PER_GIB / recipe["training.sequence_len"])


def _largest_divisor(units: int, limit: int) -> int:
    return max(size for size in range(1, units + 1) if units % size == 0 and size <= max(1, limit))


def _method(recipe: Recipe, profile: Profile) -> dict[str, Any]:
    method = recipe["training.method"]
    if method == "full":
        return {}
    targets = recipe["training.lora.target_modules"]
    config = {
        "adapter": method,
        # `adapter: lora` with load_in_4bit validates and quantises nothing.
        "load_in_4bit": method == "qlora",
        "lora_r": recipe["training.lora.r"],
        "lora_alpha": recipe["training.lora.alpha"],
        "lora_dropout": float(recipe["training.lora.dropout"]),
        **({"lora_target_linear": True} if targets == "all-linear" else {"lora_target_modules": list(targets)}),
    }
    # One kernel key switches off all four, which need CUDA. On a GPU Axolotl chooses by itself when none is there.
    return config if profile.name == "cuda" else {**config, "lora_qkv_kernel": False}


def _data(recipe: Recipe, schedule: Schedule) -> dict[str, Any]:
    config: dict[str, Any] = {"datasets": [{"path": "data/train.parquet", "ds_type": "parquet"}]}
    if schedule.eval_steps:
        config["test_datasets"] = [{"path": "data/validation.parquet", "ds_type": "parquet"}]
    return {
        **config,
        # Packing needs columns that only Axolotl's own preparation adds; without it nothing of ours is touched.
        "skip_prepare_dataset": not schedule.packed,
        **({"dataset_prepared_path": "prepared"} if schedule.packed else {}),
        "shuffle_merged_datasets": False,
        "sequence_len": recipe["training.sequence_len"],
        "sample_packing": schedule.packed,
        # A validation set is too small to pack without losing rows.
        **({"eval_sample_packing": False} if schedule.packed else {}),
        "pad_to_sequence_len": schedule.packed,
    }


def _optimisation(recipe: Recipe, schedule: Schedule) -> dict[str, Any]:
    numbers = ("num_epochs", "learning_rate", "warmup_ratio", "weight_decay", "max_grad_norm")
    given = {key: recipe[f"training.{key}"] for key in (*numbers, "max_steps", "lr_scheduler", "optimizer")}
    return {
        "micro_batch_size": schedule.micro_batch,
        "gradient_accumulation_steps": schedule.accumulation,
        # `1` and `1.0` in a recipe are the same training: they must be the same bytes here.
        **{key: float(value) if key in numbers and value is not None else value for key, value in given.items()},
        "seed": recipe["seed"],
    }


def _cadence(recipe: Recipe, schedule: Schedule) -> dict[str, Any]:
    cadence: dict[str, Any] = {"logging_steps": 1, "save_total_limit": 2}
    cadence |= {"eval_steps": schedule.eval_steps} if schedule.eval_steps else {"eval_strategy": "no"}
    cadence |= {"save_steps": schedule.save_steps} if schedule.save_steps else {"save_strategy": "no"}
    patience = recipe["training.early_stopping"]
    if not patience:
        return cadence
    return cadence | {
        "early_stopping_patience": patience,
        "load_best_model_at_end": True,
        "metric_for_best_model": "eval_loss",
        "greater_is_better": False,
    }


def _hardware(recipe: Recipe, schedule: Schedule, profile: Profile) -> dict[str, Any]:
    return _on_cpu(recipe, schedule) if profile.name == "cpu" else _on_cuda(recipe, profile)


def _on_cpu(recipe: Recipe, schedule: Schedule) -> dict[str, Any]:
    if recipe["training.precision"] in ("bf16", "fp16"):
        raise ResepError(
            f"training.precision: {recipe['training.precision']} needs a GPU, and this run is on a CPU: set it to auto"
        )
    return {
        "bf16": False,
        "fp16": False,
        "tf32": False,
        "attn_implementation": "sdpa",
        # Every padded token costs as much as a real one (measured on the quickstart: 164 s -> 135 s).
        "group_by_length": not schedule.packed,
        "gradient_checkpointing": recipe["training.gradient_checkpointing"] is True,
        "dataloader_num_workers": 0,
        "dataloader_pin_memory": False,
        "dataset_num_proc": 1,
    }


def _on_cuda(recipe: Recipe, profile: Profile) -> dict[str, Any]:
    checkpointing = recipe["training.gradient_checkpointing"] is not False
    return {
        **_precision(recipe["training.precision"], profile),
        "tf32": "auto",
        "attn_implementation": "sdpa",
        "gradient_checkpointing": checkpointing,
        **({"gradient_checkpointing_kwargs": {"use_reentrant": False}} if checkpointing else {}),
    }


def _precision(precision: str | None, profile: Profile) -> dict[str, Any]:
    if precision == "auto":
        # `bf16: auto` on a GPU without bf16 silently loads fp16 weights: say fp16 where the GPU is older than Ampere.
        before_ampere = profile.capability is not None and profile.capability < (8, 0)
        return {"bf16": False, "fp16": True} if before_ampere else {"bf16": "auto", "fp16": False}
    return {"bf16": precision == "bf16", "fp16": precision == "fp16"}
