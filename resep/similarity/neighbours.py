"""Rows that are near to one another, found by their signatures without comparing every row with every other.

The rows of a small bucket are all compared. In a large one, each is compared with a few leaders and with the next in
the order of their keys: a template with 50,000 rows costs 50,000 times a few comparisons, not their square.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from resep.similarity.bands import Indices, Keys, band_keys, bands, in_band
from resep.similarity.components import alone, join
from resep.similarity.signatures import Signatures, are_near

_SMALL = 8  # rows of a bucket in which all are compared
_NEXT = 4  # rows of a larger bucket that each of its rows is compared with
_LEADERS = 2  # rows of it that all others are compared with, unless they are near an earlier one
_ENOUGH = 8  # pairs that are looked for of each row, once they lie in one component
_AT_ONCE = 1 << 14  # pairs compared at once: 16 MiB of signatures, on both sides
_HALF = np.uint64(32)

Pairs = NDArray[np.uint64]  # the higher row in the upper half, the lower in the lower: sorted, without repeats


@dataclass
class _Search:
    """What is known so far. Rows are known by their position in `rows`."""

    signatures: Signatures
    rows: Indices
    threshold: float
    components: Indices = field(init=False)
    counts: Indices = field(init=False)
    known: Pairs = field(default_factory=lambda: np.zeros(0, np.uint64))
    new: list[Pairs] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.components, self.counts = alone(len(self.rows)), np.zeros(len(self.rows), np.intp)


def near_pairs(signatures: Signatures, rows: Indices, threshold: float) -> tuple[Indices, Indices]:
    """The lower and the higher row of pairs whose likeness is estimated as `threshold` or more, by the higher row.

    `signatures` is the table of all rows, which may lie on disk; `rows` are those to compare, in ascending order. Not
    every pair of a large component is found, but enough that it hangs together.
    """
    search = _Search(signatures, rows, threshold)
    length, number = bands(threshold)
    for band in range(number):
        keys = band_keys(signatures, rows, band, length)
        order = np.argsort(keys, kind="stable")
        _look_through(search, order, in_band(keys[order], length))
        _take_in(search)
    lower, higher = _unpacked(search.known)
    return rows[lower], rows[higher]


def _look_through(search: _Search, order: Indices, buckets: Keys) -> None:
    """Compare rows of one bucket. `order` are rows in the order of their keys, `buckets` those that they fall into."""
    starts = _starts(buckets)
    sizes = np.diff(starts, append=len(buckets))
    sizes = np.repeat(sizes, sizes)
    for distance in range(1, _SMALL):
        same = buckets[distance:] == buckets[:-distance]
        if distance > _NEXT:
            same &= sizes[distance:] <= _SMALL
        left = np.flatnonzero(same)
        _compare(search, order[left], order[left + distance])
    large = np.flatnonzero(sizes > _SMALL)
    _compare_with_leaders(search, order[large], buckets[large])


def _compare_with_leaders(search: _Search, rows: Indices, buckets: Keys) -> None:
    for _ in range(_LEADERS):
        if not len(rows):
            return
        starts = _starts(buckets)
        leaders = np.repeat(np.minimum.reduceat(rows, starts), np.diff(starts, append=len(rows)))
        left = np.flatnonzero(rows != leaders)
        left = left[~_compare(search, rows[left], leaders[left])]
        rows, buckets = rows[left], buckets[left]


def _starts(buckets: Keys) -> Indices:
    """Where each run of equal values begins."""
    begins = np.ones(len(buckets), np.bool_)
    np.not_equal(buckets[1:], buckets[:-1], out=begins[1:])
    return np.flatnonzero(begins)


def _compare(search: _Search, first: Indices, second: Indices) -> NDArray[np.bool_]:
    """Which of the pairs are near, as far as it matters: those known already, and those of no more use, count as near.

    The others are compared, and what is near is noted down.
    """
    near = _is_settled(search, first, second)
    for at in _cut(np.flatnonzero(~near)):
        one, other = (search.signatures[search.rows[side[at]]] for side in (first, second))
        near[at] = are_near(one, other, search.threshold)
        found = at[near[at]]
        search.new.append(_packed(first[found], second[found]))
    return near


def _cut(pairs: Indices) -> Iterator[Indices]:
    return (pairs[start : start + _AT_ONCE] for start in range(0, len(pairs), _AT_ONCE))


def _is_settled(search: _Search, first: Indices, second: Indices) -> NDArray[np.bool_]:
    is_one = search.components[first] == search.components[second]
    settled: NDArray[np.bool_] = is_one & (search.counts[np.maximum(first, second)] >= _ENOUGH)
    if len(search.known):
        asked = np.flatnonzero(is_one & ~settled)  # what is known is in one component
        pairs = _packed(first[asked], second[asked])
        at = np.minimum(np.searchsorted(search.known, pairs), len(search.known) - 1)
        settled[asked] = search.known[at] == pairs
    return settled


def _take_in(search: _Search) -> None:
    """Once per band: sort in what it found, and join the components."""
    if not search.new:
        return
    new = np.concatenate(search.new)
    search.new.clear()
    lower, higher = _unpacked(new)
    join(search.components, lower, higher)
    together = np.sort(np.concatenate([search.known, new]))
    search.known = together[_starts(together)]
    search.counts = np.bincount(_unpacked(search.known)[1], minlength=len(search.rows))


def _packed(first: Indices, second: Indices) -> Pairs:
    return (np.maximum(first, second).astype(np.uint64) << _HALF) | np.minimum(first, second).astype(np.uint64)


def _unpacked(pairs: Pairs) -> tuple[Indices, Indices]:
    """The lower rows and the higher ones."""
    return (pairs & np.uint64(0xFFFFFFFF)).astype(np.intp), (pairs >> _HALF).astype(np.intp)
