"""The child that scores: every due evaluator in turn, over the samples of every arm. Starts torch only if one needs it.

Request: `arms` {arm: {"samples": file, "card": file or null}}, `prepared` {split: file}, `normalise` [{"name",
"options", "fields", "file"}] or null, `pinned` {plug-in's file: sha256 it must have}, `seed`, `response_format`,
`tasks` [{"name", "evaluator", "plugin", "options", "out"}]; of a run also `models` (see language_models/request.py, or
null) and `private` {"folder", "steps"}.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import cache, partial
from pathlib import Path
from shutil import copyfile
from types import SimpleNamespace
from typing import Any

from resep import models, plugins
from resep.context import Context, Encoder, LanguageModel, no_language_model
from resep.digests import write_json
from resep.errors import ResepError
from resep.events import emit, work
from resep.records import Sample, Score, read_jsonl, to_line
from resep.resume import finished_records
from resep.stages.evaluate.aggregates import totals
from resep.stages.evaluate.contract import Evaluator, score, told
from resep.stages.evaluate.names import split_revision
from resep.stages.evaluate.normalise import normalise
from resep.stages.evaluate.private_data import open_private_data

_REPORTS = 20  # progress events per pass: an evaluator that works in one batch yields its scores all at once


def job(request: Mapping[str, Any]) -> None:
    """Score for every task, report each as `done`."""
    plugins.pin({Path(file): sha256 for file, sha256 in request["pinned"].items()})
    raw = [sample for arm in request["arms"].values() for sample in read_jsonl(Path(arm["samples"]), Sample)]
    samples = _normalised(raw, request["normalise"])
    context = _context(request)
    for task in request["tasks"]:
        module = plugins.open_plugin(Path(task["plugin"]))
        _run(Evaluator(task["evaluator"], module, task["options"]), raw, samples, context, Path(task["out"]))
        emit("done", task=task["name"])


def _run(evaluator: Evaluator, raw: Sequence[Sample], samples: Sequence[Sample], context: Context, out: Path) -> None:
    aggregates = evaluator.aggregates  # one that is missing is told before the rows are scored
    own = evaluator.own_samples(context)
    if own is not None:
        raw = samples = own
    samples = raw if evaluator.reads_raw else samples
    scores = _scored(evaluator, samples, context, out / "scores.jsonl")
    if raw == samples:
        copyfile(out / "scores.jsonl", out / "raw_scores.jsonl")
    else:
        _scored(evaluator, raw, context, out / "raw_scores.jsonl")
    said = told(evaluator, samples, scores, context)
    warnings = [*_crashes(evaluator, scores), *said.warnings]
    for message in warnings:
        emit("warning", message=message)
    summary = {
        "signature": said.signature,
        "metrics": [asdict(metric) for metric in evaluator.metrics],
        "totals": totals(evaluator.name, scores, evaluator.metrics, aggregates),
        "warnings": warnings,
        "extra": said.extra,
        "own_rows": own is not None,
    }
    write_json(out / "metrics.json", summary)


def _scored(evaluator: Evaluator, samples: Sequence[Sample], context: Context, path: Path) -> list[Score]:
    """Score what an interrupted run has not scored yet; every score is on disk as soon as it is there."""
    scores = finished_records(path, Score)
    with path.open("a", encoding="utf-8") as file:
        for given in score(evaluator, samples[len(scores) :], replace(context, samples=samples)):
            file.write(to_line(given))
            file.flush()
            scores.append(given)
            if len(scores) % max(1, len(samples) // _REPORTS) == 0:
                emit("progress", done=len(scores), total=len(samples), unit="scores", task=evaluator.name)
    return scores


def _crashes(evaluator: Evaluator, scores: Sequence[Score]) -> list[str]:
    errors = [score.error for score in scores if score.error]
    if not errors:
        return []
    return [f"evaluator {evaluator.name}: {len(errors)} of {len(scores)} rows could not be scored: {errors[0]}"]


def _normalised(samples: Sequence[Sample], steps: Sequence[Mapping[str, Any]] | None) -> list[Sample]:
    if steps is None:
        return list(samples)
    from resep.stages.prepare.text import text_pipeline

    opened: Any = [SimpleNamespace(**{**step, "file": Path(step["file"])}) for step in steps]
    clean = text_pipeline(opened, "response")
    return [normalise(sample, clean) for sample in samples]


def _context(request: Mapping[str, Any]) -> Context:
    cards = {name: arm["card"] for name, arm in request["arms"].items() if arm["card"]}
    return Context(
        encoder=_encoder,
        model_folder=_model_folder,
        prepared=_Prepared({split: Path(file) for split, file in request["prepared"].items()}),
        arms={name: json.loads(Path(card).read_text(encoding="utf-8")) for name, card in cards.items()},
        seed=request["seed"],
        response_format=request["response_format"],
        answer_files={name: Path(arm["samples"]).parent for name, arm in request["arms"].items() if arm["card"]},
        **_of_a_run(request),
    )


class _Prepared(dict[str, Path]):
    """The prepared rows by split. One that is not here ends the evaluator: it is no fault of a row."""

    def __missing__(self, split: str) -> Path:
        raise ResepError(f"it reads the prepared {split} rows, which only the store of a run holds")


def _of_a_run(request: Mapping[str, Any]) -> dict[str, Any]:
    """What `resep score` does not have: models, and the data behind the rows."""
    if "models" not in request:
        return {}
    return {
        "language_model": _language_models(request["models"]) if request["models"] else no_language_model,
        "private_data": cache(partial(open_private_data, request["private"])),
    }


def _language_models(request: Mapping[str, Any]) -> Callable[[str], LanguageModel]:
    from resep.stages.language_models.arm_model import language_models

    return language_models(request)


@cache
def _model_folder(name: str) -> Path:
    return models.folder(*split_revision(name), lambda event: emit(**event))


@cache
def _encoder(name: str) -> Encoder:
    from resep.stages.evaluate.encoders import open_encoder

    return open_encoder(name, partial(_model_folder, name))


if __name__ == "__main__":
    work(job)
