"""results.json against what follows from the recipe, the samples and the scores: numbers, sentences, warnings."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from resep.plugins import describe
from resep.plugins.metrics import metrics_of
from resep.recipe.arms import arms as arms_of
from resep.recipe.arms import has_base_weights, source_of
from resep.records import Metric, Sample
from resep.run_folder import RunFolder, metric_of
from resep.stages.evaluate.aggregates import open_aggregates
from resep.stages.generate.outcome import counted
from resep.stages.report import RUN_ID_DIGITS
from resep.stages.report.collect import asked, said_of, warnings_of, without_nan
from resep.stages.report.conclusions import conclude
from resep.stages.report.metrics import Scored, tabulate, tabulate_stats
from resep.verification.leaves import Difference, differences
from resep.verification.origin import Origin
from resep.verification.rows import ENCODED, EXACT, encodes

if TYPE_CHECKING:
    from resep.recipe import Recipe

_STAGES_OWN = ("data", "training", "merged", "environment", "seconds")  # of results.json: only the stages knew


def differing_results(
    run: RunFolder, origin: Origin, recipe: Recipe, rescored: Mapping[str, Scored]
) -> tuple[list[Difference], int]:
    """What differs, and how many entries were compared. `rescored`: the evaluators that could be run again."""
    scored = [_stored(run, recipe, name, rescored.get(name)) for name in recipe.evaluators]
    samples = run.samples()
    arms = _arms(run, origin, samples)
    first = next(iter(arms), None)
    rows = [sample for sample in samples if sample.arm == first]
    prompts = {"also_trained": None, **(run.results.get("prompts") or {}), **asked(rows)}
    again = {**said_of(origin.config), **conclude(scored, arms, rows, origin.config), "arms": arms, "prompts": prompts}
    if "report" in origin.stages:
        again["run_id"] = origin.stages["report"][:RUN_ID_DIGITS]
    found, entries = differences(
        {part: run.results.get(part) for part in again}, json.loads(json.dumps(without_nan(again)))
    )
    controls, more = _controls(run, scored, rescored)
    unknown = {m.name for s in scored for m in s.metrics if s.evaluator not in rescored}
    found = [each for each in found if not _is_raw(each.path, unknown)]
    return [*found, *controls, *_warnings(run, rescored, recipe, rows, again)], entries + more


def unknown_parts(results: Mapping[str, Any]) -> str:
    """What of results.json nobody can compute again, in words."""
    parts = [part for part in _STAGES_OWN if results.get(part)]
    arms = "what arms say of their model, template and proof"
    return f"in results.json {', '.join([*parts, 'prompts.also_trained', arms])}"


def _stored(run: RunFolder, recipe: Recipe, evaluator: str, again: Scored | None) -> Scored:
    """The evaluator's scores as the run's folder holds them; what no run keeps, as it was computed again, if it was."""
    told = {name: m for name, m in run.results["metrics"].items() if m["evaluator"] == evaluator}
    metrics = again.metrics if again else _declared(recipe, evaluator, told)
    names, arms, scores = [metric.name for metric in metrics], list(recipe.arms), run.scores()
    aggregates = open_aggregates(evaluator, recipe.plugin("evaluators", evaluator), metrics)
    signature = next((m["signature"] for m in told.values()), "")
    stored = Scored(
        evaluator=evaluator,
        signature=_signature(signature, again),
        metrics=metrics,
        values=tabulate(scores, names, arms),
        raw=tabulate([], names, arms),
        extra={},
        warnings=(),
        stats=tabulate_stats(scores, aggregates, arms),
        raw_stats=tabulate_stats([], aggregates, arms),
        aggregates=aggregates,
    )
    if again is None:
        return stored
    raw, stats = {**stored.raw, **again.raw}, {**stored.raw_stats, **again.raw_stats}
    return replace(stored, raw=raw, raw_stats=stats, own_rows=again.own_rows)


def _declared(recipe: Recipe, evaluator: str, told: Mapping[str, Mapping[str, Any]]) -> tuple[Metric, ...]:
    """What the evaluator's file says of its metrics; what the results say where that takes running it."""
    declared = metrics_of(describe(recipe.plugin("evaluators", evaluator)), recipe.evaluators[evaluator])
    return tuple(metric_of(name, facts) for name, facts in told.items()) if declared is None else declared


def _signature(stored: str, again: Scored | None) -> str:
    """As computed again, if that differs in more than the version of torch, which is that of a machine."""
    return stored if again is None or _of_any_machine(stored) == _of_any_machine(again.signature) else again.signature


def _of_any_machine(signature: str) -> list[list[str]]:
    return [[p for p in part.split(",") if not p.startswith("torch:")] for part in signature.split("|")]


def _arms(run: RunFolder, origin: Origin, samples: Sequence[Sample]) -> dict[str, dict[str, Any]]:
    """The recipe's arms: what is stored of them, and over it what can be counted, and whose weights answer."""
    again: dict[str, dict[str, Any]] = {}
    for arm, options in arms_of(origin.recipe["generation"]["arms"]).items():
        facts = run.results["arms"].get(arm) or {}
        source = source_of(options)
        weights = source if source != "weights" else "base" if has_base_weights(options) else "tuned"
        again[arm] = {**facts, **counted([sample for sample in samples if sample.arm == arm])}
        again[arm] |= {"weights": weights} if "weights" in facts else {}
    return again


def _controls(run: RunFolder, scored: Sequence[Scored], rescored: Mapping[str, Scored]) -> tuple[list[Difference], int]:
    """What evaluators say beside their metrics: chance, sweeps, tables."""
    stored, found, entries = run.results.get("controls") or {}, [], 0
    known = {s.evaluator for s in scored}
    for name in [*rescored, *(name for name in stored if name not in known)]:
        again = rescored.get(name)
        extra = json.loads(json.dumps(without_nan(again.extra))) if again and again.extra else None
        apart, count = differences(stored.get(name), extra, ENCODED if again and encodes(again.signature) else EXACT)
        found += [each.below(f"controls.{name}") for each in apart]
        entries += count
    return found, entries


def _warnings(
    run: RunFolder,
    rescored: Mapping[str, Scored],
    recipe: Recipe,
    rows: Sequence[Sample],
    again: Mapping[str, Any],
) -> list[Difference]:
    """Warnings that are missing; and those too many, unless an evaluator that cannot be asked may have given them."""
    stored, data = run.results.get("warnings") or [], run.results.get("data") or {}
    of_data = [*data.get("warnings", []), *data.get("tokens", {}).get("warnings", [])]
    of_evaluators = [warning for scored in rescored.values() for warning in scored.warnings]
    expected = [*of_data, *of_evaluators, *warnings_of(rows, again)]
    missing = [Difference("warnings", None, text) for text in expected if text not in stored]
    if rescored.keys() < set(recipe.evaluators):
        return missing
    return [*missing, *(Difference("warnings", text, None) for text in stored if text not in expected)]


def _is_raw(path: str, unknown: set[str]) -> bool:
    return path.endswith(".raw_mean") and path.split(".")[1] in unknown
