"""What stands in a field of a raw row: checked, never guessed. What is wrong is said without the row's own text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from resep.errors import ResepError
from resep.suggest import a_json_type, did_you_mean, nearest

PLAIN = frozenset({str, int, bool, type(None)})
_DEEPEST = 50
_STRICT = json.JSONEncoder(allow_nan=False)


class BadRowError(ResepError):
    """A row that cannot be used. The message is short, without the row's own text; `advice` may name its fields."""

    def __init__(self, message: str, advice: str = "") -> None:
        self.message, self.advice = message, advice
        super().__init__(message + advice)


def missing(values: Mapping[str, Any], ours: str, theirs: str) -> BadRowError:
    """A field that is not there, the fields that are, the nearest of them, and where to name it."""
    return BadRowError(f"field {theirs!r} is missing", _about_fields(values, ours, theirs))


def field(values: Mapping[str, Any], ours: str, theirs: str) -> Any:
    """The value of a field. Raises BadRowError where the row has none."""
    try:
        return values[theirs]
    except KeyError:
        raise missing(values, ours, theirs) from None


def check_text(value: Any, where: str) -> None:
    """Raises BadRowError unless the value is a text that says something."""
    if not isinstance(value, str):
        raise BadRowError(f"{where} is {a_json_type(value)}: a text was expected")
    if not value or value.isspace():
        raise BadRowError(f"{where} is empty")


def check_answer(value: Any, where: str) -> None:
    """Raises BadRowError unless the value is a text, or a list of texts, that says something."""
    if value.__class__ is not list:
        if not isinstance(value, str):
            raise BadRowError(f"{where} is {a_json_type(value)}: a text or a list of steps was expected")
        check_text(value, where)
        return
    if not value:
        raise BadRowError(f"{where} is an empty list of steps")
    for number, step in enumerate(value, 1):
        if step.__class__ is not str or not step or step.isspace():
            check_text(step, f"{where}, step {number},")


def optional_text(values: Mapping[str, Any], name: str) -> str:
    """The text of a field that may be absent, null or empty: then an empty text."""
    value = values.get(name)
    if value is None or (isinstance(value, str) and (not value or value.isspace())):
        return ""
    check_text(value, f"field {name!r}")
    return str(value)


def check_metadata(value: Any, theirs: str) -> None:
    """Raises BadRowError for what JSON cannot hold: a date, bytes, NaN."""
    if value.__class__ in PLAIN:
        return
    try:
        _STRICT.encode(value)
    except (TypeError, ValueError) as error:
        message = f"field {theirs!r} is {a_json_type(value)}: write it as a text or a number"
        raise BadRowError(message) from error


def check_depth(value: Any, where: str, left: int = _DEEPEST) -> None:
    """Raises BadRowError for lists and objects that stand in one another deeper than anybody reads."""
    if not isinstance(value, dict | list):
        return
    if not left:
        raise BadRowError(f"{where}: more than {_DEEPEST} lists and objects stand within one another")
    for item in value.values() if isinstance(value, dict) else value:
        check_depth(item, where, left - 1)


def from_json(text: str, where: str) -> Any:
    """What a text in JSON says. Raises BadRowError where it is none, or holds NaN or an infinity."""
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise BadRowError(f"{where} is a text that is not JSON") from error


def a_list(value: Any, where: str, of: str) -> list[Any]:
    """The value as a list; a text is read as JSON, as a CSV file has it. `of` says in BadRowError what was expected."""
    if isinstance(value, str) and value.lstrip()[:1] == "[":
        value = from_json(value, where)
    if not isinstance(value, list) or not value:
        what = "an empty list" if value == [] else a_json_type(value)
        raise BadRowError(f"{where} is {what}: a list of {of} was expected")
    return value


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _about_fields(values: Mapping[str, Any], ours: str, theirs: str) -> str:
    has = ", ".join(map(repr, values)) or "none"
    columns = next(iter(values), "") if len(values) == 1 else ""
    if separator := next((mark for mark in ";\t" if mark in columns), None):
        return f"; its only column is {columns!r}: the file is separated by {separator!r}, not by commas"
    wanted = nearest(theirs, values) or "..."
    return f"; the row has {has}{did_you_mean(theirs, values)} (write in its source: `fields: {{{ours}: {wanted}}}`)"
