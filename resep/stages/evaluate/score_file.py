"""`resep score`: evaluators over a file of samples, without a recipe, through the same child as a run's stage."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from resep import plugins
from resep.errors import ResepError
from resep.plugins.option_types import schema_of
from resep.plugins.source import NEEDS
from resep.records import Sample, Score, read_jsonl, write_jsonl
from resep.stages.evaluate.names import typed_files
from resep.stages.evaluate.samples_file import read_samples
from resep.stages.shared_child import run_in_one_child
from resep.store import Emit, Task
from resep.suggest import did_you_mean, listed


def score_file(
    path: Path,
    evaluators: Mapping[str, Mapping[str, Any]],
    emit: Emit = lambda event: None,  # noqa: ARG005
    *,
    folder: Path | None = None,
    seed: int = 42,
) -> dict[str, Any]:
    """Score the samples of a JSONL file: {"metrics": {name: {mean, n, unscored, arms, signature}}, "scores": [...]}.

    `evaluators` maps names to options (those left out take their defaults). `folder`: where plug-ins that are not ours
    may lie. Texts are scored as they stand. Raises ResepError for a faulty line, an unknown evaluator or option;
    StageError, with a log that is kept, when the child fails.
    """
    tasks = [_task(name, options, folder) for name, options in evaluators.items()]
    samples = read_samples(path)
    work = Path(tempfile.mkdtemp(prefix="resep-score-"))
    scores, totals = _run(samples, tasks, work, emit, seed)
    shutil.rmtree(work)  # kept when the child fails: its log is in it
    return _report(samples, scores, totals)


def _task(name: str, given: Mapping[str, Any], folder: Path | None) -> dict[str, Any]:
    plugin = plugins.describe(plugins.find("evaluators", name, folder))
    if plugin.needs:
        missing = " and ".join(NEEDS[need] for need in plugin.needs)
        raise ResepError(
            f"evaluator {name} needs {missing}, which a file of samples does not have: run a recipe with it"
        )
    for option in given:
        if option not in plugin.options:
            known = did_you_mean(option, plugin.options) or f"; it has {listed(plugin.options)}"
            raise ResepError(f"evaluator {name} has no option '{option}'{known}")
        _check_type(f"{name}.{option}", given[option], plugin.options[option].type)
    options = plugins.option_values(plugin, given)
    options |= typed_files(options)
    return {"name": name, "evaluator": name, "plugin": str(plugin.path.resolve()), "options": options}


def _check_type(option: str, value: Any, annotation: str) -> None:
    from jsonschema import Draft7Validator

    if not Draft7Validator(schema_of(annotation)).is_valid(value):
        raise ResepError(f"--set {option}: {value!r} is not of the type {annotation}")


def _run(
    samples: Sequence[Sample], tasks: Sequence[Mapping[str, Any]], work: Path, emit: Emit, seed: int
) -> tuple[list[list[Score]], dict[str, Any]]:
    """The scores of each evaluator, in the order of the samples, and each metric's number over all rows and by arm."""
    write_jsonl(work / "samples.jsonl", samples)
    outs = {task["name"]: work / task["name"] for task in tasks}
    for out in outs.values():
        out.mkdir()
    request = {
        "arms": {"": {"samples": str(work / "samples.jsonl"), "card": None}},
        "prepared": {},
        "normalise": None,
        "pinned": {task["plugin"]: plugins.content_hash(Path(task["plugin"])) for task in tasks},
        "seed": seed,
        "response_format": "numbered_steps",
        "tasks": [{**task, "out": str(outs[task["name"]])} for task in tasks],
    }
    instances = [Task(name, {}, {}, out) for name, out in outs.items()]
    for _ in run_in_one_child("resep.stages.evaluate.worker", request, instances, emit):
        pass
    summaries = [json.loads((out / "metrics.json").read_text(encoding="utf-8")) for out in outs.values()]
    scores = [list(read_jsonl(out / "scores.jsonl", Score)) for out in outs.values()]
    totals = [(name, numbers, s["signature"]) for s in summaries for name, numbers in s["totals"].items()]
    return scores, {name: {**numbers, "signature": signature} for name, numbers, signature in totals}


def _report(
    samples: Sequence[Sample], scores: Sequence[Sequence[Score]], totals: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    rows = [_row(sample, given) for sample, *given in zip(samples, *scores, strict=True)]
    scored = {
        name: [(s.arm, _is_scored(s, name)) for given in scores for s in given if name in s.values] for name in totals
    }
    return {"metrics": {name: _metric(totals[name], scored[name]) for name in totals}, "scores": rows}


def _row(sample: Sample, given: Sequence[Score]) -> dict[str, Any]:
    values = {name: value for score in given for name, value in score.values.items()}
    errors = [score.error for score in given if score.error]
    return {"id": sample.id, "arm": sample.arm, "values": values, "error": "; ".join(errors) or None}


def _is_scored(score: Score, metric: str) -> bool:
    """A row counts in a corpus metric by its statistics; it need not have a score of its own."""
    return score.values[metric] is not None or metric in score.stats


def _metric(total: Mapping[str, Any], scored: Sequence[tuple[str, bool]]) -> dict[str, Any]:
    arms = {arm: _counted(mean, [has for of, has in scored if of == arm]) for arm, mean in total["arms"].items()}
    return {**_counted(total["all"], [has for _, has in scored]), "arms": arms, "signature": total["signature"]}


def _counted(mean: float | None, scored: Sequence[bool]) -> dict[str, Any]:
    return {"mean": mean, "n": sum(scored), "unscored": len(scored) - sum(scored)}
