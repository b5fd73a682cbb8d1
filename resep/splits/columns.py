"""The rows to be shared out as arrays of one length, and the prompts among them: rows that stay together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Positions = NDArray[np.float64]
Codes = NDArray[np.int8]
Indices = NDArray[np.intp]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Columns:
    """Of each kept row, in input order: memory-mapped or not. What is not asked for is None.

    `position`: of its split key, in [0, 1). `stratum`: its class, an index into `strata`. `time`: a moment.
    `given`: the code of the split that the data puts it into. `has_question`: without one a row can be no test row
    (None: all have one). `place` names a row by its index, for messages.
    """

    position: Positions
    stratum: NDArray[np.int32] | None = None
    strata: Sequence[str] = ()
    time: NDArray[np.int64] | None = None
    given: Codes | None = None
    has_question: Mask | None = None
    place: Callable[[int], str] = "row {}".format

    def __len__(self) -> int:
        return len(self.position)

    @property
    def is_placed_alone(self) -> bool:
        """Whether its position alone decides a row's split, which then is that of all rows of its prompt."""
        all_ask = self.has_question is None or bool(self.has_question.all())
        return all_ask and self.stratum is None and self.time is None

    def take(self, rows: Indices) -> Columns:
        """Some of the rows."""
        return Columns(
            self.position[rows],
            None if self.stratum is None else self.stratum[rows],
            self.strata,
            None if self.time is None else self.time[rows],
            None if self.given is None else self.given[rows],
            None if self.has_question is None else self.has_question[rows],
            lambda index: self.place(int(rows[index])),
        )


@dataclass(frozen=True)
class Prompts:
    """Rows of one position, as one: sorted by position.

    `of_row`: the prompt of each row. `rows`: how many each has. `stratum`: the first of its classes by name, an index
    into `names`. `time`: of its newest row. `testable`: whether all its rows ask something (None: all do).
    """

    position: Positions
    of_row: Indices
    rows: Indices
    stratum: Indices | None = None
    names: Sequence[str] = ()
    time: NDArray[np.int64] | None = None
    testable: Mask | None = None

    def __len__(self) -> int:
        return len(self.position)


def prompts_of(columns: Columns) -> Prompts:
    """The prompts of the rows. A million rows take about half a second."""
    position, of_row, rows = _unique(columns.position)
    stratum, names = None, sorted(set(columns.strata))
    if columns.stratum is not None:
        rank = {name: at for at, name in enumerate(names)}
        ranks = np.array([rank[name] for name in columns.strata], dtype=np.intp)
        stratum = np.full(len(position), len(names), dtype=np.intp)
        np.minimum.at(stratum, of_row, ranks[columns.stratum])
    time = testable = None
    if columns.time is not None:
        time = np.full(len(position), np.iinfo(np.int64).min, dtype=np.int64)
        np.maximum.at(time, of_row, columns.time)
    if columns.has_question is not None:
        testable = np.ones(len(position), dtype=np.bool_)
        testable[of_row[~columns.has_question]] = False
    return Prompts(position, of_row, rows, stratum, names, time, testable)


def _unique(positions: Positions) -> tuple[Positions, Indices, Indices]:
    """The different positions in their order, which of them each row has, and how many rows have each.

    Of many rows one part of [0, 1) after another is sorted: 17 bytes a row instead of 50.
    """
    if len(positions) <= _FEW:
        return np.unique(positions, return_inverse=True, return_counts=True)
    of_row = np.empty(len(positions), np.intp)
    part_of = (positions * _PARTS).astype(np.uint8)
    found: list[tuple[Positions, Indices]] = []
    known = 0
    for part in range(_PARTS):
        rows = np.flatnonzero(part_of == part)
        some, of_some, counts = np.unique(positions[rows], return_inverse=True, return_counts=True)
        of_row[rows] = known + of_some
        known += len(some)
        found.append((some, counts))
    return np.concatenate([some for some, _ in found]), of_row, np.concatenate([counts for _, counts in found])


_FEW, _PARTS = 2**16, 16
