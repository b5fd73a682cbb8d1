"""What evaluators left, as tables of values by metric, arm and row, and the comparisons of every pair of arms."""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from resep.records import Metric, Score, read_jsonl
from resep.stages.evaluate.aggregates import open_aggregates
from resep.statistics import (
    Aggregate,
    Comparison,
    Paired,
    RowStats,
    Values,
    compare,
    pair,
    pair_corpus,
)

Kept = TypeVar("Kept")
Table = Mapping[str, Mapping[str, Values]]  # metric -> arm -> row id -> value
StatsTable = Mapping[str, Mapping[str, RowStats]]  # corpus metric -> arm -> row id -> what is summed


@dataclass(frozen=True)
class Scored:
    """What one evaluator left: its metrics, the values on normalised and on raw outputs, and what else it says.

    `stats`, `raw_stats` and `aggregates` are those of its metrics of kind corpus, which are no means of values.
    """

    evaluator: str
    signature: str
    metrics: tuple[Metric, ...]
    values: Table
    raw: Table
    extra: Mapping[str, Any]
    warnings: tuple[str, ...]
    stats: StatsTable = field(default_factory=dict)
    raw_stats: StatsTable = field(default_factory=dict)
    aggregates: Mapping[str, Aggregate] = field(default_factory=dict)
    own_rows: bool = False

    def pair(self, metric: Metric, baseline: str, candidate: str, rows: Container[str] | None = None) -> Paired:
        """Two arms' scores of a metric, paired by row; of the given rows only, where some are given."""
        values = tuple(_only(rows, self.values[metric.name][arm]) for arm in (baseline, candidate))
        if metric.name not in self.aggregates:
            return pair(metric, values[0], values[1])
        stats = tuple(_only(rows, self.stats[metric.name][arm]) for arm in (baseline, candidate))
        return pair_corpus(metric, stats[0], stats[1], self.aggregates[metric.name], (values[0], values[1]))


def read_scores(evaluator: str, folder: Path, arms: Iterable[str], plugin: Path | None = None) -> Scored:
    """Read an evaluator's folder. Every metric has an entry for every arm, an empty one where it scored nothing.

    `plugin`: the evaluator's file where it is not ours; it is opened for the aggregates of corpus metrics.
    """
    summary = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    metrics = tuple(Metric(**metric) for metric in summary["metrics"])
    names, arms = [metric.name for metric in metrics], list(arms)
    scores = list(read_jsonl(folder / "scores.jsonl", Score))
    raw = list(read_jsonl(folder / "raw_scores.jsonl", Score))
    aggregates = open_aggregates(evaluator, plugin, metrics)
    return Scored(
        evaluator=evaluator,
        signature=summary["signature"],
        metrics=metrics,
        values=tabulate(scores, names, arms),
        raw=tabulate(raw, names, arms),
        extra=summary.get("extra") or {},
        warnings=tuple(summary.get("warnings") or ()),
        stats=tabulate_stats(scores, aggregates, arms),
        raw_stats=tabulate_stats(raw, aggregates, arms),
        aggregates=aggregates,
        own_rows=summary.get("own_rows", False),
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


def tabulate_stats(scores: Iterable[Score], metrics: Iterable[str], arms: Iterable[str]) -> StatsTable:
    """The same for the statistics of corpus metrics; a row that has none is left out."""
    arms = list(arms)
    table: dict[str, dict[str, dict[str, tuple[float, ...]]]] = {m: {arm: {} for arm in arms} for m in metrics}
    for score in scores:
        for name, row in score.stats.items():
            if name in table and score.arm in table[name]:
                table[name][score.arm][score.id] = row
    return table


def compare_arms(
    scored: Sequence[Scored],
    baselines: Sequence[str],
    candidate: str,
    primary: str,
    clusters: Mapping[str, str] | None = None,
    seed: int = 0,
) -> dict[str, list[Comparison]]:
    """The candidate against each baseline, by metric, all metrics of a pair in one go."""
    found: dict[str, list[Comparison]] = {metric.name: [] for s in scored for metric in s.metrics}
    for baseline in baselines:
        pairs = [s.pair(metric, baseline, candidate) for s in scored for metric in s.metrics]
        compared = compare(pairs, baseline, candidate, primary=primary, clusters=clusters, seed=seed)
        for name, comparison in compared.items():
            found[name].append(comparison)
    return found


def _only(rows: Container[str] | None, by_row: Mapping[str, Kept]) -> Mapping[str, Kept]:
    return by_row if rows is None else {row: value for row, value in by_row.items() if row in rows}
