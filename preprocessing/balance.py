"""Make rare and frequent values of a field more even, in the training rows only.

by: the field whose values are balanced; rows without a value stay as they are
strategy: cap drops rows of frequent values; oversample repeats rows of rare ones; sqrt does both, towards the square
  roots of the counts, with as many rows as before
max_ratio: cap and oversample: how many times as many rows as the rarest value the most frequent one may have
target: cap: the most rows that a value keeps; oversample: the fewest that it gets; null: what max_ratio leads to
seed: another number drops or repeats other rows
"""

import heapq
from collections import Counter
from collections.abc import Generator, Iterable, Mapping
from dataclasses import replace
from math import ceil, floor
from typing import Any, Literal

from resep import Row
from resep.drawing import MOST_LABELS, NO_LABEL, apportion, balancing_faults, label_of, rank, weights
from resep.errors import ResepError

SPLIT = "train"
_MANY_COPIES = 10


def process_rows(
    rows: Iterable[Row],
    *,
    by: str | None = None,
    strategy: Literal["cap", "oversample", "sqrt"] = "cap",
    max_ratio: float = 5.0,
    target: int | None = None,
    seed: int = 42,
) -> Generator[Row, None, dict[str, Any]]:
    options = {"by": by, "strategy": strategy, "max_ratio": max_ratio, "target": target}
    for option, message in balancing_faults(options):
        raise ResepError(f"preprocessing.balance.{option}: {message}")
    field = [by or ""]
    before = Counter(label for row in rows if (label := label_of(row, field)) != NO_LABEL)
    after = _wanted(before, strategy, max_ratio, target)
    last = _last_ranks(rows, field, before, after, seed)
    for row in rows:
        label = label_of(row, field)
        if label == NO_LABEL:
            yield row
            continue
        times, further = divmod(after[label], before[label])
        times += bool(further) and rank(seed, row.id) <= last[label]
        yield row if times else replace(row, dropped=f"beyond balance.{_limit(strategy, target)}")
        for number in range(2, times + 1):
            yield replace(row, id=f"{row.id}~{number}", parent=row.id)
    return _findings(by or "", strategy, before, after)


def _wanted(before: Mapping[str, int], strategy: str, max_ratio: float, target: int | None) -> dict[str, int]:
    """How many rows each value shall have; a whole number that keeps the ratio, and never 0."""
    if not before:
        return {}
    if strategy == "cap":
        limit = target or floor(max_ratio * min(before.values()))
        return {label: min(count, limit) for label, count in before.items()}
    if strategy == "oversample":
        least = target or ceil(max(before.values()) / max_ratio)
        return {label: max(count, least) for label, count in before.items()}
    counts = list(before.values())
    return dict(zip(before, apportion(weights(counts, "square_root"), sum(counts)), strict=True))


def _last_ranks(
    rows: Iterable[Row], field: list[str], before: Mapping[str, int], after: Mapping[str, int], seed: int
) -> dict[str, int]:
    """Of each value, the highest rank among those rows that stand once more often than the others."""
    further = {label: after[label] % count for label, count in before.items() if after[label] % count}
    lowest: dict[str, list[int]] = {label: [] for label in further}  # each a heap of the lowest ranks, negated
    for row in rows:
        if (label := label_of(row, field)) not in further:
            continue
        heap, negated = lowest[label], -rank(seed, row.id)
        if len(heap) < further[label]:
            heapq.heappush(heap, negated)
        elif negated > heap[0]:
            heapq.heapreplace(heap, negated)
    return {label: -heap[0] for label, heap in lowest.items()}


def _limit(strategy: str, target: int | None) -> str:
    return "sqrt" if strategy == "sqrt" else "target" if target else "max_ratio"


def _findings(by: str, strategy: str, before: Counter[str], after: Mapping[str, int]) -> dict[str, Any]:
    named = [label for label, _ in before.most_common(MOST_LABELS)]
    return {
        "by": by,
        "strategy": strategy,
        "values": len(before),
        "before": {label: before[label] for label in named},
        "after": {label: after[label] for label in named},
        "ratio_before": _ratio(before),
        "ratio_after": _ratio(after),
        "warnings": list(_warnings(by, before, after)),
    }


def _ratio(counts: Mapping[str, int]) -> float | None:
    return round(max(counts.values()) / min(counts.values()), 2) if counts else None


def _warnings(by: str, before: Counter[str], after: Mapping[str, int]) -> Iterable[str]:
    if not before:
        yield f"balance: no training row has a value of '{by}', so nothing was balanced"
        return
    rarest = min(before, key=lambda label: (before[label], label))
    if sum(after.values()) * 2 < before.total():
        yield (
            f"balance keeps {sum(after.values())} of {before.total()} training rows, because '{by}' is "
            f"{rarest!r} in only {before[rarest]} of them; raise max_ratio, set target, or use oversample or sqrt"
        )
    often = [label for label, count in before.items() if after[label] > _MANY_COPIES * count]
    if often:
        shown = ", ".join(map(repr, sorted(often)[:5])) + (", ..." if len(often) > 5 else "")
        yield (
            f"balance has more than {_MANY_COPIES} copies of each row where '{by}' is {shown}: "
            "the model may learn these rows by heart; give more rows, or raise max_ratio"
        )
