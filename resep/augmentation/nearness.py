"""Which texts are near to which children: exact Jaccard likeness of character 5-grams, through an inverted index.

The children are few and stand in the index; the training rows, which may be millions, stream past it once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resep.similarity.shingles import pad, shingles
from resep.splits.keys import normalised

_CELLS = 4_000_000  # counts of one batch: texts times children, four bytes each
_MOST_TEXTS = 512

Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Index:
    """The 5-grams of all children in ascending order, whose each is, and how many each child has."""

    grams: NDArray[np.uint32]
    owners: Numbers
    sizes: Numbers


def index_of(texts: Sequence[str]) -> Index:
    """The index of the children with these texts; a child is known by its position among them."""
    owners, grams = _grams(texts)
    order = np.argsort(grams, kind="stable")
    return Index(grams[order], owners[order], np.bincount(owners, minlength=len(texts)))


def near(index: Index, texts: Iterable[str], threshold: float) -> Iterator[tuple[int, int]]:
    """(position of the text, child) of every pair whose likeness is `threshold` or more."""
    stream, start = iter(texts), 0
    at_once = max(1, min(_MOST_TEXTS, _CELLS // max(1, len(index.sizes))))
    while batch := list(islice(stream, at_once)):
        for text, child in _near(index, batch, threshold):
            yield start + text, child
        start += len(batch)


def _near(index: Index, texts: Sequence[str], threshold: float) -> Iterator[tuple[int, int]]:
    owners, grams = _grams(texts)
    left = np.searchsorted(index.grams, grams, "left")
    found = np.searchsorted(index.grams, grams, "right") - left
    # Every occurrence in the index of every gram: where its run begins, and how far into the run.
    into = np.arange(found.sum()) - np.repeat(np.cumsum(found) - found, found)
    children = index.owners[np.repeat(left, found) + into]
    count = len(index.sizes)
    cells = np.bincount(np.repeat(owners, found) * count + children, minlength=len(texts) * count)
    shared = cells.reshape(len(texts), count)
    either = np.bincount(owners, minlength=len(texts))[:, None] + index.sizes[None, :] - shared
    rows, columns = np.nonzero(shared >= threshold * either)
    yield from zip(rows.tolist(), columns.tolist(), strict=True)


def _grams(texts: Sequence[str]) -> tuple[Numbers, NDArray[Any]]:
    """The different 5-grams of each text, and which text each belongs to."""
    if not texts:
        return np.zeros(0, np.int64), np.zeros(0, np.uint32)
    hashes, starts = shingles([pad(normalised(text)) for text in texts])
    owners = np.repeat(np.arange(len(texts)), np.diff(starts, append=len(hashes)))
    packed = np.unique(owners.astype(np.uint64) << np.uint64(32) | hashes)
    return (packed >> np.uint64(32)).astype(np.int64), packed.astype(np.uint32)
