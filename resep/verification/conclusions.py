"""results.json against what follows from the stored scores: every mean, interval, p-value and sentence."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from resep.run_folder import RunFolder, metric_of
from resep.stages.evaluate.aggregates import open_aggregates
from resep.stages.report.collect import without_nan
from resep.stages.report.conclusions import conclude
from resep.stages.report.metrics import Scored, tabulate, tabulate_stats

if TYPE_CHECKING:
    from resep.recipe import Recipe

_PARTS = ("metrics", "verdict", "expectations", "slices")


@dataclass(frozen=True)
class Difference:
    """One entry of results.json, by its path, as stored and as it follows from the scores."""

    path: str
    stored: Any
    again: Any


def differing_results(run: RunFolder, recipe: Recipe, rescored: Mapping[str, Scored]) -> tuple[list[Difference], int]:
    """What differs, and how many entries were compared. `rescored`: for means of raw scores, which no run keeps."""
    scored = [_stored(run, recipe, name, rescored.get(name)) for name in recipe.evaluators]
    arms = run.results["arms"]
    first = next(iter(arms), None)
    rows = [sample for sample in run.samples() if sample.arm == first]
    concluded = conclude(scored, arms, rows, run.results["settings"])
    again = json.loads(json.dumps(without_nan(concluded)))
    stored = {part: run.results.get(part) for part in _PARTS}
    unknown = {m.name for s in scored for m in s.metrics if s.evaluator not in rescored}
    leaves = [leaf for leaf in _leaves(stored, again, ()) if not _is_raw(leaf[0], unknown)]
    found = [Difference(".".join(path), before, after) for path, before, after in leaves if not _same(before, after)]
    return found, len(leaves)


def _stored(run: RunFolder, recipe: Recipe, evaluator: str, again: Scored | None) -> Scored:
    """The evaluator's scores as the run's folder holds them; raw ones as they were computed again, if they were."""
    told = {name: m for name, m in run.results["metrics"].items() if m["evaluator"] == evaluator}
    metrics = tuple(metric_of(name, facts) for name, facts in told.items())
    signature = next((m["signature"] for m in told.values()), "")
    arms, scores = run.results["arms"], run.scores()
    aggregates = open_aggregates(evaluator, recipe.plugin("evaluators", evaluator), metrics)
    stored = Scored(
        evaluator=evaluator,
        signature=signature,
        metrics=metrics,
        values=tabulate(scores, told, arms),
        raw=tabulate([], told, arms),
        extra={},
        warnings=(),
        stats=tabulate_stats(scores, aggregates, arms),
        raw_stats=tabulate_stats([], aggregates, arms),
        aggregates=aggregates,
    )
    if again is None:
        return stored
    return replace(stored, raw={**stored.raw, **again.raw}, raw_stats={**stored.raw_stats, **again.raw_stats})


Path = tuple[str, ...]


def _leaves(stored: Any, again: Any, path: Path) -> Iterator[tuple[Path, Any, Any]]:
    """Every entry of `stored` with its counterpart; what is a map or list on one side only stays whole."""
    if isinstance(stored, dict) and isinstance(again, dict):
        for key in stored.keys() | again.keys():
            yield from _leaves(stored.get(key), again.get(key), (*path, str(key)))
    elif isinstance(stored, list) and isinstance(again, list) and len(stored) == len(again):
        for index, (before, after) in enumerate(zip(stored, again, strict=True)):
            yield from _leaves(before, after, (*path, str(index)))
    else:
        yield path, stored, again


def _is_raw(path: Path, unknown: set[str]) -> bool:
    return path[-1] == "raw_mean" and path[1] in unknown


def _same(stored: Any, again: Any) -> bool:
    numbers = isinstance(stored, float | int) and isinstance(again, float | int)
    return math.isclose(stored, again, rel_tol=1e-9, abs_tol=1e-12) if numbers else stored == again
