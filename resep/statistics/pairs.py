"""The rows that two arms have in common, as columns of numbers whose sums over rows give the metric.

A metric is a function of sums: the mean is sum / count; corpus BLEU is its `aggregate` of n-gram counts. So one
resampler, which only ever sums, serves them all.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from resep.records import Metric
from resep.statistics.ranks import signed_ranks
from resep.statistics.resampling import NOISE, Array

Values = Mapping[str, float | None]  # row id -> score; None: could not be scored
RowStats = Mapping[str, tuple[float, ...]]  # row id -> the sufficient statistics of a corpus metric
Aggregate = Callable[[Array], Array]  # sums of statistics (..., k) -> the metric (...); NaN where it cannot be told


@dataclass(frozen=True)
class Corpus:
    """Both arms' statistics of a corpus metric, (n, k) each, and the function that makes the metric of their sums."""

    baseline: Array
    candidate: Array
    aggregate: Aggregate


@dataclass(frozen=True)
class Paired:
    """The rows that both arms have a score for, in the order of their ids. `unpaired` counts the others.

    `baseline` and `candidate` are the rows' own scores; of a corpus metric NaN where a row has none by itself.
    """

    metric: Metric
    ids: tuple[str, ...]
    baseline: Array
    candidate: Array
    unpaired: int
    corpus: Corpus | None = None

    @property
    def differences(self) -> Array:
        """Candidate minus baseline per row; what is only rounding is exactly 0."""
        difference = self.candidate - self.baseline
        scale = np.maximum(np.abs(self.candidate), np.abs(self.baseline))
        return np.where(np.abs(difference) <= NOISE * scale, 0.0, difference)

    @property
    def is_alike(self) -> bool:
        """Whether every row has the same difference: resampling them would say that nothing is uncertain."""
        if self.corpus is not None:
            return bool((self.corpus.baseline == self.corpus.candidate).all())
        d = self.differences
        return bool(np.ptp(d) <= NOISE * np.abs(d).max()) if len(d) else True

    @property
    def reach(self) -> float | None:
        """How far a row's difference can be from 0; None for a metric without a range."""
        low, high = self.metric.low, self.metric.high
        return None if low is None or high is None else high - low


def pair(metric: Metric, baseline: Values, candidate: Values) -> Paired:
    """Pair two arms' scores of one metric by row id. A score that is None or not finite leaves its row unpaired."""
    common = sorted(
        i for i in baseline.keys() & candidate.keys() if _is_scored(baseline[i]) and _is_scored(candidate[i])
    )
    unpaired = len(baseline.keys() | candidate.keys()) - len(common)
    return Paired(metric, tuple(common), _column(baseline, common), _column(candidate, common), unpaired)


def pair_corpus(
    metric: Metric,
    baseline: RowStats,
    candidate: RowStats,
    aggregate: Aggregate,
    values: tuple[Values, Values] = ({}, {}),
) -> Paired:
    """Pair two arms' statistics of a corpus metric by row id. `values`: the rows' own scores, where they have any."""
    common = sorted(i for i in baseline.keys() & candidate.keys())
    known = (values[0].keys() | baseline.keys()) | (values[1].keys() | candidate.keys())
    width = len(next(iter((baseline or candidate).values()), ()))
    corpus = Corpus(_table(baseline, common, width), _table(candidate, common, width), aggregate)
    own = (_column(values[0], common), _column(values[1], common))
    return Paired(metric, tuple(common), *own, len(known) - len(common), corpus)


@dataclass(frozen=True)
class Units:
    """A pair by unit of resampling, which is a row, or a cluster of rows.

    `sums` (units, w): what is drawn, with the number of rows last. `swaps` (units, v): what changes its sign where the
    two arms trade places in a unit.
    """

    paired: Paired
    sums: Array
    swaps: Array

    def estimate(self, sums: Array) -> tuple[Array, Array]:
        """(delta, the baseline's metric) of sums (..., w). NaN where they cannot be told."""
        with np.errstate(divide="ignore", invalid="ignore"):
            if (corpus := self.paired.corpus) is None:
                return sums[..., 0] / sums[..., 2], sums[..., 1] / sums[..., 2]
            k = corpus.baseline.shape[1]
            before, after = corpus.aggregate(sums[..., :k]), corpus.aggregate(sums[..., k : 2 * k])
            return after - before, before

    def is_extreme(self, swapped: Array) -> Array:
        """Whether sums of sign-flipped `swaps` (m, v) are as far from no difference as what was observed: (m,).

        What cannot be told counts as extreme: it must not make a p-value smaller.
        """
        if (corpus := self.paired.corpus) is None:
            slack = NOISE * np.abs(self.swaps).sum()
            return np.asarray(np.abs(swapped[:, 0]) >= abs(self.swaps.sum()) - slack)
        k = corpus.baseline.shape[1]
        total = self.sums[:, : 2 * k].sum(axis=0)
        both = total[:k] + total[k:]
        with np.errstate(divide="ignore", invalid="ignore"):
            moved = corpus.aggregate((both + swapped) / 2) - corpus.aggregate((both - swapped) / 2)
            before, after = corpus.aggregate(total[:k]), corpus.aggregate(total[k:])
        return np.asarray(~(np.abs(moved) < abs(after - before) - NOISE * max(abs(before), abs(after))))


def units_of(paired: Paired, clusters: Mapping[str, str] | None) -> Units:
    """The sums of a pair per row, or per cluster; a row that is in no cluster stands alone."""
    ones = np.ones(len(paired.ids))
    if (corpus := paired.corpus) is not None:
        rows = np.column_stack([corpus.baseline, corpus.candidate, ones])
        swaps = corpus.candidate - corpus.baseline
    else:
        rows = np.column_stack([paired.differences, paired.baseline, ones])
        ranked = paired.metric.kind == "ordinal"
        swaps = (signed_ranks(paired.differences) if ranked else paired.differences)[:, None]
    return Units(paired, unit_sums(rows, paired.ids, clusters), unit_sums(swaps, paired.ids, clusters))


def unit_sums(rows: Array, ids: Sequence[str], clusters: Mapping[str, str] | None) -> Array:
    """The rows (n, w) summed by cluster: (units, w), clusters in the order of their first row; None: as they are."""
    if clusters is None:
        return rows
    numbers: dict[tuple[bool, str], int] = {}
    unit = [numbers.setdefault((i in clusters, clusters.get(i, i)), len(numbers)) for i in ids]
    sums = np.zeros((len(numbers), rows.shape[1]))
    np.add.at(sums, unit, rows)
    return sums


def _column(values: Values, ids: list[str]) -> Array:
    return np.array([math.nan if values.get(i) is None else values[i] for i in ids], dtype=np.float64)


def _table(stats: RowStats, ids: list[str], width: int) -> Array:
    return np.array([stats[i] for i in ids], dtype=np.float64).reshape(len(ids), width)


def _is_scored(value: float | None) -> bool:
    return value is not None and math.isfinite(value)
