"""Corpus metrics: numbers that are no mean over rows, made of sums of the rows' statistics by the plug-in's function.

A plug-in with a metric of kind "corpus" has `AGGREGATES = {"bleu": function}`; its Scores carry `stats`, a row of
numbers per metric, all of one length. The function turns their sums (..., k) into the metric (...), NaN where it cannot
be told. It runs here and again in the report, thousands of resamples at once: numpy and nothing heavy.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from resep import plugins
from resep.errors import ResepError
from resep.records import Metric, Score

if TYPE_CHECKING:
    from resep.statistics import Aggregate


def aggregates_of(evaluator: str, module: ModuleType, metrics: Iterable[Metric]) -> dict[str, Aggregate]:
    """Corpus metric -> its function, which raises ResepError where it breaks. ResepError where one has none."""
    corpus = [metric.name for metric in metrics if metric.kind == "corpus"]
    given = getattr(module, "AGGREGATES", {})
    missing = [name for name in corpus if not callable(given.get(name))]
    if missing:
        raise ResepError(
            f"evaluator {evaluator}: the metric {missing[0]} is of kind 'corpus', so AGGREGATES must map it to a "
            f"function that turns sums of its stats into the metric"
        )
    return {name: _checked(evaluator, name, given[name]) for name in corpus}


def open_aggregates(evaluator: str, file: Path | None, metrics: Sequence[Metric]) -> dict[str, Aggregate]:
    """The same from the plug-in's file (None: the shipped one of this name), which is opened only if it is needed."""
    if not any(metric.kind == "corpus" for metric in metrics):
        return {}
    return aggregates_of(evaluator, plugins.open_plugin(file or plugins.find("evaluators", evaluator)), metrics)


def totals(
    evaluator: str, scores: Sequence[Score], metrics: Iterable[Metric], aggregates: Mapping[str, Aggregate]
) -> dict[str, dict[str, Any]]:
    """Every metric's number, over all rows and per arm: the mean of the values, or what its stats add up to.

    Raises ResepError where the stats of a metric's rows differ in length: their sums would mean nothing.
    """
    _require_one_width(evaluator, scores)
    arms: dict[str, list[Score]] = {}
    for score in scores:
        arms.setdefault(score.arm, []).append(score)

    def number(name: str, given: Sequence[Score]) -> float | None:
        if name in aggregates:
            return total({(s.id, s.arm): s.stats[name] for s in given if name in s.stats}, aggregates[name])
        known = [value for s in sorted(given, key=lambda s: s.id) if (value := s.values.get(name)) is not None]
        return sum(known) / len(known) if known else None

    return {
        m.name: {"all": number(m.name, scores), "arms": {arm: number(m.name, given) for arm, given in arms.items()}}
        for m in metrics
    }


def total(stats: Mapping[Any, tuple[float, ...]], aggregate: Aggregate) -> float | None:
    """A corpus metric over rows; None where there are none, or the metric cannot be told from them."""
    if not stats:
        return None
    rows = np.array([stats[row] for row in sorted(stats)], dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        number = float(aggregate(rows.sum(axis=0)))
    return number if math.isfinite(number) else None


def fault_in_stats(given: Score, metrics: Iterable[Metric]) -> str | None:
    """Why a score's statistics cannot be summed, or None."""
    for metric in metrics:
        row = given.stats.get(metric.name, (0.0,))
        if metric.kind == "corpus" and not (row and all(math.isfinite(number) for number in row)):
            return f"not a number in the stats of {metric.name}"
    return None


def _require_one_width(evaluator: str, scores: Iterable[Score]) -> None:
    first: dict[str, tuple[int, str]] = {}
    for score in scores:
        for name, row in score.stats.items():
            width, other = first.setdefault(name, (len(row), score.id))
            if width != len(row):
                raise ResepError(
                    f"evaluator {evaluator}: the stats of {name} have {len(row)} numbers for {score.id!r} and {width} "
                    f"for {other!r}; every row needs as many"
                )


def _checked(evaluator: str, name: str, function: Any) -> Aggregate:
    def aggregate(sums: Any) -> Any:
        try:
            found = np.asarray(function(sums), dtype=np.float64)
        except Exception as error:
            raise ResepError(
                f"evaluator {evaluator}: AGGREGATES[{name!r}] failed: {type(error).__name__}: {error}"
            ) from error
        if found.shape != sums.shape[:-1]:
            raise ResepError(
                f"evaluator {evaluator}: AGGREGATES[{name!r}] made the shape {found.shape} of sums of the shape "
                f"{sums.shape}; it takes (..., k) and gives (...)"
            )
        return found

    return aggregate
