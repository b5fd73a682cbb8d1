"""What PyYAML's syntax errors mean to a person, and where the mistake most likely is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import yaml

from resep.errors import Problem

# A piece of PyYAML's problem or context -> what to say, and whether the beginning of the construct is the better place.
_MEANINGS: tuple[tuple[str, str, bool], ...] = (
    ("found character '\\t'", "a tab: YAML is indented with spaces; replace it by spaces", False),
    ("found character '@'", "a value that begins with '@' needs quotes", False),
    ("found character '`'", "a value that begins with '`' needs quotes", False),
    ("found character '%'", "a value that begins with '%' needs quotes", False),
    ("while scanning a quoted scalar", "this quote is never closed", True),
    ("while scanning a block scalar", "a value that begins with '>' or '|' needs quotes", True),
    ("while scanning an alias", "a value that begins with '*' needs quotes", True),
    ("while scanning an anchor", "a value that begins with '&' needs quotes", True),
    ("found undefined alias", "this alias names no anchor (a value that begins with '*' needs quotes)", False),
    ("found duplicate anchor", "this anchor's name is taken already", False),
    (
        "found unknown escape character",
        "this escape is not known in double quotes; in single quotes a backslash is a backslash",
        False,
    ),
    (
        "mapping values are not allowed here",
        "a ':' where no key can stand: check the indentation, and put a value that contains ': ' in quotes",
        False,
    ),
    ("could not find expected ':'", "this line is no 'key: value'; is a ':' missing?", True),
    ("expected ',' or ']'", "this '[' is not closed, or a comma is missing in it", True),
    ("expected ',' or '}'", "this '{' is not closed, or a comma is missing in it", True),
    ("but found another document", "a recipe is one document; a second one begins here ('---')", False),
    ("expected <block end>", "this does not fit the lines above it: check the indentation", False),
    ("expected the node content", "a value is missing here", False),
    ("found undefined tag handle", "tags ('!name') are refused: a recipe is data", False),
    ("found incompatible YAML", "this version of YAML is not known; leave the %YAML line out", False),
)


def explain_yaml_error(error: yaml.YAMLError, text: str, lines: Sequence[str], file: str) -> Problem:
    """The problem that a syntax error is, at the line and column where a person would look for it."""
    if isinstance(error, yaml.reader.ReaderError):
        return _control_character(error, text, lines, file)
    if not isinstance(error, yaml.MarkedYAMLError):
        return Problem(file, 0, 0, "", str(error))
    said = f"{error.context or ''}: {error.problem or ''}"
    message, at_start = next(((words, start) for piece, words, start in _MEANINGS if piece in said), (None, False))
    mark = (error.context_mark if at_start else None) or error.problem_mark or error.context_mark
    if mark is None:
        return Problem(file, 0, 0, "", message or said.strip(": "))
    line, column, message = _nearer_the_cause(mark, text, lines, message or said.strip(": "))
    return Problem(file, line + 1, column + 1, "", message, source=lines[line] if line < len(lines) else "")


def _nearer_the_cause(mark: Any, text: str, lines: Sequence[str], message: str) -> tuple[int, int, str]:
    """Line and column (from 0) and message: what PyYAML stumbles over is often not what the person did."""
    source = lines[mark.line] if mark.line < len(lines) else ""
    if (quote := _quote_over_lines(text, mark.index)) is not None:
        said = f"this quote is closed only on line {quote.end_mark.line + 1}; is its end missing on this line?"
        return quote.start_mark.line, quote.start_mark.column, said
    if "is a ':' missing" in message and (glued := re.match(r"\s*(?:- )?[\w.-]+:(?=\S)", source)):
        return mark.line, glued.end(), "a space is missing after the ':'"
    above = next((line for line in reversed(lines[: mark.line]) if line.strip() and line.lstrip()[0] != "#"), "")
    indents = [len(line) - len(line.lstrip(" ")) for line in (source, above)]
    if "check the indentation" in message and mark.column == indents[0] != indents[1]:
        spaces = (
            f"this line begins after {indents[0]} space{'s' * (indents[0] != 1)} and the one above after {indents[1]}"
        )
        return mark.line, mark.column, f"{spaces}: keys of one section stand exactly below each other"
    return mark.line, mark.column, message


def _quote_over_lines(text: str, end: int) -> Any:
    """The last quoted text before `end` that goes over lines, or None: rarely meant, often an end that is missing."""
    found = None
    try:
        for token in yaml.scan(text, Loader=yaml.SafeLoader):
            if token.start_mark.index > end:
                break
            if isinstance(token, yaml.ScalarToken) and token.style in ("'", '"'):
                found = token if token.end_mark.line > token.start_mark.line else None
    except yaml.YAMLError:
        return found
    return found


def _control_character(error: yaml.reader.ReaderError, text: str, lines: Sequence[str], file: str) -> Problem:
    before = text[: error.position].replace("\r\n", "\n").replace("\r", "\n")
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    code = error.character if isinstance(error.character, int) else ord(error.character)
    message = f"the control character U+{code:04X} cannot stand in a recipe"
    return Problem(file, line, column, "", message, source=lines[line - 1])
