"""A row as it stands in its file, and what is wrong where it cannot be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from resep.errors import Problem
from resep.records import Origin


@dataclass(frozen=True)
class RawRow:
    """One row as its file has it. Where it could not be read, `problem` says why and `text` is what stood there."""

    origin: Origin
    values: Mapping[str, Any]
    problem: Problem | None = None
    text: str = ""


def first_encoding_problem(path: Path, name: str) -> Problem:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                return encoding_problem(error, name, number)
    raise AssertionError(f"{name} is UTF-8 line by line, but not as a whole")


def encoding_problem(error: UnicodeDecodeError, file: str, line: int) -> Problem:
    if line == 1 and error.object[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return Problem(file, 1, 1, "", "the file is UTF-16; save it as UTF-8")
    column = len(error.object[: error.start].decode("utf-8")) + 1
    byte = f"0x{error.object[error.start]:02x}"
    return Problem(file, line, column, "", f"the byte {byte} is not UTF-8; save the file as UTF-8")


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
