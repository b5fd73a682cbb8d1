"""Rows that have the same fields, as columns: nearly all rows are so, and a column costs a fraction of its rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, compress
from typing import Any, overload

from resep.records import Origin, Row

Rows = Sequence[Mapping[str, Any]]  # the fields of each row: a list of them, or a Table


@dataclass(frozen=True)
class Table(Sequence[Mapping[str, Any]]):
    """The fields of rows by name, in the order in which each row has them. A row is made where one is asked for."""

    columns: Mapping[str, list[Any]]
    _kinds: dict[str, set[Any]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def kinds(self, name: str) -> set[Any]:
        """The types of the values of a column: list[str] where they are lists of texts, none of them without one."""
        if name not in self._kinds:
            values = self.columns[name]
            found = {*map(type, values)}
            are_texts = found == {list} and all(values) and {*map(type, chain.from_iterable(values))} == {str}
            self._kinds[name] = {list[str]} if are_texts else found
        return self._kinds[name]

    @overload
    def __getitem__(self, at: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, at: slice) -> Table: ...
    def __getitem__(self, at: int | slice) -> dict[str, Any] | Table:
        columns = {name: column[at] for name, column in self.columns.items()}
        return Table(columns) if isinstance(at, slice) else columns

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return map(dict, map(partial(zip, self.columns), zip(*self.columns.values(), strict=True)))


@dataclass(frozen=True)
class LazyRows(Sequence[Row]):
    """Rows of which each is made when it is asked for: who only reads a column of `fields` needs none."""

    ids: Sequence[str]
    fields: Rows
    files: Sequence[str]
    places: Sequence[int]  # lines in these files

    def __len__(self) -> int:
        return len(self.ids)

    @overload
    def __getitem__(self, at: int) -> Row: ...
    @overload
    def __getitem__(self, at: slice) -> LazyRows: ...
    def __getitem__(self, at: int | slice) -> Row | LazyRows:
        if isinstance(at, slice):
            return LazyRows(self.ids[at], self.fields[at], self.files[at], self.places[at])
        return Row(self.ids[at], self.fields[at], Origin(self.files[at], self.places[at]))

    def __iter__(self) -> Iterator[Row]:
        return map(Row, self.ids, self.fields, map(Origin, self.files, self.places))


def as_table(rows: Rows) -> Rows:
    """The rows as a Table where they have the same fields, at least one, in the same order."""
    if isinstance(rows, Table) or len(names := {*map(tuple, rows)}) != 1 or names == {()}:
        return rows
    return Table({name: [fields[name] for fields in rows] for name in names.pop()})


def chosen(rows: Rows, alive: Sequence[bool]) -> Rows:
    """The rows for which `alive` is true."""
    if isinstance(rows, Table):
        return Table({name: list(compress(column, alive)) for name, column in rows.columns.items()})
    return list(compress(rows, alive))


def with_column(rows: Rows, field: str, values: list[Any]) -> Table:
    """The rows of a Table with other values in one of their fields."""
    assert isinstance(rows, Table)
    return Table({**rows.columns, field: values})


def column(rows: Rows, field: str, kind: Any) -> list[Any] | None:
    """The values of a field where every row has one of this kind (see Table), and says no more in any other field.

    (A conversation and a system text are said in fields of their own.) None where the rows are no Table.
    """
    if not isinstance(rows, Table) or field not in rows.columns or rows.columns.keys() & {"messages", "system"}:
        return None
    return rows.columns[field] if rows.kinds(field) == {kind} else None
