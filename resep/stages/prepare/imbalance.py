"""How evenly the values of a field are spread, before preparation and in each split, and where that will hurt.

Pure: counts in, numbers and sentences out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from math import log2
from typing import Any

MOST_VALUES = 200  # of a field that sorts rows; one with more is an id or a text
_LARGE_RATIO = 20.0
_FEW_ROWS = 5
_SHOWN = 5


def imbalance(
    before: Mapping[str, Counter[str]],
    after: Mapping[str, Mapping[str, Counter[str]]],
    compared: Collection[str] = (),
) -> list[dict[str, Any]]:
    """An entry for each field that sorts rows: few values, each in several rows on average.

    `before` counts the values of a field over all rows that were read, `after[field][split]` over those of a split.
    `compared` are the fields whose values are compared in the result (evaluation.slices, split.stratify_by): there
    alone does a large ratio hurt. An entry has `field`, `values`, `before`, a mapping `splits`, and `warnings`. A part
    has `rows`, `values`, `counts`, `entropy_bits`, `evenness` (entropy over that of equal shares, 0 to 1) and `ratio`
    (the most frequent value's rows over the rarest's); the last two are None where there are not two values.
    """
    fields = [field for field in before if _sorts_rows(before[field])]
    return [_entry(field, before[field], after.get(field, {}), field in compared) for field in fields]


def spread(counts: Counter[str]) -> dict[str, Any]:
    """How evenly these counts are spread; values without a row are left out."""
    found = {value: count for value, count in counts.most_common() if count > 0}
    rows = sum(found.values())
    bits = -sum(count / rows * log2(count / rows) for count in found.values())
    is_sorted = len(found) > 1
    return {
        "rows": rows,
        "values": len(found),
        "counts": found,
        "entropy_bits": round(max(0.0, bits), 4),
        "evenness": round(bits / log2(len(found)), 4) if is_sorted else None,
        "ratio": round(max(found.values()) / min(found.values()), 2) if is_sorted else None,
    }


def _sorts_rows(counts: Counter[str]) -> bool:
    present = [count for count in counts.values() if count > 0]
    return 2 <= len(present) <= MOST_VALUES and sum(present) >= 2 * len(present)


def _entry(field: str, before: Counter[str], splits: Mapping[str, Counter[str]], compared: bool) -> dict[str, Any]:
    spreads = {split: spread(counts) for split, counts in splits.items()}
    return {
        "field": field,
        "values": len(+before),
        "before": spread(before),
        "splits": spreads,
        "warnings": list(_warnings(field, splits, spreads, compared)),
    }


def _warnings(
    field: str, splits: Mapping[str, Counter[str]], spreads: Mapping[str, Mapping[str, Any]], compared: bool
) -> Iterator[str]:
    train = splits.get("train", Counter())
    ratio = spreads["train"]["ratio"] if "train" in spreads else None
    if compared and ratio is not None and ratio > _LARGE_RATIO:
        most, least = max(train, key=lambda value: train[value]), _rarest(train)
        yield (
            f"'{field}' is very uneven in training: {most!r} has {train[most]} rows and {least!r} {train[least]} "
            f"({ratio:.0f} to 1), so the rare values are learnt least; the step balance or augment can aim at them"
        )
    few = sorted(value for value, count in train.items() if 0 < count < _FEW_ROWS)
    if few:
        yield f"{_values(few, len(+train), field)} fewer than {_FEW_ROWS} training rows: {_listed(few)}"
    unseen = sorted(value for value, count in splits.get("test", Counter()).items() if count > 0 and not train[value])
    if unseen:
        many = len(+splits["test"])
        yield f"{_values(unseen, many, field, 'in the test rows')} no training row at all: {_listed(unseen)}"


def _rarest(counts: Counter[str]) -> str:
    return min((value for value, count in counts.items() if count > 0), key=lambda value: (counts[value], value))


def _values(found: Collection[str], many: int, field: str, where: str = "") -> str:
    verb = "has" if len(found) == 1 else "have"
    return " ".join(filter(None, [f"{len(found)} of {many} values of '{field}'", where, verb]))


def _listed(values: list[str]) -> str:
    return ", ".join(map(repr, values[:_SHOWN])) + (", ..." if len(values) > _SHOWN else "")
