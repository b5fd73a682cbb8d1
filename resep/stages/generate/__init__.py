"""Let every arm answer the test rows: the same rows, the same decoding, base and tuned from one load of the weights.

Leaves samples.jsonl (in the order of test.jsonl) and arm.json; timings.json and the log beside. A base arm's key knows
nothing of the training but its precision, so its answers outlive every change of a training knob.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resep.stages.chat_template import chat_template
from resep.stages.generate.arms import Arm, Precision, precision, read_arm
from resep.stages.shared_child import run_in_one_child
from resep.store import Emit, Stage, Task
from resep.templates import find_template

if TYPE_CHECKING:
    from resep.hardware import Profile
    from resep.models import Model
    from resep.recipe import Recipe

DEFAULT_BATCH_SIZE = 64  # the weights are read once per token for all rows of a batch
_REVISION = 1


def stages(recipe: Recipe, profile: Profile, model: Model) -> list[Stage]:
    """`generate:<arm>` for each arm of the recipe. `model` is the base model."""
    template, template_folder = chat_template(recipe)
    arms = {name: read_arm(name, template) for name in recipe["generation.arms"]}
    numbers = precision(recipe, profile)
    trained = "model" if recipe["training.method"] == "full" else "adapter"
    run = partial(
        _run, arms=arms, numbers=numbers, profile=profile, model=model, trained=trained, template_folder=template_folder
    )
    return [
        Stage(
            name=f"generate:{arm.name}",
            run=run,
            config={
                "model": model.identity,
                "precision": numbers.name,
                "template": arm.template,
                **{f"generation.{option}": value for option, value in decoding(recipe).items()},
            },
            outputs=("samples.jsonl", "arm.json"),
            needs={"prepare": ("test.jsonl",), **({"train": (trained,)} if arm.weights == "tuned" else {})},
            reads=_template_file(arm, template_folder),
            revision=_REVISION,
        )
        for arm in arms.values()
    ]


def decoding(recipe: Recipe) -> dict[str, Any]:
    """The options that steer an answer; those of sampling count only where tokens are drawn."""
    always = ("do_sample", "max_new_tokens", "repetition_penalty", "stop")
    sampling = ("temperature", "top_p", "top_k") if recipe["generation.do_sample"] else ()
    options = {option: recipe[f"generation.{option}"] for option in (*always, *sampling)}
    seed = {"seed": recipe["seed"]} if sampling else {}
    # Below fp32 the other rows of a batch change an answer's last bits: its size is part of the question.
    return {**options, **seed, "batch_size": recipe["generation.batch_size"] or DEFAULT_BATCH_SIZE}


def _template_file(arm: Arm, folder: Path) -> dict[str, Path]:
    file = find_template(arm.template, folder)
    return {} if file is None else {"template": file}


def _run(
    tasks: Sequence[Task],
    emit: Emit,
    *,
    arms: Mapping[str, Arm],
    numbers: Precision,
    profile: Profile,
    model: Model,
    trained: str,
    template_folder: Path,
) -> Iterator[Task]:
    # The plain base answers before an adapter is attached.
    ordered = sorted(tasks, key=lambda task: arms[_arm_name(task)].weights == "tuned")
    config = ordered[0].config
    request = {
        "folder": str(model.folder().resolve()),
        "model": config["model"],
        "precision": asdict(numbers) | {"name": numbers.name},
        "device": profile.name,
        "decoding": {key.partition(".")[2]: value for key, value in config.items() if key.startswith("generation.")},
        "test": str((ordered[0].inputs["prepare"] / "test.jsonl").resolve()),
        "template_folder": str(template_folder.resolve()),
        "arms": [_request(task, arms[_arm_name(task)], trained) for task in ordered],
    }
    environment = {
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", str(profile.cores)),
        **({"CUDA_VISIBLE_DEVICES": ""} if profile.name == "cpu" else {}),
    }
    yield from run_in_one_child("resep.stages.generate.worker", request, ordered, emit, environment)


def _request(task: Task, arm: Arm, trained: str) -> dict[str, Any]:
    weights = task.inputs["train"] / trained if arm.weights == "tuned" else None
    return {
        "task": task.name,
        "arm": arm.name,
        "template": arm.template,
        "trained": trained if weights else None,
        "weights": str(weights.resolve()) if weights else None,
        "out": str(task.out.resolve()),
    }


def _arm_name(task: Task) -> str:
    return task.name.partition(":")[2]
