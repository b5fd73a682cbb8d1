"""The table that a source looks its rows up in (`lookup`): read whole and judged before any row is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from resep.errors import ResepError
from resep.formats.lookup import Key, Lookup, is_key
from resep.records import Origin
from resep.sources.found import SourceFile, lookup_file
from resep.sources.raw import RawRow
from resep.sources.reading import read_file
from resep.suggest import a_json_type, did_you_mean

if TYPE_CHECKING:
    from resep.recipe import Recipe

MOST_ROWS = 100_000  # every worker holds the table in its memory


def open_lookup(recipe: Recipe, index: int) -> Lookup | None:
    """The table of a source; None where it looks nothing up. Raises ResepError where the table cannot be used."""
    file = lookup_file(recipe, index)
    if file is None:
        return None
    ((ours, theirs),) = recipe["data.sources"][index]["lookup"]["by"].items()
    return Lookup(file.name, ours, theirs, _by_value(file, ours, theirs))


def _by_value(file: SourceFile, ours: str, theirs: str) -> dict[Key, Mapping[str, Any]]:
    found: dict[Key, Mapping[str, Any]] = {}
    places: dict[Key, Origin] = {}
    for row in _rows(file):
        if theirs not in row.values:
            raise ResepError(_no_such_column(row, ours, theirs))
        value = row.values[theirs]
        if not is_key(value):
            what = f"the value of {theirs!r} is {a_json_type(value)}"
            raise ResepError(f"{row.origin}: {what}, and rows are looked up by a text or a number; delete this one")
        if value in found:
            message = f"the same value of {theirs!r} as in {places[value]}: which of the two rows is meant?"
            raise ResepError(f"{row.origin}: {message} Leave one in the table")
        found[value] = {name: each for name, each in row.values.items() if name != theirs}
        places[value] = row.origin
    return found


def _rows(file: SourceFile) -> Iterator[RawRow]:
    """The rows of the table, which all have the columns of the first."""
    first: RawRow | None = None
    for number, row in enumerate(read_file(file), 1):
        if row.problem:
            raise ResepError(f"{row.origin}: {row.problem.message}")
        first = first or row
        if differing := sorted(first.values.keys() ^ row.values.keys()):
            has, lacks = (row, first) if differing[0] in row.values else (first, row)
            message = f"{has.origin} has a column {differing[0]!r}, and {lacks.origin} has not"
            raise ResepError(f"{message}: give all rows of the table the same columns (null where one has nothing)")
        if number > MOST_ROWS:
            message = f"a table to look rows up in has at most {MOST_ROWS:,} rows"
            raise ResepError(f"{file.name}: {message}; write the columns of a larger one into the rows themselves")
        yield row


def _no_such_column(row: RawRow, ours: str, theirs: str) -> str:
    file, columns = row.origin.file, list(row.values)
    hint = did_you_mean(theirs, columns)
    return (
        f"{file}: the table has no column {theirs!r}; it has {', '.join(map(repr, columns)) or 'none'}{hint} "
        f"(write in the source: `lookup: {{by: {{{ours}: ...}}}}`)"
    )
