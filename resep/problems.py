"""Problems as a compiler prints them: `file:line:column: where: message`, the source line, a caret, a count."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from resep.errors import Problem

_WIDEST_SOURCE = 140  # columns of a source line that are shown; a longer line is cut around the caret
_INDENT = "    "


def format_problems(problems: Iterable[Problem]) -> str:
    """The whole error screen, sorted by file, line and column, without a final line end."""
    found = sorted(set(problems), key=lambda p: (p.file, p.line, p.column, p.where, p.message))
    return "\n".join([*map(format_problem, found), count_problems(found)])


def format_problem(problem: Problem) -> str:
    """One problem: its line and, where it has a place, the source line with a caret under the column."""
    place = f"{problem.file}:{problem.line}:{problem.column}" if problem.line else problem.file
    kind = "warning: " if problem.severity == "warning" else ""
    where = f"{problem.where}: " if problem.where else ""
    head = f"{place}: {kind}{where}{problem.message}"
    if not problem.line or not problem.source.strip():
        return head
    source, offset = _cut(problem.source, problem.column - 1)
    return f"{head}\n{_INDENT}{_printable(source)}\n{_INDENT}{_padding(source[:offset])}^"


def count_problems(problems: Iterable[Problem]) -> str:
    """`2 errors, 1 warning`; `no problems` where there are none."""
    severities = [problem.severity for problem in problems]
    counts = [(severities.count("error"), "error"), (severities.count("warning"), "warning")]
    return ", ".join(f"{n} {word}{'s' * (n > 1)}" for n, word in counts if n) or "no problems"


def _cut(source: str, offset: int) -> tuple[str, int]:
    """The part of a long line around `offset`, and the offset within that part."""
    if len(source) <= _WIDEST_SOURCE:
        return source, offset
    start = max(0, min(offset - _WIDEST_SOURCE // 2, len(source) - _WIDEST_SOURCE))
    head = "..." if start else ""
    tail = "..." if start + _WIDEST_SOURCE < len(source) else ""
    return head + source[start : start + _WIDEST_SOURCE] + tail, offset - start + len(head)


def _printable(source: str) -> str:
    """The line without what could move the cursor or colour the terminal."""
    return "".join("\ufffd" if unicodedata.category(c) in {"Cc", "Cs"} and c != "\t" else c for c in source)


def _padding(before: str) -> str:
    """White space as wide as `before`: tabs stay tabs, East Asian characters take two columns, marks take none."""
    return "".join("\t" if c == "\t" else " " * _columns(c) for c in before)


def _columns(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1
