"""Every metric within each value of a metadata field: does the gain hold for every kind of row?

The same statistics as for all rows, clusters included. A field with many values makes many small tests, so p-values are
adjusted once more (Holm) over all slices of a metric.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from resep.records import Example, Sample
from resep.stages.report.metrics import Scored
from resep.statistics import Comparison, compare, holm

FEW = 10  # below so many rows an interval says next to nothing: there is none, and no test; the page says so
_UNTOLD = ("ci_low", "ci_high", "p", "p_adjusted", "mde", "relative", "relative_low", "relative_high")
MOST = 30  # values of one field, those with the most rows; the others are counted


@dataclass(frozen=True)
class Question:
    """What is asked of every slice: these two arms, this metric first, with these clusters and this seed."""

    baseline: str
    candidate: str
    primary: str
    clusters: Mapping[str, str] | None = None
    seed: int = 0


def slice_rows(
    examples: Iterable[Example | Sample], fields: Sequence[str], scored: Sequence[Scored], question: Question
) -> list[dict[str, Any]]:
    """One entry per field and value, in the order of size: {field, value, few, comparison, metrics}.

    `comparison` is that of the primary metric, `metrics` has those of all the others by name. Their `p_adjusted` is
    adjusted over all slices and, but for the primary metric, over the metrics as well. A comparison of fewer than 10
    rows has a difference, and neither an interval nor a p-value.
    """
    examples = list(examples)
    found = []
    for field in fields:
        for value, _ in Counter(_text(example, field) for example in examples).most_common(MOST):
            rows = {example.id for example in examples if _text(example, field) == value}
            compared = _compared(scored, question, rows)
            primary = compared.pop(question.primary)
            few = primary["n"] < FEW
            found.append({"field": field, "value": value, "few": few, "comparison": primary, "metrics": compared})
    return _adjusted(found)


def left_out(examples: Iterable[Example | Sample], fields: Sequence[str]) -> list[str]:
    """A sentence for each field that has more values than are told apart."""
    examples = list(examples)
    counts = {field: len({_text(example, field) for example in examples}) for field in fields}
    return [
        f"evaluation.slices: {field} has {count} different values; the {MOST} with the most rows are compared"
        for field, count in counts.items()
        if count > MOST
    ]


def _compared(scored: Sequence[Scored], asked: Question, rows: set[str]) -> dict[str, dict[str, Any]]:
    pairs = [s.pair(m, asked.baseline, asked.candidate, rows) for s in scored for m in s.metrics]
    compared = compare(
        pairs, asked.baseline, asked.candidate, primary=asked.primary, clusters=asked.clusters, seed=asked.seed
    )
    asked_here = {name: c for name, c in compared.items() if c.n or c.unpaired or name == asked.primary}
    return {name: _told(comparison) for name, comparison in asked_here.items()}  # not those with rows of their own


def _told(comparison: Comparison) -> dict[str, Any]:
    found = asdict(comparison)
    return found | dict.fromkeys(_UNTOLD) if comparison.n < FEW else found


def _adjusted(slices: list[dict[str, Any]]) -> list[dict[str, Any]]:
    names = dict.fromkeys(name for part in slices for name in part["metrics"])
    by_metric = [[part["comparison"] for part in slices]]
    by_metric += [[part["metrics"][name] for part in slices if name in part["metrics"]] for name in names]
    for comparisons in by_metric:
        tested = [c for c in comparisons if c["p_adjusted"] is not None]
        for comparison, p in zip(tested, holm([c["p_adjusted"] for c in tested]), strict=True):
            comparison["p_adjusted"] = p
    return slices


def _text(example: Example | Sample, field: str) -> str:
    value = example.metadata.get(field)
    return "(none)" if value is None else str(value)
