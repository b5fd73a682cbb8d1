"""What PyYAML's syntax errors mean to a person, and where the mistake most likely is."""

from __future__ import annotations

from collections.abc import Sequence

import yaml

from resep.errors import Problem

# A piece of PyYAML's problem or context -> what to say, and whether the beginning of the construct is the better place.
_MEANINGS: tuple[tuple[str, str, bool], ...] = (
    ("found character '\\t'", "a tab: YAML is indented with spaces", False),
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
    source = lines[mark.line] if mark.line < len(lines) else ""
    return Problem(file, mark.line + 1, mark.column + 1, "", message or said.strip(": "), source=source)


def _control_character(error: yaml.reader.ReaderError, text: str, lines: Sequence[str], file: str) -> Problem:
    before = text[: error.position].replace("\r\n", "\n").replace("\r", "\n")
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    code = error.character if isinstance(error.character, int) else ord(error.character)
    message = f"the control character U+{code:04X} cannot stand in a recipe"
    return Problem(file, line, column, "", message, source=lines[line - 1])
