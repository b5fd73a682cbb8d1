"""Columns that a source adds to its rows: the same for all of them, or from a table, whose row says the same in one
column."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from resep.errors import ResepError
from resep.formats.values import BadRowError
from resep.suggest import a_json_type, did_you_mean

Key = str | int | float


@dataclass(frozen=True)
class Lookup:
    """`rows`: what the table called `name` adds, by the value of its column `theirs` and of a row's column `ours`.

    A text is found by the same text, a number by the same number; "7" is not 7.
    """

    name: str
    ours: str
    theirs: str
    rows: Mapping[Key, Mapping[str, Any]]

    def joined(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The row with the columns of the table behind its own.

        Raises BadRowError for a row that has no counterpart in the table, ResepError for a column that both have.
        """
        added = self._found(values)
        whole = {**values, **added}
        if len(whole) < len(values) + len(added):
            both = next(name for name in added if name in values)
            raise ResepError(
                f"the row has a field {both!r}, and so has the table {self.name}; rename or delete that column of the "
                "table"
            )
        return whole

    def joined_where_found(self, rows: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
        """Those of the rows that have a counterpart, joined: for who looks at the first rows. Raises ResepError."""
        for values in rows:
            try:
                yield self.joined(values)
            except BadRowError:  # preparation says so, row by row
                continue

    def _found(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        if self.ours not in values:
            has = f"the row has {', '.join(map(repr, values)) or 'none'}{did_you_mean(self.ours, values)}"
            advice = f"; {has} (write in its source: `lookup: {{by: {{...: {self.theirs}}}}}`)"
            raise BadRowError(f"field {self.ours!r} is missing, which is looked up in {self.name}", advice)
        value = values[self.ours]
        if not is_key(value):
            what = f"field {self.ours!r} is {a_json_type(value)}"
            raise BadRowError(f"{what}: only a text or a number can be looked up in {self.name}")
        if (found := self.rows.get(value)) is None:
            reason = f"the value of field {self.ours!r} is not among those of {self.theirs!r} in {self.name}"
            raise BadRowError(reason, self._other_type(value) or "; add a row for it to the table")
        return found

    def _other_type(self, value: Key) -> str:
        """Why no value of this type can be found, where that is so."""
        if (is_text := isinstance(value, str)) in self._has_texts:
            return ""
        has, here = ("numbers", "a text") if is_text else ("texts", "a number")
        return f", which are {has}, and it is {here}: write both alike"

    @cached_property
    def _has_texts(self) -> set[bool]:
        return {isinstance(key, str) for key in self.rows}


def with_constants(values: Mapping[str, Any], constants: Mapping[str, Any]) -> Mapping[str, Any]:
    """The row with what a source says of all its rows (`values`). Raises ResepError for a column that it has itself."""
    if both := sorted(constants.keys() & values.keys()):
        raise ResepError(f"the rows have a column {both[0]!r} of their own: map it in `fields`, or take another name")
    return {**values, **constants} if constants else values


def is_key(value: Any) -> bool:
    """Whether a value can be looked up: a text, or a number that equals itself (NaN does not)."""
    return isinstance(value, str | int | float) and not isinstance(value, bool) and value == value
