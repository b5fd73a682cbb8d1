"""Of rows on one side, the row on the other that is most like each of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from resep.similarity.bands import Indices, Keys, band_keys, bands, in_band
from resep.similarity.signatures import Likeness, Signatures, likeness

_CANDIDATES = 16  # rows of one bucket that a row is compared with: those whose keys go on most like its own
_AT_ONCE = 1 << 14

NONE = -1


@dataclass(frozen=True)
class Band:
    """Rows to look among, in the order of their keys in one band, shapes (rows,)."""

    number: int
    keys: Keys
    rows: Indices


@dataclass(frozen=True)
class Nearest:
    """Of each row that was asked for: the most alike row of the others (NONE: none is), and how alike it is."""

    rows: Indices
    likeness: Likeness


def sorted_bands(signatures: Signatures, rows: Indices, threshold: float) -> Iterator[Band]:
    """The bands in which rows as alike as `threshold` are found: to be looked through once, or kept."""
    length, number = bands(threshold)
    for band in range(number):
        keys = band_keys(signatures, rows, band, length)
        order = np.argsort(keys, kind="stable")
        yield Band(band, keys[order], rows[order])


def nearest(asked: Signatures, rows: Indices, among: Signatures, found_in: Iterable[Band], threshold: float) -> Nearest:
    """For each of `rows` of the table `asked`, the row of `among` that is most like it, from `threshold` on.

    `found_in` are the sorted bands of `among` for this threshold. What is found for a row does not depend
    on the others.
    """
    best, best_likeness = np.full(len(rows), NONE, np.intp), np.zeros(len(rows))
    length, _ = bands(threshold)
    for band in found_in:
        for positions, candidates in _candidates(band_keys(asked, rows, band.number, length), band, length):
            new = candidates != best[positions]
            positions, candidates = positions[new], candidates[new]
            for at in range(0, len(positions), _AT_ONCE):
                own, other = positions[at : at + _AT_ONCE], candidates[at : at + _AT_ONCE]
                alike = likeness(asked[rows[own]], among[other], threshold)
                _improve(best, best_likeness, own, other, alike, threshold)
    return Nearest(best, best_likeness)


def _candidates(keys: Keys, band: Band, length: int) -> Iterator[tuple[Indices, NDArray[np.intp]]]:
    """(positions in `keys`, rows of the band) that share a bucket; in one of them, no position stands twice."""
    buckets, own = in_band(band.keys, length), in_band(keys, length)
    low, high = np.searchsorted(buckets, own, "left"), np.searchsorted(buckets, own, "right")
    middle = np.searchsorted(band.keys, keys)
    start = np.clip(middle - _CANDIDATES // 2, low, np.maximum(high - _CANDIDATES, low))
    for offset in range(_CANDIDATES):
        positions = np.flatnonzero(start + offset < high)
        if not len(positions):
            return
        yield positions, band.rows[start[positions] + offset]


def _improve(
    best: Indices, best_likeness: Likeness, own: Indices, other: Indices, alike: Likeness, threshold: float
) -> None:
    """Of rows equally alike, the first is the nearest."""
    is_better = (alike > best_likeness[own]) | ((alike == best_likeness[own]) & (other < best[own]))
    is_better &= alike >= threshold
    best[own[is_better]] = other[is_better]
    best_likeness[own[is_better]] = alike[is_better]
