"""Neighbouring rows on their way through the row-by-row steps, as columns; a row is made where one is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import Any, TypeVar

import orjson

from resep.formats import LazyRows, Rows, as_table, chosen
from resep.records import Origin, Row

Value = TypeVar("Value")


@dataclass(frozen=True)
class Batch:
    """Columns of one length. `numbers` count the input rows of a shard, `sources` are indices of data.sources. `files`
    and `places` (lines in them) say where a row came from.

    `own`: numbers of a row's placeholders that the whole data set is to share (see resep.numbering), mostly none.
    """

    numbers: list[int]
    ids: list[str]
    files: list[str]
    places: list[int]
    sources: list[int]
    fields: Rows
    own: list[dict[str, int]]

    def __len__(self) -> int:
        return len(self.numbers)

    def rows(self) -> LazyRows:
        return LazyRows(self.ids, self.fields, self.files, self.places)

    def origin(self, at: int) -> Origin:
        return Origin(self.files[at], self.places[at])

    def keep(self, alive: Sequence[bool]) -> Batch:
        """The rows for which `alive` is true."""
        if all(alive):
            return self

        def kept(column: list[Value]) -> list[Value]:
            return list(compress(column, alive))

        return Batch(
            kept(self.numbers),
            kept(self.ids),
            kept(self.files),
            kept(self.places),
            kept(self.sources),
            chosen(self.fields, alive),
            kept(self.own),
        )

    def lines(self) -> bytes:
        """One line of JSON per row, to be read by `from_lines`."""
        columns = (self.numbers, self.ids, self.files, self.places, self.sources, self.fields, self.own)
        return b"".join(map(_line, zip(*columns, strict=True)))


def _line(values: Sequence[Any]) -> bytes:
    return orjson.dumps(values, option=orjson.OPT_APPEND_NEWLINE)


def from_lines(lines: Iterable[bytes]) -> Batch:
    """The batch whose `lines` these are."""
    read = [orjson.loads(line) for line in lines]
    numbers, ids, files, places, sources, fields, own = ([row[at] for row in read] for at in range(7))
    return Batch(numbers, ids, files, places, sources, as_table(fields), own)


@dataclass(frozen=True)
class Kept(Row):
    """A row that knows its number among all input rows, its source, its id before it was told apart, its `own`, and the
    fields that were `given` to a step.

    `dataclasses.replace` keeps them, so that a row that a step returns is known again.
    """

    number: int = -1
    source: int = -1
    own_id: str = ""
    own: Mapping[str, int] = field(default_factory=dict)
    given: Mapping[str, Any] = field(default_factory=dict)

    def line(self) -> bytes:
        """To be read by `kept_row` again."""
        place = (self.origin.file, self.origin.line)
        return _line([self.number, self.own_id, *place, self.source, self.fields, self.own, self.id, self.parent])


def kept_row(line: bytes, offset: int = 0, name: Callable[[str, int], str] = lambda own_id, _: own_id) -> Kept:
    """The row of a line, which counts from `offset`. `name` makes its id from its own one and its number."""
    number, own_id, file, line_number, source, fields, own, *made = orjson.loads(line)
    number += offset
    called, parent = made or (name(own_id, number), None)
    return Kept(called, fields, Origin(file, line_number), None, parent, number, source, own_id, own, fields)
