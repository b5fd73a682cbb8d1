"""An evaluator over the samples that a run left, in a child as when the run was made."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resep import plugins
from resep.errors import StageError
from resep.records import write_jsonl
from resep.run_folder import RunFolder
from resep.stages.evaluate import stored_samples_request
from resep.stages.report.metrics import Scored, read_scores
from resep.stages.shared_child import run_in_one_child
from resep.store import Emit, Task

if TYPE_CHECKING:
    from resep.recipe import Recipe

_MISSING = {
    "models": "it asks the models themselves",
    "private": "it needs the digests of what was taken out of the rows",
    "rows": "it looks at the training rows",
    "texts": "it asks texts of its own",
    "timings": "it reads how long the answers took",
}


def not_here(recipe: Recipe, evaluator: str) -> str | None:
    """Why an evaluator cannot be computed again from a run's folder, as far as can be told without trying."""
    needs = plugins.describe(recipe.plugin("evaluators", evaluator)).needs
    if needs:
        return "; ".join(_MISSING.get(need, f"it needs {need}") for need in needs)
    options = recipe.evaluators[evaluator]
    if options.get("endpoint"):
        return "it asks a server, which may answer otherwise today"
    return None


def rescored(
    recipe: Recipe, arms: Mapping[str, Mapping[str, str]], evaluators: Sequence[str], work: Path, emit: Emit
) -> Iterator[tuple[str, Scored | str]]:
    """Each evaluator with its scores, computed again below `work`, or with the reason why it could not be.

    `arms`: those of `arm_files`. All share a child; after one that fails the others go on in another.
    """
    left = list(evaluators)
    while left:
        outs = {name: work / name for name in left}
        tasks = [Task(f"evaluate:{name}", {}, {}, out) for name, out in outs.items()]
        reason = ""
        try:
            for task in _run(stored_samples_request(recipe, arms, outs), tasks, emit):
                name = left.pop(0)
                yield name, read_scores(name, task.out, arms, recipe.plugin("evaluators", name))
        except StageError as error:
            reason = str(error)
        if reason:
            yield left.pop(0), reason


def _run(request: Mapping[str, Any], tasks: Sequence[Task], emit: Emit) -> Iterator[Task]:
    for task in tasks:
        task.out.mkdir(exist_ok=True)
    yield from run_in_one_child("resep.stages.evaluate.worker", request, tasks, emit)


def arm_files(run: RunFolder, recipe: Recipe, folder: Path) -> dict[str, dict[str, str]]:
    """Each arm's samples and what `generate` noted about it, in the files that the child reads."""
    samples, files = run.samples(), {}
    for number, arm in enumerate(recipe.arms):
        home = folder / f"arm-{number}"
        home.mkdir()
        write_jsonl(home / "samples.jsonl", [sample for sample in samples if sample.arm == arm])
        (home / "arm.json").write_text(json.dumps(run.results["arms"].get(arm) or {}), encoding="utf-8")
        files[arm] = {"samples": str(home / "samples.jsonl"), "card": str(home / "arm.json")}
    return files
