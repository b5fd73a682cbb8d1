"""Which stretches of some texts stand in other texts, too: windows of so many characters as 64-bit numbers.

A window's number is its polynomial over the code points, modulo 2^64: two that are equal have the same, two that differ
have different ones but for about one pair in 10^19. All windows of a text cost three passes over it, in numpy.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

_BASE = np.uint64(0x9E3779B97F4A7C15)  # odd, so that it has an inverse modulo 2^64
_INVERSE = np.uint64(pow(0x9E3779B97F4A7C15, -1, 2**64))
_MIX = np.uint64(0xFF51AFD7ED558CCD)
_HALF = np.uint64(33)

Windows = NDArray[np.uint64]
Covered = NDArray[np.bool_]


def flat(text: str) -> str:
    """A text as it is compared: small letters, one space for all white space."""
    return " ".join(text.casefold().split())


def windows(text: str, size: int) -> Windows:
    """The numbers of text[0:size], text[1:size + 1] and so on; none where the text is shorter."""
    if len(text) < size:
        return np.zeros(0, np.uint64)
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4").astype(np.uint64)
    sums = np.zeros(len(points) + 1, np.uint64)
    np.cumsum(points * _powers(_BASE, len(points)), out=sums[1:])
    numbers = (sums[size:] - sums[:-size]) * _powers(_INVERSE, len(points) - size + 1)
    numbers ^= numbers >> _HALF
    numbers *= _MIX
    return np.asarray(numbers ^ (numbers >> _HALF))


def shared_windows(sought: Sequence[Windows], texts: Iterable[str], size: int) -> Windows:
    """Those of the windows sought that stand in any of the texts, sorted. Memory holds what is sought and one text.

    Every text is read, whatever is sought.
    """
    wanted = np.unique(np.concatenate(sought)) if sought else np.zeros(0, np.uint64)
    found = np.zeros(len(wanted), np.bool_)
    for text in texts:
        places, there = _places(windows(text, size), wanted)
        found[places[there]] = True
    return np.asarray(wanted[found])


def covered(own: Windows, shared: Windows, length: int, size: int) -> Covered:
    """For each character of a text of this length whether it lies in one of its windows that are shared (sorted)."""
    starts = np.flatnonzero(_places(own, shared)[1])
    edges = np.zeros(length + 1, np.int64)
    edges[starts] += 1
    edges[starts + size] -= 1
    return np.asarray(np.cumsum(edges[:-1]) > 0)


def _places(numbers: Windows, among: Windows) -> tuple[NDArray[np.intp], Covered]:
    """Where each number would stand among the sorted ones, and whether it stands there."""
    if not len(among):
        return np.zeros(len(numbers), np.intp), np.zeros(len(numbers), np.bool_)
    places = np.minimum(np.searchsorted(among, numbers), len(among) - 1)
    return places, np.asarray(among[places] == numbers)


def _powers(base: np.uint64, count: int) -> Windows:
    powers = np.full(count, base, np.uint64)
    powers[:1] = 1
    return np.cumprod(powers, dtype=np.uint64)
