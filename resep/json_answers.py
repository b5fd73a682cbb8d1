"""JSON that a model wrote: read strictly or leniently, taken apart into fields, compared.

Strictly, the whole text is one JSON value (RFC 8259), white space around it aside. Leniently, the longest object or
list that stands in the text is read: out of a code fence, from between words, with a comma before a closing bracket
forgiven. Lenient reading finds, it does not repair: single quotes, comments, `None`, missing quotes or brackets stay
faults, and a part of a value that breaks off is never taken for the value.

What the standard leaves open: of a repeated key the last value counts, as in most readers; NaN and Infinity are no
JSON; a value nested deeper than 100 levels is not read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Path = tuple[str, ...]  # of a field: the keys that lead to it
MAX_DEPTH = 100
_MOST_DIGITS = 4000  # Python itself refuses to read a whole number of more than 4,300
_STRING = r'"[^"\\]*(?:\\.[^"\\]*)*"?'  # one that is never closed reaches to the end: each character is read once
_TOKEN = re.compile(rf"{_STRING}|[\[{{]|[\]}}]", re.DOTALL)
_LAST_COMMA = re.compile(rf"({_STRING})|,(?=[ \t\r\n]*[\]}}])", re.DOTALL)
# `{` and `[` also stand in prose; before a value come a key, a closing bracket or a value's first character.
_BEGINNING = re.compile(r'\{(?=\s*["}])|\[(?=\s*[\[{"\]0-9tfn-])')


@dataclass(frozen=True)
class Json:
    """A JSON value. A class of its own, because a JSON null is a value and None says that there is none."""

    value: Any


def read_strict(text: str) -> Json | None:
    """The value that the whole text is, or None."""
    stripped = text.strip(" \t\r\n")
    if not stripped or _depth(stripped) > MAX_DEPTH:
        return None
    try:
        return Json(json.loads(stripped, parse_constant=_refuse, parse_int=_whole_number))
    except (ValueError, RecursionError):
        return None


def read_lenient(text: str) -> Json | None:
    """The value that the text is, else the longest object or list in it, or None."""
    text = text.removeprefix("\ufeff")
    if found := read_strict(text):
        return found
    for span in sorted(_spans(text), key=len, reverse=True):
        if found := read_strict(span) or read_strict(_LAST_COMMA.sub(lambda match: match[1] or "", span)):
            return found
    return None


def fields(value: Any) -> dict[Path, Any]:
    """The fields of a value, nested objects taken apart: `{"a": {"b": 1}}` has the one field `("a", "b")`.

    A list is one field, and so is an object without keys. A value that is no object is the one field `()`.
    """
    return dict(_fields(value, ()))


def same(one: Any, other: Any, ignore_case: bool = False) -> bool:
    """Whether two JSON values are equal: 1 is 1.0, but neither true nor "1"; keys in any order, lists in theirs."""
    return frozen(one, ignore_case) == frozen(other, ignore_case)


def frozen(value: Any, ignore_case: bool = False) -> Hashable:
    """The value as one that a set can hold, equal for equal values only (to Python, true is 1)."""
    if isinstance(value, bool):
        return ("bool", value)
    if isinstance(value, str):
        return " ".join(value.casefold().split()) if ignore_case else value
    if isinstance(value, Mapping):
        return frozenset((key, frozen(inner, ignore_case)) for key, inner in value.items())
    if isinstance(value, list):
        return ("list", *(frozen(inner, ignore_case) for inner in value))
    number: Hashable = value  # or None; a number's hash is the same as 1 and as 1.0
    return number


def spelt(path: Path) -> str:
    """A field for people: `slots.city`; the whole value is `(all)`."""
    return ".".join(path).encode("utf-8", "replace").decode() if path else "(all)"


def _fields(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _fields(inner, (*path, key))
    else:
        yield path, value


def _spans(text: str) -> Iterator[str]:
    """Stretches of the text that may be an object or a list: from its first bracket to the one that closes it.

    One that is never closed ends the search: what stands in it is a part of something, not the answer.
    """
    at = 0
    while begin := _BEGINNING.search(text, at):
        end = _closing(text, begin.start())
        if end is None:
            return
        yield text[begin.start() : end]
        at = end


def _closing(text: str, start: int) -> int | None:
    depth = 0
    for token in _TOKEN.finditer(text, start):
        depth += (token[0] in "[{") - (token[0] in "]}")
        if not depth:
            return token.end()
    return None


def _depth(text: str) -> int:
    deepest = depth = 0
    for token in _TOKEN.finditer(text):
        depth += (token[0] in "[{") - (token[0] in "]}")
        deepest = max(deepest, depth)
    return deepest


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _whole_number(digits: str) -> int | float:
    return int(digits) if len(digits) <= _MOST_DIGITS else float(digits)
