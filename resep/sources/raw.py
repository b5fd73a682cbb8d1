"""A row as it stands in its file, and what is wrong where it cannot be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from resep.errors import Problem
from resep.records import Origin

MOST_BYTES = 32 * 2**20  # of one row: more is no row of text, and would fill the memory when it is taken apart


@dataclass(frozen=True, init=False)
class RawRow:
    """One row as its file has it. Where it could not be read, `problem` says why and `text` is what stood there."""

    origin: Origin
    values: Mapping[str, Any]
    problem: Problem | None = None
    text: str = ""

    def __init__(
        self, origin: Origin, values: Mapping[str, Any], problem: Problem | None = None, text: str = ""
    ) -> None:
        known = self.__dict__  # 0.14 us instead of 0.36: one is made for every row
        known["origin"] = origin
        known["values"] = values
        if problem is not None:
            known["problem"] = problem
            known["text"] = text


def encoding_problem(error: UnicodeDecodeError, file: str, line: int) -> Problem:
    if line == 1 and error.object[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return Problem(file, 1, 1, "", "the file is UTF-16; save it as UTF-8")
    column = len(error.object[: error.start].decode("utf-8")) + 1
    byte = f"0x{error.object[error.start]:02x}"
    return Problem(file, line, column, "", f"the byte {byte} is not UTF-8; save the file as UTF-8")
