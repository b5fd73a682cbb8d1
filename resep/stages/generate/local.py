"""Arms that this machine answers itself: what the child is asked to do, and its run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from resep.hardware import Profile
from resep.models import Model
from resep.stages.generate.arms import Arm, Precision
from resep.stages.generate.shots import FILE
from resep.stages.shared_child import run_in_one_child
from resep.store import Emit, Task


@dataclass(frozen=True)
class Ground:
    """What all arms of a run share: the base model, the numbers that arms compute with, the machine.

    `trained` is what the training leaves: `adapter`, or `model` where every weight was trained.
    """

    model: Model
    numbers: Precision
    profile: Profile
    trained: str


def answer_here(
    tasks: Sequence[Task],
    arms: Mapping[str, Arm],
    ground: Ground,
    test: Path,
    decoding: Mapping[str, Any],
    seed: int,
    emit: Emit,
) -> Iterator[Task]:
    """Let every task's arm (by the task's name) answer the rows of `test`; yield each task as it is done."""
    ordered = _in_order_of_loads(tasks, arms)
    request = {
        "device": ground.profile.name,
        "decoding": dict(decoding),
        "seed": seed,
        "test": str(test.resolve()),
        "loads": _loads(ordered, arms, ground),
    }
    yield from run_in_one_child("resep.stages.generate.worker", request, ordered, emit, ground.profile.environment)


def examples_of(arm: Arm) -> dict[str, Any]:
    """What arm.json says of the examples that an arm was shown."""
    return {"examples": {"count": arm.choice.count, "choose": arm.choice.choose}} if arm.choice else {}


def shots_file(arm: Arm, task: Task) -> str | None:
    """The file with the rows that an arm is shown, or None where it is shown none."""
    return str((task.inputs[arm.choice.stage_name] / FILE).resolve()) if arm.choice else None


def _in_order_of_loads(tasks: Sequence[Task], arms: Mapping[str, Arm]) -> list[Task]:
    """As the child answers them: the last one's folder is its home, and must be the last to be renamed."""
    order = {"base": 0, "adapter": 1, "tuned": 2, "model": 3}
    return sorted(tasks, key=lambda task: order[arms[task.name].weights])


def _loads(tasks: Sequence[Task], arms: Mapping[str, Arm], ground: Ground) -> list[dict[str, Any]]:
    loads: dict[str, dict[str, Any]] = {}
    for task in tasks:
        arm = arms[task.name]
        model = arm.model or ground.model
        if model.identity not in loads:
            precision = asdict(ground.numbers) | {"name": ground.numbers.name}
            folder = str(model.folder().resolve())
            loads[model.identity] = {"folder": folder, "model": model.identity, "precision": precision, "arms": []}
        loads[model.identity]["arms"].append(_request(task, arm, ground.trained))
    return list(loads.values())


def _request(task: Task, arm: Arm, trained: str) -> dict[str, Any]:
    kind, source = _source(task, arm, trained)
    return {
        "task": task.name,
        "arm": arm.name,
        "weights": arm.weights,
        "template": arm.template,
        "template_folder": str(arm.template_folder.resolve()),
        "trained": kind,
        "from": str(source.resolve()) if source else None,
        "shots": shots_file(arm, task),
        "facts": examples_of(arm),
        "out": str(task.out.resolve()),
    }


def _source(task: Task, arm: Arm, trained: str) -> tuple[str | None, Path | None]:
    """What was trained, and its folder; nothing for weights as they were."""
    if arm.adapter:
        return "adapter", arm.adapter.folder
    if arm.weights == "tuned":
        return trained, task.inputs["train"] / trained
    return None, None
