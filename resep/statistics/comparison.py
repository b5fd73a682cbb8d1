"""One comparison as a value: what results.json says of a metric, two arms and their common rows."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from resep.statistics.intervals import Spread
from resep.statistics.pairs import Paired, Units
from resep.statistics.quantiles import mcnemar_p
from resep.statistics.ranks import rank_biserial, wilcoxon_p
from resep.statistics.resampling import Array
from resep.visible import visible_errors


@dataclass(frozen=True)
class Comparison:
    """What the common rows say of candidate against baseline. `wins`: rows in which the candidate is better.

    `delta` is candidate_mean - baseline_mean over the `n` common rows. `mde`: the smallest difference that units like
    these show in 80 % of experiments, None below 6 of them (visible.py). `effect_size`: delta in standard deviations of
    the differences; of ratings the rank-biserial correlation; `effect` says which. `relative` is delta /
    |baseline_mean| with its own interval, None where the baseline may be 0. `units`: what was drawn, rows or clusters.
    """

    baseline: str
    candidate: str
    delta: float | None
    ci_low: float | None
    ci_high: float | None
    p: float | None
    p_adjusted: float | None
    n: int
    wins: int
    losses: int
    ties: int
    mde: float | None
    effect_size: float | None
    method: str
    unpaired: int
    baseline_mean: float | None
    candidate_mean: float | None
    units: int | None = None
    relative: float | None = None
    relative_low: float | None = None
    relative_high: float | None = None
    effect: str = "d_z"


def comparison_of(units: Units, found: Spread, p: float, arms: tuple[str, str], clustered: bool) -> Comparison:
    """The comparison of (baseline, candidate), not yet adjusted. `p`: of the randomisation test, used where no exact
    test is asked for by the kind of metric."""
    paired, n = units.paired, len(units.paired.ids)
    better = paired.differences * (-1 if paired.metric.direction == "lower" else 1)
    wins, losses, ties = (int(rows.sum()) for rows in (better > 0, better < 0, better == 0))
    delta, before = (_number(part) for part in units.estimate(units.sums.sum(axis=0))) if n else (None, None)
    low, high = found.interval or (None, None)
    relative_low, relative_high = found.relative or (None, None)
    test, p = _tested(paired, p, (wins, losses), clustered)
    effect, effect_size = _effect(paired, delta, found.error, len(units.sums))
    return Comparison(
        baseline=arms[0],
        candidate=arms[1],
        delta=delta,
        ci_low=low,
        ci_high=high,
        p=p if n and delta is not None else None,
        p_adjusted=None,
        n=n,
        wins=wins,
        losses=losses,
        ties=ties,
        mde=_smallest_seen(found.error, len(units.sums)),
        effect_size=effect_size,
        method=f"{found.method}; {test}" + ("; by cluster" if clustered else ""),
        unpaired=paired.unpaired,
        baseline_mean=before,
        candidate_mean=None if delta is None or before is None else _candidate_mean(units, delta + before),
        units=len(units.sums),
        relative=delta / abs(before) if relative_low is not None and delta is not None and before else None,
        relative_low=relative_low,
        relative_high=relative_high,
        effect=effect,
    )


def _tested(paired: Paired, p: float, counts: tuple[int, int], clustered: bool) -> tuple[str, float]:
    """The name of the test that the kind of metric asks for, and its p; `p` is that of the sign flips."""
    if paired.corpus is not None:
        return "approximate randomisation of arms within rows", p
    if paired.metric.kind == "binary" and not clustered:
        return "exact McNemar test", mcnemar_p(*counts)
    if paired.metric.kind == "ordinal":
        return "Wilcoxon signed-rank test", p if clustered else wilcoxon_p(paired.differences)
    return "sign-flip randomisation test", p


def _effect(paired: Paired, delta: float | None, error: float | None, units: int) -> tuple[str, float | None]:
    if paired.metric.kind == "ordinal" and paired.corpus is None:
        return "rank-biserial", rank_biserial(paired.differences)
    if delta is None or not error:
        return "d_z", None
    pseudo = paired.corpus is not None  # the jackknife's pseudo-values stand in for rows' differences
    deviation = error * math.sqrt(units) if pseudo else float(paired.differences.std(ddof=1))
    return "d_z", delta / deviation if deviation else None


def _smallest_seen(error: float | None, units: int) -> float | None:
    errors = visible_errors(units)
    return errors * error if errors and error else None


def _candidate_mean(units: Units, otherwise: float) -> float:
    """Over the rows themselves, not baseline plus difference: what the arm's own table says, to the last digit."""
    return otherwise if units.paired.corpus is not None else float(units.paired.candidate.mean())


def _number(value: Array) -> float | None:
    return float(value) if np.isfinite(value) else None
