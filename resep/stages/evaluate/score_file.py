"""`resep score`: evaluators over a file of samples, without a recipe, through the same child as a run's stage."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from resep import plugins
from resep.errors import ResepError, StageError
from resep.plugins import Plugin
from resep.plugins.metrics import metrics_of
from resep.plugins.source import NEEDS
from resep.recipe.options_alone import option_problems
from resep.records import Sample, Score, read_jsonl, write_jsonl
from resep.sources import SourceFile
from resep.sources.found import check_there
from resep.stages.evaluate.names import identify_encoder, is_folder, local_model_options, named_files, typed_files
from resep.stages.evaluate.samples_file import read_samples
from resep.stages.shared_child import run_in_one_child
from resep.store import Emit, Task

# Evaluators without a metric of their own accord, and what to do.
_WITHOUT_NUMBERS = {
    "human": "people rate the answers of a finished run; run a recipe with it, then `resep rate RUN`",
    "judge": "it has nobody to ask; add --set judge.endpoint=URL --set judge.model=NAME",
}


def score_file(
    path: Path,
    evaluators: Mapping[str, Mapping[str, Any]],
    emit: Emit = lambda event: None,  # noqa: ARG005
    *,
    folder: Path | None = None,
    seed: int = 42,
) -> dict[str, Any]:
    """Score the samples of a JSONL file: {"metrics": {name: {mean, n, unscored, arms, signature}}, "scores": [...],
    "controls": {evaluator: what it says beyond}}.

    `evaluators` maps names to options (those left out take their defaults). `folder`: where plug-ins that are not ours
    may lie. Texts are scored as they stand. Raises ResepError for a faulty line, an unknown evaluator or option;
    StageError when the child fails; nothing of it is kept.
    """
    found = [_scorable(name, folder) for name in evaluators]
    _require_options(evaluators, found)
    tasks = [_task(plugin, evaluators[plugin.name]) for plugin in found]
    samples = read_samples(path)
    with tempfile.TemporaryDirectory(prefix="resep-score-") as work:
        try:
            scores, totals, extra = _run(samples, tasks, Path(work), emit, seed)
        except StageError as error:
            raise StageError("score", str(error), goes_on=False) from error
    return _report(samples, scores, totals, extra)


def _scorable(name: str, folder: Path | None) -> Plugin:
    """The plug-in, where a file of samples is all that it needs, and its code may be run."""
    plugin = plugins.describe(plugins.find("evaluators", name, folder))
    if plugin.needs:
        missing = " and ".join(NEEDS[need] for need in plugin.needs)
        raise ResepError(
            f"evaluator {name} needs {missing}, which a file of samples does not have: run a recipe with it"
        )
    plugins.require_consent(plugin.path)
    return plugin


def _require_options(given: Mapping[str, Mapping[str, Any]], found: Sequence[Plugin]) -> None:
    """Raise a ResepError with all that a recipe would be told of these options; warnings do not count."""
    faults = [each for each in option_problems(given, found) if each.severity == "error"]
    if faults:
        raise ResepError("\n".join(f"{each.file}: {each.message}" for each in faults))


def _task(plugin: Plugin, given: Mapping[str, Any]) -> dict[str, Any]:
    options = plugins.option_values(plugin, given)
    if metrics_of(plugin, given) == ():
        why = _WITHOUT_NUMBERS.get(plugin.name, "with these options it has no metric")
        raise ResepError(f"evaluator {plugin.name} gives no number here: {why}")
    for named in (options[option] for option in local_model_options(options)):
        if is_folder(named) and not Path(named).expanduser().is_dir():
            identify_encoder(named)  # which says why there is none, and what there is
    for named, place in named_files(options).items():
        check_there(SourceFile(Path(named), f"--set {plugin.name}.{place}: {named}"))
    options |= typed_files(options)
    return {"name": plugin.name, "evaluator": plugin.name, "plugin": str(plugin.path.resolve()), "options": options}


def _run(
    samples: Sequence[Sample], tasks: Sequence[Mapping[str, Any]], work: Path, emit: Emit, seed: int
) -> tuple[list[list[Score]], dict[str, Any], dict[str, Any]]:
    """The scores of each evaluator, in the order of the samples; each metric's number over all rows and by arm; and
    what evaluators say beyond.
    """
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
    extra = {name: summary["extra"] for name, summary in zip(outs, summaries, strict=True) if summary["extra"]}
    return scores, {name: {**numbers, "signature": signature} for name, numbers, signature in totals}, extra


def _report(
    samples: Sequence[Sample],
    scores: Sequence[Sequence[Score]],
    totals: Mapping[str, Mapping[str, Any]],
    extra: Mapping[str, Any],
) -> dict[str, Any]:
    rows = [_row(sample, given) for sample, *given in zip(samples, *scores, strict=True)]
    scored = {
        name: [(s.arm, _is_scored(s, name)) for given in scores for s in given if name in s.values] for name in totals
    }
    metrics = {name: _metric(totals[name], scored[name]) for name in totals}
    return {"metrics": metrics, "scores": rows, "controls": dict(extra)}


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
