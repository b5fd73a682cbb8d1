"""Words for messages: the nearest name where one is not known, lists of names, and what a value is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate most like `name`, capitals and dashes aside, or None where none is like it."""
    import difflib

    known = {_plain(candidate): candidate for candidate in candidates}
    found = difflib.get_close_matches(_plain(name), known, n=1, cutoff=0.6)
    return known[found[0]] if found else None


def did_you_mean(name: str, candidates: Iterable[str]) -> str:
    """`; did you mean 'x'?`, to stand at the end of a message, or an empty text."""
    found = nearest(name, candidates)
    return f"; did you mean '{found}'?" if found else ""


def listed(names: Iterable[str]) -> str:
    """The names as a message lists them: `a, b or c`."""
    *first, last = list(names) or ["nothing"]
    return f"{', '.join(first)} or {last}" if first else last


def a_json_type(value: Any) -> str:
    """A value's type as a reader of JSON would call it: `a text`, `a list` ..."""
    names = {
        str: "a text",
        list: "a list",
        dict: "an object",
        bool: "true or false",
        int: "a number",
        float: "a number",
    }
    return "null" if value is None else names.get(type(value), f"a {type(value).__name__}")


def _plain(name: str) -> str:
    return name.lower().replace("-", "_")
