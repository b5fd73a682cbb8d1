"""The stage `configure` for a service: recipe and counts of the rows -> job.json, by the converter plug-in."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from resep.plugins import open_plugin
from resep.store import Emit, Stage, Task

if TYPE_CHECKING:
    from resep.hardware import Profile
    from resep.recipe import Recipe

JOB = "job.json"
_STEERING = (
    *("name", "seed", "model.base", "training.num_epochs", "training.batch_size"),
    *("training.openai.learning_rate_multiplier", "training.openai.suffix"),
)


def stage(recipe: Recipe, profile: Profile) -> Stage:
    """Render the job. Nothing of this machine steers it."""
    converter = recipe.plugin("converters", recipe["training.trainer"])
    return Stage(
        name="configure",
        run=partial(_run, recipe=recipe, profile=profile, converter=converter),
        config=recipe.pick(*_STEERING),
        outputs=(JOB,),
        needs={"tokenise": ("statistics.json",)},
        reads={f"converters/{converter.name}": converter},
    )


def _run(
    tasks: Sequence[Task],
    emit: Emit,  # noqa: ARG001
    *,
    recipe: Recipe,
    profile: Profile,
    converter: Path,
) -> Iterator[Task]:
    for task in tasks:
        prepared = json.loads((task.inputs["tokenise"] / "statistics.json").read_text(encoding="utf-8"))
        for name, content in open_plugin(converter).convert(recipe, prepared, profile).items():
            (task.out / name).write_text(content, encoding="utf-8")
        yield task
