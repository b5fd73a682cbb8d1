"""Problems as a compiler prints them: `file:line:column: where: message`, the source line, a caret, a count.

For people with carets and, on a terminal, colours; for programs as JSON; for GitHub as annotations of a pull request.
"""

from __future__ import annotations

import json
import os
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TextIO

from resep.errors import Problem
from resep.printable import printable

_WIDEST_SOURCE = 140  # columns of a source line that are shown; a longer line is cut around the caret
_INDENT = "    "


@dataclass(frozen=True)
class Palette:
    """What switches the terminal's colours; empty texts where there is no terminal."""

    place: str = ""
    error: str = ""
    warning: str = ""
    end: str = ""

    def of(self, problem: Problem) -> str:
        return self.error if problem.severity == "error" else self.warning


PLAIN = Palette()
COLOURS = Palette(place="\x1b[1m", error="\x1b[1;31m", warning="\x1b[1;33m", end="\x1b[0m")


def palette(stream: TextIO) -> Palette:
    """Colours where a person looks at the stream and has not set NO_COLOR (no-color.org)."""
    wants_none = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return COLOURS if stream.isatty() and not wants_none else PLAIN


def format_problems(problems: Iterable[Problem], colours: Palette = PLAIN) -> str:
    """The whole error screen, sorted by file, line and column, without a final line end."""
    found = in_order(problems)
    return "\n".join([*(format_problem(problem, colours) for problem in found), count_problems(found)])


def format_problem(problem: Problem, colours: Palette = PLAIN) -> str:
    """One problem: its line and, where it has a place, the source line with a caret under the column."""
    colour, end = colours.of(problem), colours.end
    place = f"{problem.file}:{problem.line}:{problem.column}" if problem.line else problem.file
    kind = f"{colour}warning:{end} " if problem.severity == "warning" else ""
    where = f"{problem.where}: " if problem.where else ""
    head = f"{colours.place}{printable(place)}:{end} {kind}{printable(f'{where}{problem.message}')}"
    if not problem.line or not problem.source.strip():
        return head
    source, offset = _cut(problem.source, problem.column - 1)
    return f"{head}\n{_INDENT}{printable(source)}\n{_INDENT}{_padding(source[:offset])}{colour}^{end}"


def count_problems(problems: Iterable[Problem]) -> str:
    """`2 errors, 1 warning`; `no problems` where there are none."""
    severities = [problem.severity for problem in problems]
    counts = [(severities.count("error"), "error"), (severities.count("warning"), "warning")]
    return ", ".join(f"{n} {word}{'s' * (n > 1)}" for n, word in counts if n) or "no problems"


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Each problem once, sorted by file, line and column."""
    return sorted(set(problems), key=lambda p: (p.file, p.line, p.column, p.where, p.message))


def as_errors(problems: Iterable[Problem]) -> list[Problem]:
    """The same problems with every warning as an error: what `--strict` makes of them."""
    return [replace(problem, severity="error") for problem in problems]


def as_json(problems: Iterable[Problem]) -> str:
    """A list of objects; `line` and `column` count from 1 and are null where a problem is that of the whole file."""
    return json.dumps([_fields(problem) for problem in in_order(problems)], indent=2, ensure_ascii=False)


def as_github(problems: Iterable[Problem]) -> str:
    """A workflow command per problem, which GitHub shows beside the line in a pull request; empty without problems."""
    return "\n".join(map(_annotation, in_order(problems)))


def _fields(problem: Problem) -> dict[str, str | int | None]:
    return {
        "file": problem.file,
        "line": problem.line or None,
        "column": problem.column or None,
        "where": problem.where,
        "message": problem.message,
        "severity": problem.severity,
    }


def _annotation(problem: Problem) -> str:
    where = f"{problem.where}: " if problem.where else ""
    place = [("file", problem.file), ("line", problem.line), ("col", problem.column)]
    if problem.file.startswith("--set #"):  # typed: GitHub has no file to show it beside
        place, where = [], f"{problem.file}: {where}"
    properties = ",".join(f"{name}={_escaped(str(value), ':,')}" for name, value in place if value)
    return f"::{problem.severity}{' ' * bool(properties)}{properties}::{_escaped(f'{where}{problem.message}')}"


def _escaped(text: str, further: Sequence[str] = "") -> str:
    """Percent, line ends and, in a property, its separators: the escapes of GitHub's own toolkit."""
    return "".join(f"%{ord(c):02X}" if c in ("%", "\r", "\n", *further) else c for c in text)


def _cut(source: str, offset: int) -> tuple[str, int]:
    """The part of a long line around `offset`, and the offset within that part."""
    if len(source) <= _WIDEST_SOURCE:
        return source, offset
    start = max(0, min(offset - _WIDEST_SOURCE // 2, len(source) - _WIDEST_SOURCE))
    head = "..." if start else ""
    tail = "..." if start + _WIDEST_SOURCE < len(source) else ""
    return head + source[start : start + _WIDEST_SOURCE] + tail, offset - start + len(head)


def _padding(before: str) -> str:
    """White space as wide as `before`: tabs stay tabs, East Asian characters take two columns, marks take none."""
    return "".join("\t" if c == "\t" else " " * _columns(c) for c in before)


def _columns(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1
