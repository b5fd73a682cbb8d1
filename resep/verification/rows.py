"""Every row's score, as it was stored and as it is now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from resep.run_folder import RunFolder
from resep.stages.evaluate.names import LEXICAL
from resep.stages.report.metrics import Scored, tabulate, tabulate_stats

EXACT = 0.0
ENCODED = 1e-4  # a sentence encoder's sums depend on the machine: up to 3e-7 from run to run on one, more on another
_SHOWN = 5


@dataclass(frozen=True)
class MetricCheck:
    """A metric's rows, compared. `examples` (arm, row id, stored, again) are the first that differ.

    `skipped` says why nothing was computed again; `rows`, `differing` and `largest` are then 0.
    """

    metric: str
    rows: int
    differing: int
    largest: float
    tolerance: float
    examples: tuple[tuple[str, str, Any, Any], ...] = ()
    skipped: str | None = None


def unchecked(metric: str, reason: str) -> MetricCheck:
    return MetricCheck(metric, 0, 0, 0.0, EXACT, skipped=reason)


def check_rows(run: RunFolder, again: Scored) -> Iterator[MetricCheck]:
    """A check for every metric of an evaluator, over every arm and row: scores, and what corpus metrics sum."""
    names = [metric.name for metric in again.metrics]
    arms = list(next(iter(again.values.values()), {}))
    scores = run.scores()
    values, stats = tabulate(scores, names, arms), tabulate_stats(scores, again.aggregates, arms)
    tolerance = ENCODED if encodes(again.signature) else EXACT
    for name in names:
        pairs = [*_pairs(values[name], again.values[name])]
        if name in again.aggregates:
            pairs += _pairs(stats[name], again.stats[name])
        yield _check(name, pairs, tolerance)


Pair = tuple[str, str, Any, Any]  # arm, row id, stored, again


def _pairs(stored: Mapping[str, Mapping[str, Any]], again: Mapping[str, Mapping[str, Any]]) -> Iterator[Pair]:
    for arm in stored:
        for row in sorted(stored[arm].keys() | again[arm].keys()):
            yield arm, row, stored[arm].get(row, "no score"), again[arm].get(row, "no score")


def _check(metric: str, pairs: Sequence[Pair], tolerance: float) -> MetricCheck:
    apart = [(pair, _distance(pair[2], pair[3])) for pair in pairs]
    wrong = [pair for pair, distance in apart if distance is None or distance > tolerance]
    largest = max((distance for _, distance in apart if distance is not None), default=0.0)
    rows, differing = (len({(arm, row) for arm, row, _, _ in part}) for part in (pairs, wrong))  # not score and stats
    return MetricCheck(metric, rows, differing, largest, tolerance, tuple(wrong[:_SHOWN]))


def _distance(stored: Any, again: Any) -> float | None:
    """How far apart two values are; None where only one of them is a number, or their lengths differ."""
    if stored == again:
        return 0.0
    if isinstance(stored, float | int) and isinstance(again, float | int):
        return abs(stored - again)
    if isinstance(stored, tuple) and isinstance(again, tuple) and len(stored) == len(again):
        return float(max(abs(a - b) for a, b in zip(stored, again, strict=True)))
    return None


def encodes(signature: str) -> bool:
    """Whether an evaluator's numbers come from a sentence encoder's sums, by its signature."""
    return "encoder:" in signature and f"encoder:{LEXICAL}" not in signature
