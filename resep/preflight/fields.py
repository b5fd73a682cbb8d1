"""Fields that the first rows of a source do not have under the names of the recipe, and what may have been meant."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from resep.errors import ResepError
from resep.expressions import understood
from resep.formats import FIRST_ROWS, FORMS, BadRowError, LeftOut, Mapped, mapping_of, to_fields
from resep.recipe.draft import Finding
from resep.suggest import did_you_mean, listed

if TYPE_CHECKING:
    from resep.document.places import KeyPath

# What columns of prompts and of responses are called elsewhere; the likeliest first.
_PROMPTS = ("question", "instruction", "query", "input", "user", "text", "prompt", "q")
_RESPONSES = ("answer", "output", "completion", "response", "steps", "assistant", "target", "chosen", "a")
_BY_NAME = {"messages": "messages", "conversations": "sharegpt"}  # columns that speak for a format even when empty


@dataclass(frozen=True)
class Source:
    """The first rows of one source, as its file has them. `at`: where the source stands in the recipe."""

    name: str
    at: KeyPath
    mapped: Mapped
    rows: Sequence[Mapping[str, Any]]

    @cached_property
    def columns(self) -> list[str]:
        return list(dict.fromkeys(column for row in self.rows for column in row))

    @cached_property
    def read(self) -> list[dict[str, Any]]:
        """The rows under our names; those that cannot be read, or are left out, are not among them."""
        return list(_read(self))

    def values(self, ours: str) -> list[Any]:
        """What stands in a field of ours, row by row; nothing for rows without it."""
        theirs = self.mapped.fields.get(ours, ours)
        return [row[theirs] for row in self.rows if theirs in row]


def _read(source: Source) -> Iterator[dict[str, Any]]:
    for row in source.rows:
        try:
            yield to_fields(row, source.mapped)
        except (BadRowError, LeftOut):  # preparation says so, row by row
            continue


def missing_fields(source: Source) -> Iterator[Finding]:
    """Mapped fields that none of the first rows has: the mapping is wrong, not a row."""
    columns, count, texts = source.columns, len(source.rows), source.mapped.form.fields
    missing = {ours: theirs for ours, theirs in source.mapped.fields.items() if theirs not in columns}
    rows = f"none of the first {count} rows of '{source.name}' has" if count > 1 else f"'{source.name}' has not"
    has = f"{'they have' if count > 1 else 'its row has'} {listed(columns).replace(' or ', ' and ')}"
    meant = _meant(source, missing) if texts.keys() & missing.keys() else ""
    if meant and missing.keys() >= texts.keys():  # one mistake, told once
        names = [f"'{missing.pop(ours)}'" for ours in texts]
        noun = "the fields" if len(names) > 1 else "a field"
        yield Finding((*source.at, "fields"), f"{rows} {noun} {listed(names)}; {has}{meant}")
    for ours, theirs in missing.items():
        hint = meant if ours in texts else ""
        hint = hint or did_you_mean(theirs, columns)
        yield Finding((*source.at, "fields", ours), f"{rows} a field '{theirs}'; {has}{hint}")


def condition_has_its_fields(source: Source) -> Iterator[Finding]:
    """Fields of `where` that none of the first rows has."""
    for name in understood(source.mapped.where).names if source.mapped.where else ():
        if name not in source.columns:
            hint = did_you_mean(name, source.columns) or f"; they have {', '.join(source.columns)}"
            message = f"none of the first rows of '{source.name}' has a field '{name}'{hint}"
            yield Finding((*source.at, "where"), message)


def _meant(source: Source, missing: Collection[str]) -> str:
    """The format, or the mapping, that the rows speak for."""
    if source.mapped.answer:
        return _by_columns(source, missing)
    try:
        found = mapping_of({"format": "auto", "path": source.name}, lambda: source.rows[:FIRST_ROWS])
    except ResepError:
        return _by_name(source) or _by_columns(source, missing)
    fields = "" if found.fields == FORMS[found.format].fields else f"fields: {_inline(found.fields)}"
    form = "" if found.format == source.mapped.format else f"format: {found.format}"
    return f"; write {', '.join(part for part in (form, fields) if part)}"


def _by_name(source: Source) -> str:
    """For conversations without a turn in the first rows."""
    columns = [column for column in _BY_NAME if column in source.columns]
    form = _BY_NAME[columns[0]] if len(columns) == 1 else source.mapped.format
    return "" if form == source.mapped.format else f"; write format: {form}"


def _by_columns(source: Source, missing: Collection[str]) -> str:
    columns = {column.lower(): column for column in source.columns}
    taken = {theirs for ours, theirs in source.mapped.fields.items() if ours not in missing}
    free = {name: column for name, column in columns.items() if column not in taken}
    is_other = source.mapped.format not in ("prompt_response", "alpaca")
    found = {
        ours: next((free[name] for name in names if name in free), None)
        for ours, names in (("prompt", _PROMPTS), ("response", _RESPONSES))
        if is_other or ours in missing
    }
    if not found or None in found.values():
        return ""
    mapping = {ours: theirs for ours, theirs in found.items() if theirs}
    return f"; write {'format: prompt_response, ' if is_other else ''}fields: {_inline(mapping)}"


def _inline(fields: Mapping[str, str]) -> str:
    return f"{{{', '.join(f'{ours}: {theirs}' for ours, theirs in fields.items())}}}"
