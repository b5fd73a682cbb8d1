"""The texts of a row that a step may change: taken out in order, and put back in the same order.

`prompt` and `response` also speak of a conversation: what system, user and tools say is `prompt`, what the assistant
says is `response`, the texts in the arguments of its calls included. A long whole number there is a text as well, which
may be somebody's telephone; it stays a number where no step changes it. Names of functions and of arguments are none.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from resep.formats.table import Rows, as_table, column, with_column

FIELD_OF_ROLE = {"system": "prompt", "user": "prompt", "tool": "prompt", "assistant": "response"}
_LONG = 10**6  # seven digits: the shortest that any detector of numbers looks for


def texts_of(fields: Mapping[str, Any], field: str) -> list[str]:
    """The texts in a field, in order; empty ones of a conversation, and what is no text, left out."""
    value = fields.get(field)
    texts = [value] if value.__class__ is str else _within(value) if value.__class__ is list else []
    if field == "prompt" and "system" in fields:
        texts.append(fields["system"])
    if "messages" in fields and field in ("prompt", "response"):
        for message in fields["messages"]:
            if FIELD_OF_ROLE[message["role"]] == field:
                texts += _texts_of_message(message)
    return texts


def with_texts(fields: Mapping[str, Any], field: str, texts: Sequence[str]) -> dict[str, Any]:
    """The fields with the texts that `texts_of` took out replaced by these, as many and in the same order.

    A step of a list that is now empty is left out: there is nothing left to number.
    """
    value = fields.get(field)
    if "messages" not in fields and "system" not in fields:  # nearly all rows: worth a shorter way
        if value.__class__ is str:
            return {**fields, field: texts[0]}
        if value.__class__ is list and all(item.__class__ is str for item in value):
            return {**fields, field: [text for text in texts if text]}
    changed, new = dict(fields), iter(texts)
    if value.__class__ is str:
        changed[field] = next(new)
    elif value.__class__ is list:
        changed[field] = _replaced(value, new)
    if field == "prompt" and "system" in fields:
        changed["system"] = next(new)
    if "messages" in fields and field in ("prompt", "response"):
        changed["messages"] = [
            _with_texts(message, new) if FIELD_OF_ROLE[message["role"]] == field else message
            for message in fields["messages"]
        ]
    return changed


def texts_of_rows(rows: Rows, field: str) -> list[list[str]]:
    """`texts_of` each of the rows."""
    if (texts := column(rows, field, str)) is not None:
        return [[text] for text in texts]
    if (lists := column(rows, field, list[str])) is not None:
        return lists
    return [texts_of(fields, field) for fields in rows]


def rows_with_texts(rows: Rows, field: str, texts: Sequence[Sequence[str]]) -> Rows:
    """The rows with the texts that `texts_of_rows` took out of each replaced by these."""
    if column(rows, field, str) is not None:
        return with_column(rows, field, [text for (text,) in texts])
    if column(rows, field, list[str]) is not None and all(map(all, texts)):
        return with_column(rows, field, list(texts))
    return as_table(
        [with_texts(fields, field, each) if each else fields for fields, each in zip(rows, texts, strict=True)]
    )


def empty_parts(rows: Rows) -> list[str | None]:
    """`empty_part` of each of the rows."""
    asked, answers = column(rows, "prompt", str), column(rows, "response", list[str])
    if asked is not None and answers is not None and all(map(str.strip, asked)):
        return [None] * len(rows)
    return list(map(empty_part, rows))


def empty_part(fields: Mapping[str, Any]) -> str | None:
    """The first part of a row that no longer says anything, in words; None where every part still does."""
    if "messages" in fields:
        for number, message in enumerate(fields["messages"], 1):
            if message["role"] != "tool" and "tool_calls" not in message and not message["content"].strip():
                return f"message {number}"
        return None
    for field in ("prompt", "response"):
        value = fields.get(field)
        if value is not None and not (value.strip() if value.__class__ is str else value):
            return field
    return None


def said(message: Mapping[str, Any]) -> str:
    """What a message says as a text: its content, or the calls that stand in its place, as JSON without their ids."""
    if message["content"] or not message.get("tool_calls"):
        return str(message["content"])
    return json.dumps([each["function"] for each in message["tool_calls"]], ensure_ascii=False)


def _within(value: list[Any]) -> list[str]:
    """The texts of a list, lists in it included."""
    texts = [item for item in value if item.__class__ is str]
    if len(texts) == len(value):
        return texts
    nested = [_within(item) if isinstance(item, list) else [item] for item in value]
    return [text for texts in nested for text in texts if text.__class__ is str]


def _replaced(value: list[Any], new: Iterator[str]) -> list[Any]:
    replaced: list[Any] = []
    for item in value:
        if item.__class__ is str:
            if text := next(new):
                replaced.append(text)
        else:
            replaced.append(_replaced(item, new) if isinstance(item, list) else item)
    return replaced


def _texts_of_message(message: Mapping[str, Any]) -> Iterator[str]:
    if message["content"]:
        yield message["content"]
    for call in message.get("tool_calls", ()):
        yield from _in_arguments(call["function"]["arguments"])


def _in_arguments(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif _is_long_number(value):
        yield str(value)
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _in_arguments(item)


def _with_texts(message: Mapping[str, Any], new: Iterator[str]) -> dict[str, Any]:
    changed = dict(message)
    if message["content"]:
        changed["content"] = next(new)
    if "tool_calls" in message:
        changed["tool_calls"] = [_changed_call(call, new) for call in message["tool_calls"]]
    return changed


def _changed_call(call: Mapping[str, Any], new: Iterator[str]) -> dict[str, Any]:
    function = call["function"]
    return {**call, "function": {**function, "arguments": _changed_arguments(function["arguments"], new)}}


def _changed_arguments(value: Any, new: Iterator[str]) -> Any:
    if isinstance(value, str):
        return next(new)
    if _is_long_number(value):
        text = next(new)
        return value if text == str(value) else text
    if isinstance(value, dict):
        return {name: _changed_arguments(item, new) for name, item in value.items()}
    return [_changed_arguments(item, new) for item in value] if isinstance(value, list) else value


def _is_long_number(value: Any) -> bool:
    return value.__class__ is int and value >= _LONG
