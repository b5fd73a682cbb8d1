"""Texts as sets of character 5-grams, each a number of 32 bits: what "alike" is measured on.

Characters, not words: of the nine words of a short question, one that changes takes a third of all word 3-grams with
it. A space stands at both ends of a text, so that its first and last letters count as the ends of words.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

SIZE: Final = 5  # characters of a shingle

_BASE = np.uint64(0x9E3779B97F4A7C15)  # of the polynomial over code points; odd
_MIX = np.uint64(0xFF51AFD7ED558CCD)  # MurmurHash3's finaliser
_HALF = np.uint64(33)
_TOP = np.uint64(32)

Hashes = NDArray[np.uint32]


def shingles(padded: Sequence[str]) -> tuple[Hashes, NDArray[np.intp]]:
    """The shingles of all texts one after the other, and where those of each text begin. Repeats are not removed.

    `padded` are texts as `pad` gives them: each has at least one shingle.
    """
    lengths = np.fromiter(map(len, padded), np.intp, len(padded))
    points = np.frombuffer("".join(padded).encode("utf-32-le", "surrogatepass"), "<u4").astype(np.uint64)
    windows = len(points) - SIZE + 1
    hashes = np.zeros(windows, np.uint64)
    for offset in range(SIZE):
        hashes *= _BASE
        hashes += points[offset : offset + windows]
    hashes ^= hashes >> _HALF
    hashes *= _MIX
    hashes ^= hashes >> _HALF
    ends = np.cumsum(lengths)
    inside = np.ones(windows, np.bool_)
    for overlap in range(1, SIZE):
        inside[ends[:-1] - overlap] = False  # windows over the seam of two texts
    starts = np.zeros(len(padded), np.intp)
    np.cumsum(lengths[:-1] - SIZE + 1, out=starts[1:])
    return (hashes >> _TOP).astype(np.uint32)[inside], starts


def pad(normal: str) -> str:
    """A normalised text with the spaces that mark its ends, long enough for one shingle."""
    return f" {normal} ".ljust(SIZE)


def jaccard(left: str, right: str) -> float:
    """How alike two normalised texts are: shingles in both, divided by shingles in either. From 0 to 1."""
    first, second = (set(shingles([pad(text)])[0].tolist()) for text in (left, right))
    return len(first & second) / len(first | second)
