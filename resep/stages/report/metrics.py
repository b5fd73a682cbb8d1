"""The metrics part of results.json: means per arm, raw means beside them, and the comparisons of every pair of arms."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from resep.records import Metric, Score, read_jsonl
from resep.statistics import Comparison, Values, compare, mean_interval, pair

Table = Mapping[str, Mapping[str, Values]]  # metric -> arm -> row id -> value


@dataclass(frozen=True)
class Scored:
    """What one evaluator left: its metrics, the values on normalised and on raw outputs, and what else it says."""

    evaluator: str
    signature: str
    metrics: tuple[Metric, ...]
    values: Table
    raw: Table
    extra: Mapping[str, Any]
    warnings: tuple[str, ...]


def read_scores(evaluator: str, folder: Path, arms: Iterable[str]) -> Scored:
    """Read an evaluator's folder. Every metric has an entry for every arm, an empty one where it scored nothing."""
    summary = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    metrics = tuple(Metric(**metric) for metric in summary["metrics"])
    names = [metric.name for metric in metrics]
    return Scored(
        evaluator=evaluator,
        signature=summary["signature"],
        metrics=metrics,
        values=tabulate(read_jsonl(folder / "scores.jsonl", Score), names, arms),
        raw=tabulate(read_jsonl(folder / "raw_scores.jsonl", Score), names, arms),
        extra=summary.get("extra") or {},
        warnings=tuple(summary.get("warnings") or ()),
    )


def tabulate(scores: Iterable[Score], metrics: Iterable[str], arms: Iterable[str]) -> Table:
    """Scores as metric -> arm -> row id -> value, for the metrics and arms named."""
    arms = list(arms)
    table: dict[str, dict[str, dict[str, float | None]]] = {m: {arm: {} for arm in arms} for m in metrics}
    for score in scores:
        for name, value in score.values.items():
            if name in table and score.arm in table[name]:
                table[name][score.arm][score.id] = value
    return table


def compare_arms(
    scored: Sequence[Scored],
    baselines: Sequence[str],
    candidate: str,
    primary: str,
    clusters: Mapping[str, str] | None = None,
) -> dict[str, list[Comparison]]:
    """The candidate against each baseline, by metric, all metrics of a pair in one go."""
    found: dict[str, list[Comparison]] = {metric.name: [] for s in scored for metric in s.metrics}
    for baseline in baselines:
        pairs = [
            pair(metric, s.values[metric.name][baseline], s.values[metric.name][candidate])
            for s in scored
            for metric in s.metrics
        ]
        for name, comparison in compare(pairs, baseline, candidate, primary=primary, clusters=clusters).items():
            found[name].append(comparison)
    return found


def describe(
    scored: Sequence[Scored],
    arms: Mapping[str, Mapping[str, Any]],
    compared: Mapping[str, Sequence[Comparison]],
    primary: str,
) -> dict[str, Any]:
    """The `metrics` of results.json, the primary one first."""
    found = {
        metric.name: {
            **{key: value for key, value in asdict(metric).items() if key != "name"},
            "primary": metric.name == primary,
            "evaluator": s.evaluator,
            "signature": s.signature,
            "arms": {arm: _arm(metric, s, arm, facts["rows"]) for arm, facts in arms.items()},
            "comparisons": [asdict(comparison) for comparison in compared[metric.name]],
        }
        for s in scored
        for metric in s.metrics
    }
    return dict(sorted(found.items(), key=lambda item: not item[1]["primary"]))


def _arm(metric: Metric, scored: Scored, arm: str, rows: int) -> dict[str, Any]:
    values = _known(scored.values[metric.name][arm])
    low, high = _within(metric, mean_interval(values, metric.kind))
    return {
        "mean": _mean(values),
        "ci_low": low,
        "ci_high": high,
        "n": len(values),
        "unscored": max(0, rows - len(values)),
        "raw_mean": _mean(_known(scored.raw[metric.name][arm])),
    }


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
