"""Rows of a JSON file, a list of objects, read piece by piece: only the row that is looked at is held as objects."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

from resep.errors import Problem, ResepError
from resep.problems import format_problem
from resep.records import Origin
from resep.sources.compression import BrokenArchive
from resep.sources.json_faults import JsonFault, read_value
from resep.sources.jsonl import row_object
from resep.sources.raw import MOST_BYTES, RawRow, encoding_problem

_PIECE = 2**20  # bytes
_SHOWN = 4096  # characters of a line
_SPACE = " \t\r\n"


def json_list_rows(file: BinaryIO, name: str) -> Iterator[RawRow]:
    """The rows of a JSON list. A fault ends the file, for what comes after it cannot be told apart: ResepError.

    Raises BrokenArchive after the last whole row of an archive that was cut off.
    """
    window = _Window(_decoded(file, name))
    try:
        first, on_one_line = 0, False
        for number, (line, value) in enumerate(_items(window), 1):
            if number < 3:  # where the first two share a line, all do, as a rule: numbers tell them apart
                on_one_line, first = line == first, line
            yield RawRow(Origin(name, number if on_one_line else line), value)
        if window.broken:
            raise window.broken
    except JsonFault as error:
        raise (window.broken or ResepError(format_problem(window.problem(error, name)))) from error


@dataclass
class _Window:
    """The part of a text that is looked at. `at` is the next character in it, `mark` a place whose line is known."""

    pieces: Iterator[str]
    text: str = ""
    at: int = 0
    is_last: bool = False
    broken: BrokenArchive | None = None
    mark: int = 0
    line: int = 1
    before: int = 0  # characters, no longer in the window, of the line that it begins in

    def widen(self) -> None:
        """Let go of what was read, and bring in as much as is left, or a piece: the work stays linear.

        The beginning of the line stays, to be shown, unless it is very long.
        """
        start = self.text.rfind("\n", 0, self.at) + 1
        gone = start if self.at - start < _SHOWN else self.at
        self.before = gone - start + (0 if start else self.before)
        self.line_of(self.at)
        kept, wanted = [self.text[gone:]], len(self.text) - gone
        self.at = self.mark = self.at - gone
        while wanted >= 0 and not self.is_last:
            kept.append(self._next_piece())
            wanted -= len(kept[-1]) or 1
        self.text = "".join(kept)

    def _next_piece(self) -> str:
        try:
            piece = next(self.pieces, None)
        except BrokenArchive as error:
            piece, self.broken = None, error
        self.is_last = piece is None
        return piece or ""

    def line_of(self, position: int) -> int:
        """The line of a place at `mark` or after it."""
        self.line += self.text.count("\n", self.mark, position)
        self.mark = position
        return self.line

    def problem(self, fault: JsonFault, name: str) -> Problem:
        if "\n" not in self.text[fault.position :] and not self.is_last:
            self.text += self._next_piece()  # the rest of the line, to be shown
        found = fault.problem(self.text, name, self.line - self.text.count("\n", 0, self.mark))
        if self.before and "\n" not in self.text[: fault.position]:
            return replace(found, column=found.column + self.before, source="")
        return found


def _items(window: _Window) -> Iterator[tuple[int, Any]]:
    """(line, row) of every item of the list."""
    if _next_character(window) != "[":
        message = "a JSON source is a list of rows, [{...}, {...}]; one row per line is a .jsonl file"
        raise JsonFault(window.at, message)
    window.at += 1
    is_open = _next_character(window) != "]"
    while is_open:
        line, value = window.line_of(window.at), _value(window)
        yield line, value
        is_open = _next_character(window) != "]"
        if is_open:
            _skip_comma(window)
    window.at += 1
    if rest := _next_character(window):
        raise JsonFault(window.at, f"the list has ended, but more follows: {rest!r}")


def _value(window: _Window) -> Any:
    """The object that begins here. A fault near the window's end may be none: then the window is widened first."""
    while True:
        start = window.at
        is_too_long = len(window.text) - start > MOST_BYTES
        try:
            value, end = read_value(window.text, start)
            if (end < len(window.text) or window.is_last) and end - start <= MOST_BYTES:
                window.at = end
                return row_object(value, start)
        except JsonFault as fault:
            if not fault.may_be_a_cut or (window.is_last and not is_too_long):
                raise
        if is_too_long:
            most = f"{MOST_BYTES // 2**20} MiB"
            raise JsonFault(start, f"the row that begins here has no end within {most}: is a quotation mark missing?")
        window.widen()


def _next_character(window: _Window) -> str:
    """The next character that is no space, where the window now stands; empty at the end of the text."""
    while True:
        while window.at < len(window.text) and window.text[window.at] in _SPACE:
            window.at += 1
        if window.at < len(window.text) or window.is_last:
            return window.text[window.at : window.at + 1]
        window.widen()


def _skip_comma(window: _Window) -> None:
    character = _next_character(window)
    if not character:
        raise JsonFault(window.at, "the data ends too early: the closing ] of the list is missing")
    if character != ",":
        raise JsonFault(window.at, "a comma is missing between two rows")
    ahead = _past_comma(window)  # which may move `at`
    window.at += ahead


def _past_comma(window: _Window) -> int:
    """How far the next row is from the comma that stands here, which stays in the window: it may be one too many."""
    ahead = 1
    while True:
        while (found := window.text[window.at + ahead : window.at + ahead + 1]) and found in _SPACE:
            ahead += 1
        if found == "]":
            raise JsonFault(window.at, "a comma too many before ']'")
        if found or window.is_last:
            return ahead
        window.widen()


def _decoded(file: BinaryIO, name: str) -> Iterator[str]:
    """The text of the file in pieces, without a byte order mark. Raises ResepError at a byte that is not UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    line, before, is_last = 1, 0, False
    while not is_last:
        piece = file.read1(_PIECE)  # type: ignore[attr-defined]
        is_last = not piece
        try:
            text = decoder.decode(piece, is_last)
        except UnicodeDecodeError as error:
            raise ResepError(format_problem(_undecodable(error, name, line, before))) from error
        line += text.count("\n")
        start = text.rfind("\n") + 1
        before = len(text) - start + (0 if start else before)
        if text:
            yield text


def _undecodable(error: UnicodeDecodeError, name: str, line: int, before: int) -> Problem:
    """The problem of a byte in a piece that begins in `line`, after `before` characters of it."""
    start = error.object.rfind(b"\n", 0, error.start) + 1
    line += error.object.count(b"\n", 0, start)
    shifted = UnicodeDecodeError("utf-8", error.object[start:], error.start - start, error.end - start, error.reason)
    found = encoding_problem(shifted, name, line)
    return found if start else replace(found, column=found.column + before)
