"""When texts say the same: the digest of their normal form."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resep.splits.keys import normalised_all

# 64 bits: the odds of one false match among n rows are n^2 / 2^65, which is 0.03 % at 1e8 rows.
DIGEST_BYTES = 8

_BETWEEN = " \0 "  # no white space to Python: it stays when the spaces around it are made one
_EMPTY = blake2b(digest_size=DIGEST_BYTES)  # a copy of it takes two thirds of the time of a new one


def digest(normal: str) -> bytes:
    """DIGEST_BYTES bytes that stand for a text in its normal form, the same on every machine."""
    state = _EMPTY.copy()
    state.update(normal.encode("utf-8", "surrogatepass"))
    return state.digest()


def digests_of_parts(rows: Iterable[Iterable[str]]) -> list[bytes]:
    """Of each row the digest of what its texts say in their order, whatever their capitals and spaces: `a b` is not
    `a`, `b`.
    """
    return list(map(digest, normalised_all([_BETWEEN.join(texts) for texts in rows])))


def numbers(table: NDArray[np.uint8]) -> NDArray[Any]:
    """The digests with which the rows of a table begin, as numbers, shape (rows,), dtype uint64."""
    if not len(table):  # of no rows, nobody knows how long they would be
        return np.zeros(0, np.uint64)
    return np.ascontiguousarray(table[:, :DIGEST_BYTES]).view(">u8")[:, 0].astype(np.uint64)


def first_of_each(digests: NDArray[Any]) -> NDArray[np.intp]:
    """Of every row the index of the first row with the same digest, which may be itself. 0.2 s per million rows."""
    first = np.arange(len(digests))
    for rows in rows_in_parts(digests):
        first[rows] = rows[_first_of_each(digests[rows])]
    return first


def repeated(table: NDArray[np.uint8]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The rows of a table whose digest an earlier row has, in their order, and of each the first such row.

    The table may lie on disk: memory grows by a few bytes a row, and 16 for each of those that are found.
    """
    found = [np.empty((2, 0), np.intp)]
    for rows in rows_in_parts(table):
        first = _first_of_each(numbers(table[rows]))
        again = np.flatnonzero(first != np.arange(len(rows)))
        found.append(np.stack([rows[again], rows[first[again]]]))
    again, first = np.concatenate(found, axis=1)
    order = np.argsort(again)
    return again[order], first[order]


def rows_in_parts(keys: NDArray[Any]) -> Iterator[NDArray[np.intp]]:
    """The rows of numbers of 64 bits, or of a table of digests, in parts; rows with the same one are in one part.

    To sort a part after another takes 2 bytes a row of all, where to sort them at once takes 40.
    """
    if len(keys) <= _FEW:
        yield np.arange(len(keys))
        return
    # Not the last byte: its bits are mostly nought where a position in [0, 1) is written as a float.
    one_byte = keys[:, DIGEST_BYTES - 2] if keys.ndim > 1 else np.ascontiguousarray(keys).view(np.uint8)[1::8]
    part_of = one_byte % _PARTS
    yield from (np.flatnonzero(part_of == part) for part in range(_PARTS))


_FEW, _PARTS = 2**16, 64


def _first_of_each(digests: NDArray[Any]) -> NDArray[np.intp]:
    order = np.argsort(digests, kind="stable")
    ordered = digests[order]
    begins = np.ones(len(order), np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=begins[1:])
    first = np.empty(len(order), np.intp)
    first[order] = order[begins][np.cumsum(begins) - 1]
    return first
