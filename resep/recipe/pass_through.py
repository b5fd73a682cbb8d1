"""`training.axolotl`: which options of Axolotl's a recipe may pass through, and why not the others.

Read without Axolotl (its import takes six seconds) from the schema that was generated from the pinned version.
Axolotl itself drops unknown keys in silence.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from resep.errors import ResepError
from resep.paths import data_folder
from resep.suggest import did_you_mean

SCHEMA = "axolotl-0.19.0.schema.json"

# Recipe key (or the runner's own part) <- the Axolotl keys that it owns.
OWNED: Mapping[str, str] = {
    "model.base": "base_model base_model_config model_revision model_type tokenizer_config tokenizer_type",
    "model.adapter": "lora_model_dir",
    "seed": "seed",
    "training.method": "adapter load_in_4bit load_in_8bit merge_lora rl reward_model process_reward_model relora",
    "training.lora": "lora_r lora_alpha lora_dropout lora_target_linear lora_target_modules",
    "training.learning_rate": "learning_rate",
    "training.num_epochs": "num_epochs",
    "training.max_steps": "max_steps",
    "training.batch_size": "micro_batch_size gradient_accumulation_steps batch_size auto_find_batch_size",
    "training.sequence_len": "sequence_len eval_sequence_len",
    "training.overflow": "excess_length_strategy min_sample_len",
    "training.optimizer": "optimizer",
    "training.lr_scheduler": "lr_scheduler",
    "training.warmup_ratio": "warmup_ratio warmup_steps",
    "training.weight_decay": "weight_decay",
    "training.max_grad_norm": "max_grad_norm",
    "training.eval_per_epoch": "eval_steps evals_per_epoch eval_strategy evaluation_strategy",
    "training.save_per_epoch": "save_steps saves_per_epoch save_strategy save_total_limit save_only_model",
    "training.early_stopping": "early_stopping_patience load_best_model_at_end metric_for_best_model greater_is_better",
    "training.packing": "sample_packing eval_sample_packing batch_flattening max_packed_sequence_len",
    "training.gradient_checkpointing": "gradient_checkpointing",
    "training.precision": "bf16 fp16 bfloat16 float16 float32 fp8",
    "data": "datasets test_datasets pretraining_dataset streaming skip_prepare_dataset dataset_exact_deduplication "
    "dataset_shard_num dataset_shard_idx shuffle_merged_datasets shuffle_before_merging_datasets",
    "split": "val_set_size",
    "prompt": "chat_template chat_template_jinja chat_template_kwargs default_system_message train_on_inputs "
    "role_boundaries special_tokens tokens eot_tokens added_tokens_overrides tokenizer_use_mistral_common",
    "compute": "device device_map ddp fsdp fsdp_config fsdp_version fsdp_final_state_dict_type world_size local_rank "
    "tensor_parallel_size context_parallel_size sequence_parallel_degree dp_shard_size dp_replicate_size use_ray "
    "ray_run_name ray_num_workers resources_per_worker accelerator_config",
    "tracking": "use_tensorboard",
    "the runner (it reads every step)": "logging_steps resume_from_checkpoint auto_resume_from_checkpoints "
    "dynamic_checkpoint strict is_preprocess total_num_tokens total_supervised_tokens",
}

_FORBIDDEN: Sequence[tuple[str, str]] = (
    (
        r"plugins|trust_remote_code|trainer_cls|model_kwargs|processor_kwargs|torchdistx_path|eval_causal_lm_metrics"
        r"|do_causal_lm_eval|use_kernels|experts_implementation|overrides_of_model_config|model_config|cls_model_config"
        r"|base_model_ignore_patterns|lr_scheduler_kwargs_code",
        "it can run code that is not in the recipe",
    ),
    (
        r"hub_.*|hf_.*|push_dataset_to_hub|wandb_.*|use_wandb|use_mlflow|mlflow_.*|use_comet|comet_.*|use_trackio"
        r"|trackio_.*|use_otel_metrics|otel_.*|gradio_.*|vllm|trl|do_bench_eval|bench_.*",
        "it talks to the network",
    ),
    (r".*_dir|.*_path|deepspeed|deepcompile|profiler_steps.*", "it names files or folders, which the runner decides"),
)


def check(options: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(key, message) for every option that cannot be passed through, in their order. Empty: all are sound."""
    found = ((key, _complaint(key, value)) for key, value in options.items())
    return [(key, message) for key, message in found if message]


def require_sound(options: Mapping[str, Any]) -> None:
    """Raises ResepError with every complaint of `check`."""
    if complaints := check(options):
        raise ResepError("\n".join(f"training.axolotl.{key}: {message}" for key, message in complaints))


def _complaint(key: str, value: Any) -> str:
    schema = _schema()
    if key not in schema["properties"]:
        return f"Axolotl 0.19.0 has no such option{did_you_mean(key, schema['properties'])}"
    if owner := _owners().get(key):
        return f"it is decided by {owner}; set it there"
    for pattern, reason in _FORBIDDEN:
        if re.fullmatch(pattern, key):
            return f"a recipe cannot set it: {reason}"
    if key == "attn_implementation" and "/" in str(value):
        return "a recipe cannot name a kernel of the hub: it runs downloaded code"
    return _type_complaint(key, value)


def _type_complaint(key: str, value: Any) -> str:
    import jsonschema

    schema = {**_schema()["properties"][key], "$defs": _schema()["$defs"]}
    error = next(jsonschema.Draft202012Validator(schema).iter_errors(value), None)
    return f"{value!r} does not fit: Axolotl expects {_expected(schema)}" if error else ""


def _expected(schema: Mapping[str, Any]) -> str:
    choices = schema.get("anyOf", [schema])
    words = [_word(choice) for choice in choices if choice.get("type") != "null"]
    return " or ".join(dict.fromkeys(words))


def _word(choice: Mapping[str, Any]) -> str:
    if "$ref" in choice:
        definition = _schema()["$defs"][choice["$ref"].rpartition("/")[2]]
        return ", ".join(map(str, definition["enum"])) if "enum" in definition else "a mapping"
    if "const" in choice:
        return repr(choice["const"])
    if "enum" in choice:
        return ", ".join(map(str, choice["enum"]))
    return str(choice.get("type", "another value"))


@cache
def _owners() -> Mapping[str, str]:
    return {key: owner for owner, keys in OWNED.items() for key in keys.split()}


@cache
def _schema() -> Mapping[str, Any]:
    schema: Mapping[str, Any] = json.loads((data_folder("schemas") / SCHEMA).read_text(encoding="utf-8"))
    return schema
