"""One number per row, on disk: memory does not grow with the number of rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resep.similarity.normal import rows_in_parts


class Column:
    """A file of numbers of one type: filled from its beginning, then read and changed in place as an array."""

    def __init__(self, path: Path, dtype: str) -> None:
        self.path, self.dtype = path, np.dtype(dtype)
        self._waiting = bytearray()  # to open the file for every few rows takes longer than to write them
        path.write_bytes(b"")

    def extend(self, values: Sequence[Any] | NDArray[Any]) -> None:
        self.write(np.asarray(values, self.dtype).tobytes())

    def write(self, raw: bytes) -> None:
        self._waiting += raw
        if len(self._waiting) > _WRITTEN_AT_ONCE:
            self._write_out()

    def array(self) -> NDArray[Any]:
        """What was written, shape (rows,); changes go to the file."""
        self._write_out()
        if not self.path.stat().st_size:  # an empty file cannot be mapped
            return np.empty(0, self.dtype)
        return np.memmap(self.path, self.dtype, "r+")

    def table(self, rows: int) -> NDArray[Any]:
        """What was written as a table of so many rows, shape (rows, numbers of a row)."""
        return self.array().reshape(rows, -1) if rows else np.empty((0, 1), self.dtype)

    def _write_out(self) -> None:
        with self.path.open("ab") as file:
            file.write(self._waiting)
        self._waiting.clear()


_WRITTEN_AT_ONCE = 2**17  # bytes


def filled(path: Path, dtype: str, length: int, value: Any = 0) -> NDArray[Any]:
    """An array of one value, on disk."""
    if not length:
        return np.empty(0, dtype)
    array = np.memmap(path, dtype, "w+", shape=(length,))
    if value:
        array[:] = value
    return array


def in_pieces(array: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """An array on disk piece by piece."""
    return (array[start : start + _AT_ONCE] for start in range(0, len(array), _AT_ONCE))


_AT_ONCE = 2**17


def occurrences(keys: NDArray[np.uint64], out: NDArray[Any]) -> None:
    """out[i] = how often keys[i] stood before i: 0 for the first of its kind."""
    for rows in rows_in_parts(keys):
        out[rows] = _occurrences(keys[rows])


def _occurrences(keys: NDArray[np.uint64]) -> NDArray[Any]:
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]])[: len(keys)])
    lengths = np.diff(np.append(starts, len(keys)))
    found = np.empty(len(keys), np.intp)
    found[order] = np.arange(len(keys)) - np.repeat(starts, lengths)
    return found


def distinct(raw: NDArray[np.uint8], width: int) -> Iterator[bytes]:
    """The values of so many bytes each that stand one after another: sorted, each once; a part of them at a time."""
    table = raw.reshape(-1, width)
    part_of = table[:, 0] // _SHARE
    for part in range(256 // _SHARE):
        values = np.ascontiguousarray(table[part_of == part])
        yield np.unique(values.view(np.dtype((np.void, width)))).tobytes()


_SHARE = 16  # values of the first byte that are sorted together


def chosen_rows(table: NDArray[Any], rows: NDArray[Any], path: Path) -> NDArray[Any]:
    """`table[rows]`, on disk."""
    if len(rows) == len(table):
        return table
    if not len(rows):
        return table[:0]
    chosen = np.memmap(path, table.dtype, "w+", shape=(len(rows), *table.shape[1:]))
    for piece, some in zip(in_pieces(chosen), in_pieces(rows), strict=True):
        piece[:] = table[some]
    return chosen
