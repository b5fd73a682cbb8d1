"""What is wrong with broken JSON, in plain words and at its place."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from resep.errors import Problem

_CONSTANT = re.compile(r"[:,\[]\s*(-?Infinity|NaN)\b")
_VALUE_START = re.compile(r"[\"{\[0-9tfn-]")
_LONGEST_TOKEN = 20  # characters: of -Infinity, of \\ud83d\\ude00; a number ends with what follows it
_HALF_CHARACTER = re.compile(r"\\u[dD][89a-fA-F]")


class JsonFault(Exception):
    """Broken JSON. `position` is an offset into the text that was read.

    `may_be_a_cut`: where the text is only the beginning of a longer one, what follows might mend it.
    """

    def __init__(self, position: int, message: str, *, may_be_a_cut: bool = False) -> None:
        self.position, self.may_be_a_cut = position, may_be_a_cut
        super().__init__(message)

    def problem(self, text: str, file: str, first_line: int = 1) -> Problem:
        """The fault with its place, where `text` begins on `first_line` of the file."""
        start = text.rfind("\n", 0, self.position) + 1
        end = text.find("\n", start)
        source = (text[start:] if end < 0 else text[start:end]).rstrip("\r")
        line = first_line + text.count("\n", 0, start)
        return Problem(file, line, self.position - start + 1, "", str(self), source=source)


def read_value(text: str, start: int = 0) -> tuple[Any, int]:
    """The JSON value that begins at `start`, and where it ends. Stricter than `json`: no NaN, no key twice.

    Raises JsonFault.
    """
    try:
        value, end = _DECODER.raw_decode(text, start)
    except json.JSONDecodeError as error:
        is_near_end = error.pos + _LONGEST_TOKEN > len(text) or error.msg.startswith("Unterminated string")
        raise JsonFault(error.pos, _explain(error.msg, text, error.pos), may_be_a_cut=is_near_end) from error
    except _RepeatedKeyError as error:
        raise JsonFault(max(start, text.find(json.dumps(error.args[0])[:-1], start)), str(error)) from error
    except _NotANumberError as error:
        found = _CONSTANT.search(text, start)
        raise JsonFault(found.start(1) if found else start, str(error)) from error
    except _TooLargeError as error:
        raise JsonFault(max(start, text.find(error.args[0], start)), str(error)) from error
    except RecursionError as error:
        raise JsonFault(start, "lists or objects are nested too deeply") from error
    except ValueError as error:  # a number of thousands of digits
        raise JsonFault(start, str(error)) from error
    if found := _HALF_CHARACTER.search(text, start, end):
        _refuse_half_characters(value, found.start())
    return value, end


class _RepeatedKeyError(ValueError):
    def __str__(self) -> str:
        return f"the key {self.args[0]!r} stands twice in one object"


class _NotANumberError(ValueError):
    def __str__(self) -> str:
        return f"{self.args[0]} is no JSON: write null, or a number"


class _TooLargeError(ValueError):
    def __str__(self) -> str:
        return f"{self.args[0][:40]} is too large a number"


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        keys = [key for key, _ in pairs]
        raise _RepeatedKeyError(next(key for key in keys if keys.count(key) > 1))
    return made


def _constant(name: str) -> Any:
    raise _NotANumberError(name)


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise _TooLargeError(digits)
    return number


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant, parse_float=_finite)


def _refuse_half_characters(value: Any, position: int) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        half = f"\\u{ord(error.object[error.start]):04x}"
        message = f"{half} is half of a character: an emoji was cut in two when this text was shortened"
        raise JsonFault(position, message) from error


def _explain(message: str, text: str, position: int) -> str:
    """The parser's message in plain words, by what stands at the place and before it."""
    rest, before = text[position:].lstrip(), text[:position].rstrip()
    here, last = rest[:1], before[-1:]
    if message.startswith("Unterminated string"):
        return "this text is never closed: its second quotation mark is missing"
    if message.startswith("Invalid control character"):
        return "a line break or tab inside a text: write it as \\n or \\t"
    if message.startswith("Invalid \\"):
        return "a backslash that means nothing: write it twice (\\\\)"
    if message.startswith("Extra data"):
        return f"the value ends before this, but more follows: {here!r}"
    if not here:
        return "the data ends too early: a closing bracket, brace or value is missing"
    if here == "'":
        return "a text in single quotes: JSON wants double quotes"
    if last == "," and here in "]}":
        return f"a comma too many before {here!r}"
    if message.startswith("Expecting ',' delimiter"):
        return _missing_comma(here, last)
    if message.startswith("Expecting ':' delimiter"):
        return "a colon is missing between the key and its value"
    if message.startswith("Expecting property name"):
        return f"a key in double quotes was expected, not {here!r}"
    word = re.match(r"\w+", rest)
    return f"a value was expected, not {(word.group() if word else here)!r}"


def _missing_comma(here: str, last: str) -> str:
    if here == '"' and last == '"':
        return "a comma is missing between two texts"
    if _VALUE_START.match(here) and last != '"':
        return "a comma is missing before this"
    if here in "]}:":
        return f"{here!r} does not fit here: a comma, or the closing bracket of what is open, was expected"
    return 'a comma is missing before this, or a quotation mark inside the text lacks its backslash (\\")'
