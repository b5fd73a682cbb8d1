"""The first rows of a source with what its table adds to them, or why that cannot be done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from resep.errors import ResepError
from resep.formats import BadRowError
from resep.formats.lookup import Lookup
from resep.sources import open_lookup

if TYPE_CHECKING:
    from resep.document.places import KeyPath
    from resep.recipe import Recipe

Rows = list[Mapping[str, Any]]


class NotJoined(ResepError):
    """Rows that their table cannot be joined to; `key`: which part of `lookup` says so."""

    def __init__(self, message: str, *key: str) -> None:
        self.key: KeyPath = key
        super().__init__(message)


def joined(recipe: Recipe, index: int, name: str, rows: Rows) -> tuple[Lookup | None, Rows]:
    """The table of a source and those of its first rows that have a counterpart there, with its columns.

    Raises NotJoined for a table that cannot be used, and where no row has one: then the mapping is wrong, not a row.
    """
    try:
        table = open_lookup(recipe, index)
    except ResepError as error:
        raise NotJoined(str(error), "path") from error
    if table is None or not rows:
        return table, rows
    try:
        found: Rows = list(table.joined_where_found(rows))
    except ResepError as error:
        raise NotJoined(f"{name}: {error}") from error
    if not found:
        raise NotJoined(_finds_nothing(table, name, rows), "by")
    return table, found


def _finds_nothing(table: Lookup, name: str, rows: Rows) -> str:
    try:
        table.joined(rows[0])
    except BadRowError as error:
        return f"none of the first {len(rows)} rows of '{name}' is found in the table: {error}"
    raise AssertionError("a row that is found")
