"""Merge the adapter into its base: one model without an adapter, proved to answer as the two of them do.

What QLoRA trains is an adapter on 4-bit weights. `output.merge_into: evaluated` therefore turns these back into the
numbers that the arms computed with (float32 on a CPU, 16 bits on a GPU) and adds the adapter to them: the model that
was evaluated. `original` adds it to the weights as the base model has them, which most tools do: close to what was
evaluated, and not the same; merge.json says how close. For LoRA the two are one.

    worker.py    the child: what base and adapter say, the merged weights, what these say once read back from disk
    witness.py   what a model says to a few prompts, and whether another says the same: where rounding alone may differ

Leaves model/ (sharded safetensors, tokenizer, chat template, generation config) and merge.json. A merge that was
interrupted begins again, unless the weights were written: then they are only looked at.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resep.errors import StageError
from resep.models.weights import count_parameters
from resep.stages.chat_template import chat_template
from resep.stages.generate import ground_of
from resep.stages.generate.arms import Precision
from resep.stages.shared_child import run_in_one_child
from resep.store import Emit, Stage, Task
from resep.templates import find_template

if TYPE_CHECKING:
    from resep.hardware import Profile
    from resep.models import Model
    from resep.recipe import Recipe
    from resep.stages.generate.local import Ground

MODEL, SUMMARY = "model", "merge.json"
BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}  # of one weight
_SPARE = 0.05  # of the size of the weights: tokenizer, configs, what else is written meanwhile


def is_asked_for(recipe: Recipe) -> bool:
    """Whether the recipe wants a merged model."""
    return bool(recipe["output.merge"])


def stages(recipe: Recipe, profile: Profile, model: Model) -> list[Stage]:
    """The stage `merge`, where the recipe asks for it. `model` is the base."""
    if not is_asked_for(recipe):
        return []
    ground, (template, folder) = ground_of(recipe, profile, model), chat_template(recipe)
    file = find_template(template, folder)
    base = numbers_of_base(ground.numbers, recipe["output.merge_into"])
    return [
        Stage(
            name="merge",
            run=partial(_run, ground=ground, base=base, template=template, template_folder=folder),
            config={
                "model": model.identity,
                "precision": ground.numbers.name,
                "output.merge_into": recipe["output.merge_into"],
                "prompt.chat_template": template,
            },
            outputs=(MODEL, SUMMARY),
            needs={"train": (ground.trained,), "prepare": ("test.jsonl",)},
            reads={} if file is None else {"chat_template": file},
        )
    ]


def numbers_of_base(evaluated: Precision, into: str) -> Precision:
    """The numbers of the weights that the adapter is added to: never 4-bit ones, which could not hold the sum."""
    if into == "original":
        return Precision(evaluated.dtype)
    return replace(evaluated, dequantise=evaluated.four_bit)


def size_of(folder: Path, numbers: Precision) -> int:
    """Bytes of the weights of the model in `folder`, written in these numbers."""
    return count_parameters(folder) * BYTES[numbers.dtype]


def _run(
    tasks: Sequence[Task],
    emit: Emit,
    *,
    ground: Ground,
    base: Precision,
    template: str,
    template_folder: Path,
) -> Iterator[Task]:
    (task,) = tasks
    folder = ground.model.folder().resolve()
    _require_space(task.out, size_of(folder, base))
    request = {
        "device": ground.profile.name,
        "folder": str(folder),
        "adapter": str((task.inputs["train"] / ground.trained).resolve()),
        "evaluated": _spelt(ground.numbers),
        "base": _spelt(base),
        "template": template,
        "template_folder": str(template_folder.resolve()),
        "test": str((task.inputs["prepare"] / "test.jsonl").resolve()),
        "into": task.config["output.merge_into"],
        "out": str(task.out.resolve()),
    }
    yield from run_in_one_child("resep.stages.merge.worker", request, tasks, emit, ground.profile.environment)


def _spelt(numbers: Precision) -> Mapping[str, Any]:
    return asdict(numbers) | {"name": numbers.name}


def _require_space(out: Path, size: int) -> None:
    if (out / MODEL).is_dir():  # an earlier attempt has written the weights
        return
    needed, free = int(size * (1 + _SPARE)), shutil.disk_usage(out).free
    if free < needed:
        raise StageError(
            "merge",
            f"the merged model takes {needed / 1e9:.1f} GB on the disk of {out.parent}, which has {free / 1e9:.1f} GB: "
            "free some space, choose another disk with --store, or leave output.merge out: the adapter is all there is",
        )
