"""A source's mapping: which format its rows have, which of their fields are ours, and which rows it leaves out."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import Any

from resep.errors import ResepError
from resep.expressions import WORDS, understood
from resep.formats import alpaca, completion, messages, prompt_response, sharegpt
from resep.formats.form import Form
from resep.formats.lookup import Lookup, with_constants
from resep.formats.table import Table
from resep.formats.values import PLAIN, BadRowError, check_metadata, missing
from resep.suggest import did_you_mean

Rows = Sequence[Mapping[str, Any]]

LEFT_OUT = "not where: "  # how the reason of such a row begins
AUTO, DEFAULT = "auto", "prompt_response"
FORMS: Mapping[str, Form] = {
    "prompt_response": prompt_response.FORM,
    "messages": messages.FORM,
    "sharegpt": sharegpt.FORM,
    "alpaca": alpaca.FORM,
    "completion": completion.FORM,
}


_ANSWER = json.JSONEncoder(ensure_ascii=False)  # the spelling of json.dumps(..., ensure_ascii=False)

# What a format does not read itself may not be mapped under one of these names: elsewhere they have a meaning.
_TEXTS = ("prompt", "response", "messages", "tools", "system")


class LeftOut(Exception):
    """A row that the source's `where` leaves out; its text is the reason."""


@dataclass(frozen=True)
class Mapped:
    """How a source's rows become ours: their format, `fields` (ours: theirs), and the condition that they meet.

    `answer`: the fields that the response is made of, as a JSON object; none where the row has a response of its own.
    `values` and `lookup` add columns to a row, before anything else looks at it: what is the same in all rows of the
    source, and what a table says. `found` says in words what
    `format: auto` recognised; empty where the recipe names the format.
    """

    format: str
    fields: Mapping[str, str]
    where: str | None = None
    found: str = field(default="", compare=False)
    answer: tuple[str, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)
    lookup: Lookup | None = None

    @property
    def form(self) -> Form:
        """The format as it is read here: without a response, where that is made of other fields."""
        return prompt_response.QUESTION if self.answer else FORMS[self.format]

    @cached_property
    def names(self) -> Mapping[str, str]:
        """ours: theirs, of all fields that the format reads and the recipe maps."""
        return {**self.form.optional, **self.fields}

    @property
    def is_plain(self) -> bool:
        """Whether every row that can be used is a question and its answer and nothing besides, named by its content."""
        return self.format == DEFAULT and not self.where and not {"system", "id"} & self.fields.keys()

    @cached_property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """(ours, theirs) of the fields that the format itself does not read."""
        own = self.form.own
        return tuple((ours, theirs) for ours, theirs in self.fields.items() if ours not in own)

    @property
    def adds_columns(self) -> bool:
        return bool(self.values) or self.lookup is not None

    def joined(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """The raw row with all columns, as `to_fields` and `to_table` want it. Raises as Lookup.joined."""
        whole = with_constants(values, self.values)
        return self.lookup.joined(whole) if self.lookup else whole


def mapping_of(
    source: Mapping[str, Any], first_rows: Callable[[], Rows] = tuple, lookup: Lookup | None = None
) -> Mapped:
    """The mapping of one entry of `data.sources`, with the table that it names. `format: auto` looks at the first rows,
    which it reads by first_rows.

    Raises ResepError where they fit no format, or more than one.
    """
    values = dict(source.get("values") or {})
    form, said = source.get("format") or DEFAULT, {name: name for name in values} | dict(source.get("fields") or {})
    if form == AUTO:
        from resep.formats.recognise import recognised

        name = str(source.get("path") or source.get("hub"))
        rows: Rows = [with_constants(row, values) for row in first_rows()]
        rows = list(lookup.joined_where_found(rows)) if lookup else rows
        form, fields, found = recognised(rows, said, name)
        if foreign := foreign_fields(FORMS[form], said):
            raise ResepError(f"{name}: these rows look like {form}, which does not read '{foreign[0]}'")
        return Mapped(form, fields, source.get("where"), found, values=values, lookup=lookup)
    answer = tuple(source.get("answer") or ())
    own = prompt_response.QUESTION if answer else FORMS[form]
    return Mapped(form, {**own.fields, **said}, source.get("where"), answer=answer, values=values, lookup=lookup)


def foreign_fields(form: Form, fields: Mapping[str, str]) -> list[str]:
    """The names among `fields` (ours: theirs) that other formats read, and this one does not."""
    return [name for name in fields if name in _TEXTS and name not in form.own]


def announcement(mapped: Mapped, name: str) -> str | None:
    """What `format: auto` found in the source called `name`, for the terminal and the report; else None."""
    return f"{name}: format {mapped.format} ({mapped.found})" if mapped.found else None


def to_fields(values: Mapping[str, Any], mapped: Mapped) -> dict[str, Any]:
    """The fields of a row under our names, its id aside. Raises BadRowError, or LeftOut where `where` is false."""
    if mapped.where:
        _require(values, mapped.where)
    fields = mapped.form.read(values, mapped.names)
    for ours, theirs in mapped.metadata:
        try:
            value = values[theirs]
        except KeyError:
            raise missing(values, ours, theirs) from None
        if value.__class__ is not str:
            check_metadata(value, theirs)
        fields[ours] = value
    if mapped.answer:
        fields["response"] = _ANSWER.encode({name: fields[name] for name in mapped.answer})
    return fields


def to_table(rows: Sequence[Mapping[str, Any]], mapped: Mapped) -> Table | None:
    """`to_fields` of each of the rows as columns, where the mapping `is_plain` and nothing is wrong with any of them: a
    third of the time. None: they have to be read one by one.
    """
    if not rows:
        return None
    names = {**{ours: mapped.fields[ours] for ours in mapped.form.fields}, **dict(mapped.metadata)}
    try:
        columns = {ours: [values[theirs] for values in rows] for ours, theirs in names.items()}
    except KeyError:
        return None
    if not all({*map(type, columns[ours])} <= PLAIN for ours, _ in mapped.metadata):
        return None
    if mapped.answer:
        columns["response"] = _answers([columns[name] for name in mapped.answer], mapped.answer)
    prompts, responses = columns["prompt"], columns["response"]
    if {*map(type, responses)} == {list}:
        responses = [*chain.from_iterable(responses)] if all(responses) else []
    says_something = all({*map(type, texts)} == {str} and all(map(str.strip, texts)) for texts in (prompts, responses))
    return Table(columns) if says_something else None


def _answers(columns: Sequence[Sequence[Any]], names: Sequence[str]) -> list[str]:
    return [_ANSWER.encode(dict(zip(names, values, strict=True))) for values in zip(*columns, strict=True)]


def _require(values: Mapping[str, Any], where: str) -> None:
    try:
        expression = understood(where)
    except ValueError as error:
        raise ResepError(f"data.sources[].where: {error}") from error
    try:
        is_wanted = expression.meaning({**values, **WORDS})
    except KeyError as error:
        name = str(error.args[0])
        hint = f"; the row has {', '.join(map(repr, values)) or 'none'}{did_you_mean(name, values)}"
        raise BadRowError(f"field {name!r} of `where` is missing", hint) from None
    except TypeError as error:  # names types, never what the row says
        raise BadRowError(f"`where`: {error}") from error
    if not is_wanted:
        raise LeftOut(f"{LEFT_OUT}{where}")
