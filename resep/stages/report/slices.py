"""The primary metric within each value of a metadata field: does the gain hold for every kind of row?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from resep.records import Example, Metric
from resep.statistics import Values, compare, pair

FEW = 10  # below so many rows an interval says next to nothing; the page says so


def slice_rows(
    examples: Iterable[Example], fields: Sequence[str], metric: Metric, baseline: str, values: Mapping[str, Values]
) -> list[dict[str, Any]]:
    """One entry per field and value, in the order of size: {field, value, comparison, few}.

    `values`: arm -> row id -> score of the primary metric, of the baseline and one other arm.
    """
    examples = list(examples)
    candidate = next(arm for arm in values if arm != baseline)
    found = []
    for field in fields:
        for value, _ in Counter(_text(example, field) for example in examples).most_common():
            ids = {example.id for example in examples if _text(example, field) == value}
            paired = pair(metric, _only(ids, values[baseline]), _only(ids, values[candidate]))
            comparison = compare([paired], baseline, candidate, primary=metric.name)[metric.name]
            found.append({"field": field, "value": value, "few": comparison.n < FEW, "comparison": asdict(comparison)})
    return found


def _text(example: Example, field: str) -> str:
    value = example.metadata.get(field)
    return "(none)" if value is None else str(value)


def _only(ids: set[str], values: Values) -> Values:
    return {row: value for row, value in values.items() if row in ids}
