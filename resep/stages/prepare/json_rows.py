"""Rows of a JSONL file (one object per line) and of a JSON file (a list of objects)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from resep.errors import Problem, ResepError
from resep.problems import format_problem
from resep.records import Origin
from resep.stages.prepare.json_faults import JsonFault, read_value
from resep.stages.prepare.raw import RawRow, a_json_type, encoding_problem, first_encoding_problem

_BOM = b"\xef\xbb\xbf"


def read_jsonl_rows(path: Path, name: str) -> Iterator[RawRow]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            content = line.removeprefix(_BOM) if number == 1 else line
            if content.strip():
                yield _jsonl_row(content, Origin(name, number))


def _jsonl_row(line: bytes, origin: Origin) -> RawRow:
    try:
        text = line.decode("utf-8").strip("\r\n")
    except UnicodeDecodeError as error:
        return RawRow(origin, {}, encoding_problem(error, origin.file, origin.line), repr(line))
    try:
        start = len(text) - len(text.lstrip())
        value, end = read_value(text, start)
        if text[end:].strip():
            raise JsonFault(end, "one row per line: this line goes on after its row has ended")
        return RawRow(origin, _row_object(value, start))
    except JsonFault as error:
        return RawRow(origin, {}, _with_format_hint(error.problem(text, origin.file, origin.line)), text)


def _with_format_hint(problem: Problem) -> Problem:
    if problem.line == 1 and problem.source.strip() in {"[", "{"}:
        hint = "a .jsonl file has one row per line: is this a JSON list? Then name it .json"
        return replace(problem, message=f"{problem.message}; {hint}")
    return problem


def read_json_rows(path: Path, name: str) -> Iterator[RawRow]:
    text = _read_text(path, name)
    line, counted = 1, 0
    try:
        for start, value in _list_items(text):
            line, counted = line + text.count("\n", counted, start), start
            yield RawRow(Origin(name, line), _row_object(value, start))
    except JsonFault as error:
        raise ResepError(format_problem(error.problem(text, name))) from error


def _list_items(text: str) -> Iterator[tuple[int, Any]]:
    """The items of a JSON list and where each begins, one at a time: only one row is held as objects."""
    at = _skip_space(text, 0)
    if text[at : at + 1] != "[":
        raise JsonFault(at, "a JSON source is a list of rows, [{...}, {...}]; one row per line is a .jsonl file")
    at = _skip_space(text, at + 1)
    is_open = text[at : at + 1] != "]"
    while is_open:
        start = at
        value, at = read_value(text, start)
        yield start, value
        at = _skip_space(text, at)
        is_open = text[at : at + 1] != "]"
        if is_open:
            at = _skip_comma(text, at)
    if rest := text[at + 1 :].strip():
        raise JsonFault(_skip_space(text, at + 1), f"the list has ended, but more follows: {rest[0]!r}")


def _skip_comma(text: str, at: int) -> int:
    if at == len(text):
        raise JsonFault(at, "the data ends too early: the closing ] of the list is missing")
    if text[at] != ",":
        raise JsonFault(at, "a comma is missing between two rows")
    after = _skip_space(text, at + 1)
    if text[after : after + 1] == "]":
        raise JsonFault(at, "a comma too many before ']'")
    return after


def _skip_space(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at


def _row_object(value: Any, position: int) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise JsonFault(position, f"a row is an object {{...}}; this is {a_json_type(value)}")
    return value


def _read_text(path: Path, name: str) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ResepError(format_problem(first_encoding_problem(path, name))) from error
