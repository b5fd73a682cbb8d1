"""95 % intervals: of a difference, of a difference relative to the baseline, and of one arm's number.

50 units or more: the 2.5 and 97.5 % points of 10,000 bootstrap resamples. Fewer: Student's t with the jackknife's
standard error (Tukey 1958), which for a mean is sd / sqrt(n). Where all rows have the same difference neither knows
anything; then the rule of three (Hanley and Lippman-Hand 1983): of n rows that were alike, with 95 % confidence at most
1 - 0.05^(1/n) (about 3 / n) of all rows are not, and those can differ no more than the metric's range. A metric without
a range then has an interval without width: how far other rows are apart is not known at all.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from resep.statistics.pairs import Aggregate, Units
from resep.statistics.quantiles import t_quantile, wilson_interval
from resep.statistics.resampling import NOISE, Array, resampled_sums
from resep.visible import FEWEST, SMALL

Interval = tuple[float, float]

EQUAL = FEWEST  # equal differences: fewer may be an accident
RULE_OF_THREE = "rule of three"
_ENOUGH = 0.95  # of the resamples must give a number, or there is no interval


@dataclass(frozen=True)
class Spread:
    """How sure a difference is. `error`: its standard error, 0 where every row has the same difference, None where it
    cannot be told. `relative`: the interval of delta / |baseline|."""

    interval: Interval | None
    relative: Interval | None
    error: float | None
    method: str


def spread(units: Units, drawn: Array | None) -> Spread:
    """The interval of a pair's difference; `drawn` (resamples, w) are its bootstrapped sums, None for a t interval."""
    count = len(units.sums)
    if count < 2:
        return Spread(None, None, None, "t interval")
    total = units.sums.sum(axis=0)
    delta, before = (float(part) for part in units.estimate(total))
    if not math.isfinite(delta):
        return Spread(None, None, None, "no interval")
    deltas, befores = units.estimate(total - units.sums)
    if _is_alike(units, deltas, before):
        reach = units.paired.reach
        within = alike(delta, count, *((delta, delta) if reach is None else (-reach, reach)))
        relative = (within[0] / abs(before), within[1] / abs(before)) if within and before else None
        return Spread(within, relative, 0.0, RULE_OF_THREE)
    error = jackknife_error(deltas)
    if drawn is None:
        around = _possible(_around(delta, _half(error, count)), units.paired.reach)
        return Spread(around, _relative_t(units, deltas, befores), error, "t interval")
    deltas, befores = units.estimate(drawn)
    relative = percentiles(deltas / np.abs(befores)) if _is_never_zero(befores) else None
    return Spread(percentiles(deltas), relative, error, "paired percentile bootstrap")


def alike(value: float, count: int, lowest: float, highest: float) -> Interval | None:
    """The interval of a mean that was `value` in each of `count` rows, where a row lies between lowest and highest.

    None below 6 rows: so few equal ones may be an accident.
    """
    if count < EQUAL:
        return None
    others = 1 - 0.05 ** (1 / count)
    return value + others * (min(lowest, value) - value), value + others * (max(highest, value) - value)


def jackknife_error(left_out: Array) -> float | None:
    """The standard error of an estimate, from its values with one unit left out each; None where one is no number."""
    n = len(left_out)
    if not np.isfinite(left_out).all():
        return None
    return math.sqrt((n - 1) / n * float(((left_out - left_out.mean()) ** 2).sum()))


def percentiles(values: Array) -> Interval | None:
    """The middle 95 % of the resamples that gave a number, if nearly all did."""
    known = values[np.isfinite(values)]
    if len(known) < _ENOUGH * len(values):
        return None
    low, high = np.quantile(known, (0.025, 0.975))
    return float(low), float(high)


def mean_interval(
    values: Sequence[float], kind: str = "continuous", low: float | None = None, high: float | None = None
) -> Interval | None:
    """The 95 % interval of one arm's mean: Wilson's for a rate, else the t interval. None: these rows cannot tell.

    `low` and `high`: what a row's value can be.
    """
    if kind == "binary" and values:
        return wilson_interval(sum(values), len(values))
    if len(values) < 2:
        return None
    numbers = np.array(values, dtype=np.float64)
    mean = float(numbers.mean())
    if np.ptp(numbers) <= NOISE * float(np.abs(numbers).max()):
        return alike(mean, len(values), mean if low is None else low, mean if high is None else high)
    return _around(mean, _half(float(numbers.std(ddof=1)) / math.sqrt(len(values)), len(values)))


def clustered_interval(sums: Array, low: float | None = None, high: float | None = None) -> Interval | None:
    """The 95 % interval of one arm's mean over rows in clusters, from each cluster's (sum of values, rows): (units, 2).

    The t interval over clusters, whatever the kind of metric: Wilson's takes each row for an independent one. None
    below two clusters.
    """
    count = len(sums)
    if count < 2:
        return None
    total = sums.sum(axis=0)
    mean = float(total[0] / total[1])
    without = (total - sums)[:, 0] / (total - sums)[:, 1]
    if np.ptp(without) <= NOISE * float(np.abs(without).max()):
        return alike(mean, count, mean if low is None else low, mean if high is None else high)
    return _around(mean, _half(jackknife_error(without), count))


def corpus_interval(stats: Array, aggregate: Aggregate, resamples: int, seed: int) -> Interval | None:
    """The 95 % interval of one arm's corpus metric, from the statistics of its rows, or of its clusters (n, k)."""
    n = len(stats)
    if n < 2:
        return None
    with np.errstate(divide="ignore", invalid="ignore"):
        if n >= SMALL:
            return percentiles(aggregate(resampled_sums(stats, resamples, seed)))
        total = stats.sum(axis=0)
        return _around(float(aggregate(total)), _half(jackknife_error(aggregate(total - stats)), n))


def _is_alike(units: Units, left_out: Array, before: float) -> bool:
    if units.paired.is_alike:
        return True
    return units.paired.corpus is not None and bool(np.ptp(left_out) <= NOISE * abs(before))


def _relative_t(units: Units, deltas: Array, befores: Array) -> Interval | None:
    """The t interval of delta / |baseline|, where the baseline itself is surely not 0."""
    count = len(units.sums)
    delta, before = (float(part) for part in units.estimate(units.sums.sum(axis=0)))
    half = _half(jackknife_error(befores), count)
    if half is None or abs(before) <= half or not _is_never_zero(befores):
        return None
    return _around(delta / abs(before), _half(jackknife_error(deltas / np.abs(befores)), count))


def _possible(interval: Interval | None, reach: float | None) -> Interval | None:
    """A t interval of few rows goes beyond what a difference can be: no further than the metric's range."""
    if interval is None or reach is None or abs(sum(interval) / 2) > reach:  # an evaluator whose range is not kept
        return interval
    return max(-reach, interval[0]), min(reach, interval[1])


def _is_never_zero(values: Array) -> bool:
    return bool((values > 0).all() or (values < 0).all())


def _half(error: float | None, count: int) -> float | None:
    return None if error is None else t_quantile(0.975, count - 1) * error


def _around(middle: float, half: float | None) -> Interval | None:
    return None if half is None or not math.isfinite(middle) else (middle - half, middle + half)
