"""`resep score`: evaluators over a file of samples, without a recipe, through the same child as a run's stage."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from resep import plugins
from resep.errors import ResepError
from resep.plugins.option_types import schema_of
from resep.records import Sample, Score, read_jsonl, write_jsonl
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
    """Score the samples of a JSONL file: {"metrics": {name: {mean, n, unscored, arms}}, "scores": [...]}.

    `evaluators` maps names to options (those left out take their defaults). `folder`: where plug-ins that are not ours
    may lie. Texts are scored as they stand. Raises ResepError for a faulty line, an unknown evaluator or option;
    StageError, with a log that is kept, when the child fails.
    """
    tasks = [_task(name, options, folder) for name, options in evaluators.items()]
    samples = read_samples(path)
    work = Path(tempfile.mkdtemp(prefix="resep-score-"))
    scores, metrics = _run(samples, tasks, work, emit, seed)
    shutil.rmtree(work)  # kept when the child fails: its log is in it
    return _report(samples, scores, metrics)


def _task(name: str, given: Mapping[str, Any], folder: Path | None) -> dict[str, Any]:
    plugin = plugins.describe(plugins.find("evaluators", name, folder))
    for option in given:
        if option not in plugin.options:
            known = did_you_mean(option, plugin.options) or f"; it has {listed(plugin.options)}"
            raise ResepError(f"evaluator {name} has no option '{option}'{known}")
        _check_type(f"{name}.{option}", given[option], plugin.options[option].type)
    options = plugins.option_values(plugin, given)
    return {"name": name, "evaluator": name, "plugin": str(plugin.path.resolve()), "options": options}


def _check_type(option: str, value: Any, annotation: str) -> None:
    from jsonschema import Draft7Validator

    if not Draft7Validator(schema_of(annotation)).is_valid(value):
        raise ResepError(f"--set {option}: {value!r} is not of the type {annotation}")


def _run(
    samples: Sequence[Sample], tasks: Sequence[Mapping[str, Any]], work: Path, emit: Emit, seed: int
) -> tuple[list[list[Score]], list[str]]:
    """The scores of each evaluator, in the order of the samples, and the names of all their metrics."""
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
    return scores, [metric["name"] for summary in summaries for metric in summary["metrics"]]


def _report(samples: Sequence[Sample], scores: Sequence[Sequence[Score]], metrics: Sequence[str]) -> dict[str, Any]:
    rows = [_row(sample, given) for sample, *given in zip(samples, *scores, strict=True)]
    return {"metrics": {name: _metric(rows, name) for name in metrics}, "scores": rows}


def _row(sample: Sample, given: Sequence[Score]) -> dict[str, Any]:
    values = {name: value for score in given for name, value in score.values.items()}
    errors = [score.error for score in given if score.error]
    return {"id": sample.id, "arm": sample.arm, "values": values, "error": "; ".join(errors) or None}


def _metric(rows: Sequence[Mapping[str, Any]], name: str) -> dict[str, Any]:
    arms = dict.fromkeys(row["arm"] for row in rows)
    by_arm = {arm: _mean([row["values"][name] for row in rows if row["arm"] == arm]) for arm in arms}
    return {**_mean([row["values"][name] for row in rows]), "arms": by_arm}


def _mean(values: Sequence[float | None]) -> dict[str, Any]:
    known = [value for value in values if value is not None]
    return {"mean": fmean(known) if known else None, "n": len(known), "unscored": len(values) - len(known)}
