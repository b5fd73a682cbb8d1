"""A regular expression, read by Python's parser, written anew so that Python's engine and RE2 take it for the same.

What they would read differently is spelt out: classes such as \\w and \\s are those of ASCII, capitals are listed
where case is ignored, `$` is the very end of the text, groups capture nothing unless that is asked for (RE2 is slower
with them).
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from typing import Any

parser: Any = importlib.import_module("re._parser")  # the standard library's own parser; it has no public name
REPEATS = frozenset(getattr(parser, name) for name in ("MAX_REPEAT", "MIN_REPEAT"))

_LAST = 0x10FFFF
_DIGITS = ((48, 57),)
_WORDS = ((48, 57), (65, 90), (95, 95), (97, 122))
_SPACES = ((9, 13), (32, 32))
_CLASSES = {"DIGIT": _DIGITS, "WORD": _WORDS, "SPACE": _SPACES}
_END = {"re": r"\Z", "re2": r"\z"}

Ranges = tuple[tuple[int, int], ...]


def write(tree: Any, engine: str, groups: bool = False) -> str:
    """The pattern for an engine, `re` (with the flag ASCII) or `re2`. ValueError for what has no spelling in both.

    groups: what is in brackets is captured, under the numbers that Python gives it
    """
    return _sequence(tree, tree.state.flags, engine, groups)


def needed_text(tree: Any) -> str:
    """The longest text that every match holds, or "": looked for first, it spares most texts the engine."""
    longest = run = ""
    for operation, argument in () if tree.state.flags & re.IGNORECASE else tree:
        run = run + chr(argument) if operation is parser.LITERAL else ""
        longest = max(longest, run, key=len)
    return longest


def children(argument: Any) -> Iterator[Any]:
    """The trees within the argument of a node."""
    if isinstance(argument, parser.SubPattern):
        yield argument
    elif isinstance(argument, (tuple, list)):
        for part in argument:
            yield from children(part)


def _sequence(tree: Any, flags: int, engine: str, groups: bool) -> str:
    return "".join(_node(operation, argument, flags, engine, groups) for operation, argument in tree)


def _node(operation: Any, argument: Any, flags: int, engine: str, groups: bool) -> str:
    match str(operation):
        case "LITERAL":
            return _set(((argument, argument),), flags)
        case "NOT_LITERAL":
            return _set(((argument, argument),), flags, negated=True)
        case "ANY":
            return "(?s:.)" if flags & re.DOTALL else r"[^\n]"
        case "IN":
            negated = str(argument[0][0]) == "NEGATE"
            return _set(tuple(_ranges(argument[negated:])), flags, negated=negated)
        case "BRANCH":
            return "(?:" + "|".join(_sequence(way, flags, engine, groups) for way in argument[1]) + ")"
        case "SUBPATTERN":
            number, added, removed, body = argument
            opening = "(" if groups and number is not None else "(?:"
            return f"{opening}{_sequence(body, (flags | added) & ~removed, engine, groups)})"
        case "MAX_REPEAT" | "MIN_REPEAT":
            lowest, highest, body = argument
            most = "" if highest == parser.MAXREPEAT else highest
            lazy = "?" if str(operation) == "MIN_REPEAT" else ""
            return f"(?:{_sequence(body, flags, engine, groups)}){{{lowest},{most}}}{lazy}"
        case "AT":
            return _position(str(argument), flags, engine)
    raise ValueError(f"the pattern has a part that not every engine knows ({str(operation).lower()})")


def _position(at: str, flags: int, engine: str) -> str:
    lines = bool(flags & re.MULTILINE)
    match at:
        case "AT_BEGINNING" | "AT_BEGINNING_STRING":
            return "(?m:^)" if lines and at == "AT_BEGINNING" else r"\A"
        case "AT_END" | "AT_END_STRING":
            return "(?m:$)" if lines and at == "AT_END" else _END[engine]
        case "AT_BOUNDARY":
            return r"\b"
        case "AT_NON_BOUNDARY":
            return r"\B"
    raise ValueError(f"the pattern has a part that not every engine knows ({at.lower()})")


def _ranges(items: Any) -> Iterator[tuple[int, int]]:
    for kind, value in items:
        match str(kind):
            case "LITERAL":
                yield value, value
            case "RANGE":
                yield value
            case "CATEGORY":
                name = str(value).removeprefix("CATEGORY_")
                ranges = _CLASSES[name.removeprefix("NOT_")]
                yield from _outside(ranges) if name.startswith("NOT_") else ranges


def _outside(ranges: Ranges) -> Iterator[tuple[int, int]]:
    begin = 0
    for low, high in ranges:
        yield begin, low - 1
        begin = high + 1
    yield begin, _LAST


def _set(ranges: Ranges, flags: int, *, negated: bool = False) -> str:
    if flags & re.IGNORECASE:
        ranges = (*ranges, *(moved for each in ranges for moved in _other_case(*each)))
    if len(ranges) == 1 and ranges[0][0] == ranges[0][1] and not negated:
        return _character(ranges[0][0])
    inside = "".join(
        _character(low) if low == high else f"{_character(low)}-{_character(high)}" for low, high in ranges
    )
    return f"[{'^' * negated}{inside}]"


def _other_case(low: int, high: int) -> Iterator[tuple[int, int]]:
    """The ASCII letters of a range in their other case."""
    for first, last, by in ((65, 90, 32), (97, 122, -32)):
        begin, end = max(low, first), min(high, last)
        if begin <= end:
            yield begin + by, end + by


def _character(code: int) -> str:
    character = chr(code)
    if code >= 128 or (character.isalnum() and character.isascii()):
        return character
    return f"\\x{code:02x}"
