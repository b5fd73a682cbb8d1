"""A raw row under the recipe's names, checked: what is wrong with it is said with its field, never guessed away."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Literal

from resep.errors import ResepError
from resep.problems import format_problem
from resep.records import Row
from resep.stages.prepare.raw import RawRow, a_json_type
from resep.suggest import did_you_mean, nearest

Format = Literal["prompt_response", "messages"]
TEXT_FIELDS: Mapping[str, tuple[str, ...]] = {"prompt_response": ("prompt", "response"), "messages": ("messages",)}

BAD_ROW = "bad row: "  # how the reason of a row begins that could not be read

_CANONICAL = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)


class BadRowError(ResepError):
    """A row that cannot be used. The message is short, without the row's own text; `advice` may name its fields."""

    def __init__(self, message: str, advice: str = "") -> None:
        self.message, self.advice = message, advice
        super().__init__(message + advice)


@dataclass(frozen=True)
class Mapped:
    """How a source's rows become ours: its format, and `fields` (ours: theirs) with the names that go by default."""

    format: str
    fields: Mapping[str, str]

    @classmethod
    def from_source(cls, source: Mapping[str, Any]) -> Mapped:
        """The mapping of one entry of `data.sources`."""
        form = source.get("format") or "prompt_response"
        return cls(form, {name: name for name in TEXT_FIELDS[form]} | dict(source.get("fields") or {}))


@dataclass
class Names:
    """Ids given out so far: a mapped id may stand only once, a digest gets `#2` where the same content comes again."""

    _given: Counter[str] = field(default_factory=Counter)

    def of(self, raw: RawRow, id_field: str | None) -> str:
        """The id of a row: its own, else the digest of its raw content. Raises BadRowError."""
        if id_field is None or raw.problem:
            return self._numbered(_digest(raw))
        value = _field(raw.values, "id", id_field)
        if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
            raise BadRowError(f"field {id_field!r} is {a_json_type(value)}: an id is a text or a whole number")
        if (name := str(value)) in self._given:
            raise BadRowError(
                "another row has the same id", "; leave `id` out of `fields` to name rows by their content"
            )
        return self._numbered(name)

    def unnamed(self, raw: RawRow) -> str:
        """An id for a row whose own cannot be used."""
        return self._numbered(_digest(raw))

    def _numbered(self, name: str) -> str:
        self._given[name] += 1
        return name if self._given[name] == 1 else self._numbered(f"{name}#{self._given[name]}")


def to_row(raw: RawRow, mapped: Mapped, names: Names, on_bad_row: str) -> Row:
    """The row under our names. A bad one is a ResepError with its place or, `on_bad_row: drop`, a dropped row."""
    try:
        if raw.problem:
            raise BadRowError(raw.problem.message)
        fields = _mapped_fields(raw.values, mapped)
        return Row(names.of(raw, mapped.fields.get("id")), fields, raw.origin)
    except BadRowError as error:
        if on_bad_row != "fail":
            return Row(names.unnamed(raw), {}, raw.origin, f"{BAD_ROW}{error.message}")
        place = format_problem(raw.problem) if raw.problem else f"{raw.origin}: {error}"
        raise ResepError(
            f"{place}\n`data.on_bad_row: drop` leaves such rows out and lists them in the ledger"
        ) from error


def _digest(raw: RawRow) -> str:
    content = raw.text if raw.problem else _CANONICAL.encode(raw.values)
    return blake2b(content.encode(errors="surrogatepass"), digest_size=8).hexdigest()


def _mapped_fields(values: Mapping[str, Any], mapped: Mapped) -> dict[str, Any]:
    fields = {ours: _field(values, ours, theirs) for ours, theirs in mapped.fields.items() if ours != "id"}
    if mapped.format == "messages":
        fields["messages"] = _checked_messages(fields["messages"], mapped.fields["messages"])
    else:
        _check_text(fields["prompt"], f"field {mapped.fields['prompt']!r}")
        _check_response(fields["response"], f"field {mapped.fields['response']!r}")
    for ours in fields.keys() - TEXT_FIELDS[mapped.format]:
        _check_metadata(fields[ours], mapped.fields[ours])
    return fields


def _field(values: Mapping[str, Any], ours: str, theirs: str) -> Any:
    try:
        return values[theirs]
    except KeyError:
        raise BadRowError(f"field {theirs!r} is missing", _about_fields(values, ours, theirs)) from None


def _about_fields(values: Mapping[str, Any], ours: str, theirs: str) -> str:
    """The fields that the row has, the nearest of them, and where to name it."""
    has = ", ".join(map(repr, values)) or "none"
    columns = next(iter(values), "") if len(values) == 1 else ""
    if separator := next((mark for mark in ";\t" if mark in columns), None):
        return f"; its only column is {columns!r}: the file is separated by {separator!r}, not by commas"
    wanted = nearest(theirs, values) or "..."
    return f"; the row has {has}{did_you_mean(theirs, values)} (write in its source: `fields: {{{ours}: {wanted}}}`)"


def _check_text(value: Any, where: str) -> None:
    if not isinstance(value, str):
        raise BadRowError(f"{where} is {a_json_type(value)}: a text was expected")
    if not value or value.isspace():
        raise BadRowError(f"{where} is empty")


def _check_response(value: Any, where: str) -> None:
    if not isinstance(value, list):
        if not isinstance(value, str):
            raise BadRowError(f"{where} is {a_json_type(value)}: a text or a list of steps was expected")
        return _check_text(value, where)
    if not value:
        raise BadRowError(f"{where} is an empty list of steps")
    for number, step in enumerate(value, 1):
        _check_text(step, f"{where}, step {number},")
    return None


def _check_metadata(value: Any, theirs: str) -> None:
    if value is None or isinstance(value, str | int):
        return
    try:
        _STRICT.encode(value)
    except (TypeError, ValueError) as error:
        message = f"field {theirs!r} is {a_json_type(value)}: write it as a text or a number"
        raise BadRowError(message) from error


_STRICT = json.JSONEncoder(allow_nan=False)


def _checked_messages(value: Any, theirs: str) -> list[dict[str, str]]:
    """The messages as {role, content}: perhaps a system message, then user and assistant in turn, assistant last."""
    if not isinstance(value, list) or not value:
        what = "an empty list" if value == [] else a_json_type(value)
        raise BadRowError(f"field {theirs!r} is {what}: a list of messages {{role, content}} was expected")
    messages = [_checked_message(message, number) for number, message in enumerate(value, 1)]
    roles = [message["role"] for message in messages]
    for number, (role, expected) in enumerate(zip(roles, _expected_roles(roles), strict=True), 1):
        if role != expected:
            raise BadRowError(f"message {number} is from {role!r}, where {expected!r} was expected")
    if roles[-1] != "assistant":
        raise BadRowError(
            f"the last message ({len(roles)}) is from {roles[-1]!r}: the answer of 'assistant' is missing"
        )
    return messages


def _expected_roles(roles: Sequence[str]) -> Iterator[str]:
    has_system = roles[0] == "system"
    if has_system:
        yield "system"
    for turn in range(len(roles) - has_system):
        yield ("user", "assistant")[turn % 2]


def _checked_message(message: Any, number: int) -> dict[str, str]:
    if not isinstance(message, dict):
        raise BadRowError(f"message {number} is {a_json_type(message)}: an object {{role, content}} was expected")
    for key in ("role", "content"):
        if key not in message:
            raise BadRowError(
                f"message {number} has no {key!r}", f"; it has {', '.join(map(repr, message)) or 'nothing'}"
            )
    role = message["role"]
    if role not in ("system", "user", "assistant"):
        raise BadRowError(f"message {number} has a role that is not system, user or assistant", f": {role!r}")
    _check_text(message["content"], f"the content of message {number} ({role})")
    return {"role": role, "content": message["content"]}
