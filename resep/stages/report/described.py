"""The metrics part of results.json: means per arm with their intervals, raw means, and the comparisons beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from resep.records import Metric
from resep.stages.evaluate.aggregates import total
from resep.stages.report.metrics import Scored
from resep.statistics import (
    RESAMPLES,
    Comparison,
    Values,
    clustered_interval,
    corpus_interval,
    mean_interval,
    unit_sums,
)

Clusters = Mapping[str, str] | None  # row id -> cluster


def describe(
    scored: Sequence[Scored],
    arms: Mapping[str, Mapping[str, Any]],
    compared: Mapping[str, Sequence[Comparison]],
    primary: str,
    clusters: Clusters = None,
    seed: int = 0,
) -> dict[str, Any]:
    """The `metrics` of results.json, the primary one first. `clusters`: as in `compare`, for every arm's interval."""
    found = {
        metric.name: {
            **_said(metric),
            "primary": metric.name == primary,
            "evaluator": s.evaluator,
            "signature": s.signature,
            "arms": {arm: _arm(metric, s, arm, facts["rows"], clusters, seed) for arm, facts in arms.items()},
            "comparisons": [asdict(comparison) for comparison in compared[metric.name]],
        }
        for s in scored
        for metric in s.metrics
    }
    return dict(sorted(found.items(), key=lambda item: not item[1]["primary"]))


def _said(metric: Metric) -> dict[str, Any]:
    """What the evaluator said of its metric; `relative` only where it is."""
    said = {key: value for key, value in asdict(metric).items() if key not in ("name", "relative")}
    return said | ({"relative": True} if metric.relative else {})


def _arm(metric: Metric, scored: Scored, arm: str, rows: int, clusters: Clusters, seed: int) -> dict[str, Any]:
    if metric.name in scored.aggregates:
        return _corpus_arm(metric, scored, arm, rows, clusters, seed)
    values = _known(scored.values[metric.name][arm])
    low, high = _within(metric, _mean_interval(metric, scored.values[metric.name][arm], clusters))
    return {
        "mean": _mean(values),
        "ci_low": low,
        "ci_high": high,
        "n": len(values),
        "unscored": _asked(scored, metric, arm, rows) - len(values),
        "raw_mean": _mean(_known(scored.raw[metric.name][arm])),
    }


def _mean_interval(metric: Metric, values: Values, clusters: Clusters) -> tuple[float, float] | None:
    """Over clusters where they hold several rows, else over rows."""
    known = {row: value for row, value in sorted(values.items()) if value is not None}
    units = unit_sums(np.array([(value, 1.0) for value in known.values()]).reshape(-1, 2), list(known), clusters)
    if len(units) < len(known):
        return clustered_interval(units, metric.low, metric.high)
    return mean_interval(list(known.values()), metric.kind, metric.low, metric.high)


def _corpus_arm(metric: Metric, scored: Scored, arm: str, rows: int, clusters: Clusters, seed: int) -> dict[str, Any]:
    """The same of a corpus metric: `mean` is what the rows' statistics add up to."""
    stats, aggregate = scored.stats[metric.name][arm], scored.aggregates[metric.name]
    summed = np.array([stats[row] for row in sorted(stats)], dtype=np.float64)
    if stats:
        summed = unit_sums(summed, sorted(stats), clusters)
    low, high = _within(metric, corpus_interval(summed, aggregate, RESAMPLES, seed))
    return {
        "mean": total(stats, aggregate),
        "ci_low": low,
        "ci_high": high,
        "n": len(stats),
        "unscored": _asked(scored, metric, arm, rows) - len(stats),
        "raw_mean": total(scored.raw_stats[metric.name][arm], aggregate),
    }


def _asked(scored: Scored, metric: Metric, arm: str, rows: int) -> int:
    """How many rows the metric was asked of: an evaluator may have rows of its own. All, where it said nothing."""
    return len(scored.values[metric.name][arm]) or (0 if scored.own_rows else rows)


def _within(metric: Metric, interval: tuple[float, float] | None) -> tuple[float | None, float | None]:
    """A t interval of few rows reaches beyond what the metric can be: an accuracy of less than 0 is none."""
    if interval is None:
        return None, None
    low, high = interval
    low = low if metric.low is None else max(low, metric.low)
    return low, high if metric.high is None else min(high, metric.high)


def _known(values: Values) -> list[float]:
    return [value for _, value in sorted(values.items()) if value is not None]


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
