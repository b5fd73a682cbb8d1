"""Strict YAML: text -> data, and for every node of it the place where it stands.

A recipe is data that a person wrote: a repeated key, a tag, a merge key or a second document is a mistake to point at,
never something to interpret. Scalars follow YAML 1.2 (scalars.py). Anchors are allowed within a budget, so that a few
lines cannot unfold into millions of nodes. Nothing here raises on bad text: every mistake becomes a Problem.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import yaml

from resep.document.faults import explain_yaml_error
from resep.document.places import KeyPath, Place, dotted
from resep.document.reader import Composer, Reader
from resep.errors import Problem

MOST_BYTES = 1_000_000


@dataclass(frozen=True)
class Document:
    """`data` with the place of every value and of every key, by path. `problems` holds errors and warnings.

    Places carry their own file, so that documents can be laid over each other (`--set`) and still be pointed at.
    """

    file: str
    data: Any
    values: Mapping[KeyPath, Place] = field(default_factory=dict)
    keys: Mapping[KeyPath, Place] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    def place(self, path: KeyPath, *, of_key: bool = False) -> Place:
        """Where `path` stands; where it stands nowhere (a default, a missing key), the nearest section around it."""
        if of_key and path in self.keys:
            return self.keys[path]
        for length in range(len(path), -1, -1):
            if path[:length] in self.values:
                return self._head(path[:length])
        return Place(self.file, 0, 0, "")

    def problem(
        self, path: KeyPath, message: str, *, severity: Literal["error", "warning"] = "error", of_key: bool = False
    ) -> Problem:
        """A problem that points at the value of `path`, or at its key."""
        at = self.place(path, of_key=of_key)
        return Problem(at.file, at.line, at.column, dotted(path), message, severity, at.source)

    def _head(self, path: KeyPath) -> Place:
        """A scalar's own place; for a map or list that begins on a later line, its key says more."""
        value, key = self.values[path], self.keys.get(path)
        return key if key and value.line != key.line else value


def read_document(raw: bytes, file: str) -> Document:
    """The document in the bytes of a file. `file` is the name that its problems carry."""
    text, problems = _decode(raw, file)
    if any(problem.severity == "error" for problem in problems):
        return Document(file, None, problems=problems)
    document = parse(text, file)
    return replace(document, problems=(*problems, *document.problems))


def parse(text: str, file: str) -> Document:
    """Read one YAML document. `data` is None where the text could not be read at all."""
    lines = _lines(text)
    if (separator := re.search("[\x85\u2028\u2029]", text)) is not None:
        line, column = _line_and_column(text[: separator.start()].encode())
        code = f"U+{ord(separator[0]):04X}"
        message = f"{code} is a line end to some YAML readers only; write it as an escape in double quotes"
        return Document(file, None, problems=(Problem(file, line, column, "", message, source=lines[line - 1]),))
    try:
        composer = Composer(text)
        root = composer.get_single_node()
    except yaml.YAMLError as error:
        return Document(file, None, problems=(explain_yaml_error(error, text, lines, file),))
    if root is None:
        return Document(file, None, problems=(Problem(file, 1, 1, "", "there is nothing in this file"),))
    reader = Reader(file, lines)
    data = reader.read_root(root, composer.tags)
    return Document(file, data, reader.values, reader.keys, tuple(reader.problems))


def _decode(raw: bytes, file: str) -> tuple[str, tuple[Problem, ...]]:
    """The text of a file, or an empty text and the one problem that keeps it from being read."""
    if len(raw) > MOST_BYTES:
        return "", (Problem(file, 0, 0, "", f"{len(raw):,} bytes are too many for a recipe: is this a data file?"),)
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "", (Problem(file, 1, 1, "", "the file is UTF-16; save it as UTF-8"),)
    if (nul := raw.find(b"\0")) >= 0:
        return "", (Problem(file, *_line_and_column(raw[:nul]), "", "a zero byte: this is not a text file"),)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line, column = _line_and_column(raw[: error.start])
        message = f"byte 0x{raw[error.start]:02x} is not UTF-8; save the file as UTF-8"
        return "", (Problem(file, line, column, "", message, source=_lines(raw.decode("utf-8", "replace"))[line - 1]),)
    if text.startswith("\ufeff"):
        message = "the file begins with a byte order mark; save it as UTF-8 without one"
        return text[1:], (Problem(file, 1, 1, "", message, "warning"),)
    return text, ()


def _lines(text: str) -> list[str]:
    return re.split("\r\n|\r|\n", text)


def _line_and_column(before: bytes) -> tuple[int, int]:
    """Line and column of the character that follows `before`."""
    lines = _lines(before.decode("utf-8", "replace"))
    return len(lines), len(lines[-1]) + 1
