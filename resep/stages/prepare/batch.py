"""Neighbouring rows on their way through the row-by-row steps, as columns; a row is made where one is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import Any

import orjson

from resep.records import Origin, Row


@dataclass(frozen=True)
class Batch:
    """Columns of one length. `numbers` count the input rows of a shard, `sources` are indices of data.sources.

    `own`: numbers of a row's placeholders that the whole data set is to share (see resep.numbering), mostly none.
    """

    numbers: list[int]
    ids: list[str]
    origins: list[Origin]
    sources: list[int]
    fields: list[dict[str, Any]]
    own: list[dict[str, int]]

    def __len__(self) -> int:
        return len(self.numbers)

    def rows(self) -> list[Row]:
        return [Row(*each) for each in zip(self.ids, self.fields, self.origins, strict=True)]

    def keep(self, alive: Sequence[bool]) -> Batch:
        """The rows for which `alive` is true."""
        if all(alive):
            return self
        return Batch(*(list(compress(column, alive)) for column in self._columns()))

    def _columns(self) -> tuple[list[Any], ...]:
        return self.numbers, self.ids, self.origins, self.sources, self.fields, self.own

    def lines(self) -> bytes:
        """One line of JSON per row, to be read by `from_lines`."""
        columns = zip(*self._columns(), strict=True)
        return b"".join([_line([n, i, o.file, o.line, s, f, own]) for n, i, o, s, f, own in columns])


def _line(values: list[Any]) -> bytes:
    return orjson.dumps(values, option=orjson.OPT_APPEND_NEWLINE)


def from_lines(lines: Iterable[bytes]) -> Batch:
    """The batch whose `lines` these are."""
    read = [orjson.loads(line) for line in lines]
    return Batch(
        [row[0] for row in read],
        [row[1] for row in read],
        [Origin(row[2], row[3]) for row in read],
        [row[4] for row in read],
        [row[5] for row in read],
        [row[6] for row in read],
    )


@dataclass(frozen=True)
class Kept(Row):
    """A row that knows its number among all input rows, its source, its id before it was told apart, and its `own`.

    `dataclasses.replace` keeps them, so that a row that a step returns is known again.
    """

    number: int = -1
    source: int = -1
    own_id: str = ""
    own: Mapping[str, int] = field(default_factory=dict)

    def line(self) -> bytes:
        """To be read by `kept_row` again."""
        place = (self.origin.file, self.origin.line)
        return _line([self.number, self.own_id, *place, self.source, self.fields, self.own, self.id, self.parent])


def kept_row(line: bytes, offset: int = 0, name: Callable[[str, int], str] = lambda own_id, _: own_id) -> Kept:
    """The row of a line, which counts from `offset`. `name` makes its id from its own one and its number."""
    number, own_id, file, line_number, source, fields, own, *made = orjson.loads(line)
    number += offset
    called, parent = made or (name(own_id, number), None)
    return Kept(called, fields, Origin(file, line_number), None, parent, number, source, own_id, own)
