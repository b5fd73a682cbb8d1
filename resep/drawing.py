"""Which rows are drawn, and how many of each label: by ranks that only a row's own id decides."""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from math import sqrt
from typing import Any, Literal, TypeGuard

from resep.records import Row

Rule = Literal["proportional", "square_root", "equal"]
NO_LABEL = "(none)"  # the label of a row without a value
MOST_LABELS = 200  # that findings name


def rank(seed: int, row_id: str) -> int:
    """Where a row stands in the draw, 0 to 2**64 - 1: the same on every machine, whatever other rows there are."""
    return int.from_bytes(blake2b(f"{seed}\0{row_id}".encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


def label_of(row: Row, fields: Sequence[str]) -> str:
    """The row's label: the values of the fields, joined where there are several."""
    return " / ".join(_written(row.fields.get(field)) for field in fields)


def weights(counts: Sequence[int], rule: Rule) -> list[float]:
    """How labels with so many rows stand to each other under a rule."""
    if rule == "equal":
        return [1.0 if count else 0.0 for count in counts]
    return [sqrt(count) if rule == "square_root" else float(count) for count in counts]


def apportion(weights: Sequence[float], total: int, most: Sequence[int] | None = None) -> list[int]:
    """`total` whole rows shared out by weight: at least one for every label above weight 0, never more than `most`.

    Webster's method (highest averages): a larger total never takes a row away from any label. Where the total is
    smaller than the number of labels, those of the largest weight get one each. The result may be smaller than the
    total, where every label has got its `most`.
    """
    limit = [total] * len(weights) if most is None else list(most)
    given = [0] * len(weights)
    labels = [label for label, weight in enumerate(weights) if weight > 0 and limit[label] > 0]
    for label in sorted(labels, key=lambda label: -weights[label])[:total]:
        given[label] = 1
    left = total - sum(given)
    queue = [(-weights[label] / 3, label) for label in labels if given[label] < limit[label]]
    heapq.heapify(queue)
    while left > 0 and queue:
        label = queue[0][1]
        given[label] += 1
        left -= 1
        if given[label] < limit[label]:
            heapq.heapreplace(queue, (-weights[label] / (2 * given[label] + 1), label))
        else:
            heapq.heappop(queue)
    return given


def sampling_faults(options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(option, what is wrong) of the options of the step `sample`, defaults left out or filled in."""
    rows, share = options.get("rows"), options.get("share")
    if rows is None and share is None:
        yield "rows", "say how many rows to keep: rows: 1000, or share: 0.1 for a tenth of them"
    if rows is not None and share is not None:
        yield "share", "rows says already how many rows to keep; leave one of the two out"
    if _is_number(rows) and rows < 1:
        yield "rows", f"{rows} rows cannot be kept; at least 1"
    if _is_number(share) and not 0 < share <= 1:
        yield "share", f"{share} is not a share; above 0, at most 1 (0.1 keeps a tenth of the rows)"
    if options.get("strategy") == "stratified" and not options.get("by"):
        yield "strategy", "stratified draws from each label: name the field that holds them, by: [category]"
    for option, least in (("clusters", 2), ("max_fit_rows", 100)):
        if _is_number(value := options.get(option)) and value < least:
            yield option, f"{value} is too few; at least {least}"


def balancing_faults(options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(option, what is wrong) of the options of the step `balance`, defaults left out or filled in."""
    ratio, target = options.get("max_ratio"), options.get("target")
    if not options.get("by"):
        yield "by", "name the field whose values are to be balanced, by: category"
    if _is_number(ratio) and ratio < 1:
        yield (
            "max_ratio",
            f"{ratio} is not possible: the largest value has at least as many rows as the smallest; 1 or more",
        )
    if _is_number(target) and target < 1:
        yield "target", f"{target} rows of each value leave nothing; at least 1"
    if target is not None and options.get("strategy") == "sqrt":
        yield "target", "sqrt follows the square roots of the counts and takes no target; use cap or oversample"


def uses_texts(options: Mapping[str, Any]) -> bool:
    """Whether the step `sample` looks at texts with these options, and so shows examples of them in the report."""
    strategy = options.get("strategy") or ("stratified" if options.get("by") else "kcentre")
    return strategy not in ("random", "stratified")


def _written(value: Any) -> str:
    if value is None or value == "":
        return NO_LABEL
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
