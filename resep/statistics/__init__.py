"""Paired comparison of two arms that answered the same rows: the number, its interval, its p-value, what could be seen.

The unit is the difference within a row, candidate minus baseline: what makes a row hard for both cancels out, which an
unpaired test throws away (Miller 2024, arXiv:2411.00640; Dror et al. 2018, P18-1128).

interval  percentile bootstrap over rows (Efron), 10,000 resamples. A resample is a vector of how often each row was
          drawn, so resampling is one matrix product, `counts @ sums`, and one matrix of counts serves every metric with
          as many rows. Below 50 rows a t interval: there the bootstrap covers 87 to 93 % in place of 95 (measured).
          Where all rows have the same difference, the rule of three, for metrics with a range (intervals.py).
p         sign-flip randomisation (Fisher; Kuebler et al. 2026, arXiv:2602.10144): were the arms alike, each difference
          could as well have had the other sign. All 2^n patterns where that is no more work, else (1 + hits) / (1 + B).
          Binary metrics: McNemar's test, exact (the binomial of wins against losses). Ratings: Wilcoxon's signed ranks,
          exact, ties and rows without a difference included (ranks.py).
corpus    a metric that is no mean over rows (corpus BLEU, macro-F1) is a function of sums of its rows' sufficient
          statistics. The same resamples sum them, the plug-in's `aggregate` makes the metric of each; the difference
          is one of aggregates. p by approximate randomisation: the two arms trade places within rows (Noreen 1989;
          Riezler and Maxwell 2005, W05-0908), which is a sign flip of the statistics' differences. Wins and losses
          count the rows' own scores, where the metric has any.
many      Holm (1979) over the metrics other than the declared primary, which stands alone. Metrics that are neither
          good nor bad when high (length) are described, not tested.
clusters  rows of one cluster (many apps, one question) are summed, then drawn and flipped as a whole. Taking them for
          independent rows finds a difference that is not there in 22 to 44 % of cases (measured). So is each arm's own
          interval, on which `expect: <metric>.mean` is judged.

The interval covers the choice of test rows, not the seed of the training. Nothing here is ever NaN: None says "these
rows cannot tell".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from resep.records import Metric
from resep.statistics.comparison import Comparison, comparison_of
from resep.statistics.intervals import clustered_interval, corpus_interval, mean_interval, spread
from resep.statistics.pairs import Aggregate, Paired, RowStats, Units, Values, pair, pair_corpus, unit_sums, units_of
from resep.statistics.resampling import Array, resampled_sums, sign_flip_p
from resep.visible import SMALL

__all__ = [
    "RESAMPLES",
    "SMALL",
    "Aggregate",
    "Comparison",
    "Paired",
    "RowStats",
    "Values",
    "clustered_interval",
    "compare",
    "corpus_interval",
    "holm",
    "mean_interval",
    "pair",
    "pair_corpus",
    "unit_sums",
]

RESAMPLES = 10_000


def compare(
    pairs: Sequence[Paired],
    baseline: str,
    candidate: str,
    *,
    primary: str | None = None,
    clusters: Mapping[str, str] | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Comparison]:
    """Compare two arms on every metric at once, by metric name. `clusters` maps a row id to its cluster."""
    tables = [units_of(p, clusters) for p in pairs]
    found: dict[str, Comparison] = {}
    for size in sorted({len(t.sums) for t in tables}):
        alike = [t for t in tables if len(t.sums) == size]
        p_values = (
            sign_flip_p([(t.swaps, t.is_extreme) for t in alike], resamples, seed) if size else [1.0] * len(alike)
        )
        for units, drawn, p in zip(alike, _drawn(alike, size, resamples, seed), p_values, strict=True):
            name = units.paired.metric.name
            found[name] = comparison_of(units, spread(units, drawn), p, (baseline, candidate), clusters is not None)
    return _adjusted({p.metric.name: found[p.metric.name] for p in pairs}, [p.metric for p in pairs], primary)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down adjustment, in the order given: .01 .04 .03 .2 -> .04 .09 .09 .2."""
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted, largest = [0.0] * len(p_values), 0.0
    for rank, i in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[i]))
        adjusted[i] = largest
    return adjusted


def _drawn(tables: Sequence[Units], size: int, resamples: int, seed: int) -> Sequence[Array | None]:
    """The bootstrapped sums of each table; None below the size at which a bootstrap can be trusted."""
    if size < SMALL:
        return [None] * len(tables)
    ends = np.cumsum([t.sums.shape[1] for t in tables])
    return np.split(
        resampled_sums(np.concatenate([t.sums for t in tables], axis=1), resamples, seed), ends[:-1], axis=1
    )


def _adjusted(found: dict[str, Comparison], metrics: Sequence[Metric], primary: str | None) -> dict[str, Comparison]:
    tested = {m.name: p for m in metrics if m.direction != "none" and (p := found[m.name].p) is not None}
    alone = {primary: tested.pop(primary)} if primary in tested else {}
    adjusted = alone | dict(zip(tested, holm(list(tested.values())), strict=True))
    return {name: replace(comparison, p_adjusted=adjusted.get(name)) for name, comparison in found.items()}
