"""The first rows of a source with the columns that it adds to them, or why that cannot be done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from resep.errors import ResepError
from resep.formats import BadRowError
from resep.formats.lookup import Lookup, with_constants
from resep.sources import open_lookup

if TYPE_CHECKING:
    from resep.document.places import KeyPath
    from resep.recipe import Recipe

Rows = list[Mapping[str, Any]]


class NotJoined(ResepError):
    """Rows that columns cannot be added to; `key`: which part of the source says so."""

    def __init__(self, message: str, *key: str) -> None:
        self.key: KeyPath = key
        super().__init__(message)


def joined(recipe: Recipe, index: int, name: str, rows: Rows) -> tuple[Lookup | None, Rows]:
    """The table of a source, if it has one, and those of its first rows that are found there, all columns added.

    Raises NotJoined for a table that cannot be used, and where no row has one: then the mapping is wrong, not a row.
    """
    try:
        rows = [with_constants(row, recipe["data.sources"][index].get("values") or {}) for row in rows]
    except ResepError as error:
        raise NotJoined(f"{name}: {error}", "values") from error
    try:
        table = open_lookup(recipe, index)
    except ResepError as error:
        raise NotJoined(str(error), "lookup", "path") from error
    if table is None or not rows:
        return table, rows
    try:
        found: Rows = list(table.joined_where_found(rows))
    except ResepError as error:
        raise NotJoined(f"{name}: {error}", "lookup") from error
    if not found:
        raise NotJoined(_finds_nothing(table, name, rows), "lookup", "by")
    return table, found


def _finds_nothing(table: Lookup, name: str, rows: Rows) -> str:
    try:
        table.joined(rows[0])
    except BadRowError as error:
        return f"none of the first {len(rows)} rows of '{name}' is found in the table: {error}"
    raise AssertionError("a row that is found")
