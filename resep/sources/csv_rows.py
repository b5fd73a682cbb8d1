"""Rows of a CSV or TSV file. Every value is a text, as it stands there."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from functools import partial
from typing import BinaryIO

from resep.errors import Problem, ResepError
from resep.problems import format_problem
from resep.records import Origin
from resep.sources.jsonl import BOM
from resep.sources.raw import MOST_BYTES, RawRow, encoding_problem

_OTHER_SEPARATORS = {";": "semicolons: save it with commas", "\t": "tabs: name it .tsv", ",": "commas: name it .csv"}


def csv_rows(file: BinaryIO, name: str, separator: str) -> Iterator[RawRow]:
    """The rows under the names in the first line. A row with more or fewer values has that as its problem.

    Raises ResepError where the file cannot be read further.
    """
    csv.field_size_limit(MOST_BYTES)  # the csv module stops at 131,072 characters by itself
    reader = csv.reader(_lines(file, name), delimiter=separator, strict=True)
    last_line = 0
    try:
        header = _checked_header(next(reader, []), name, separator)
        last_line = reader.line_num
        for cells in reader:
            origin, last_line = Origin(name, last_line + 1), reader.line_num
            if cells:
                yield _csv_row(header, cells, origin)
    except csv.Error as error:
        begins = last_line + 1
        where = f" (line {reader.line_num})" if reader.line_num > begins else ""
        message = f"in the row that begins here: {error}{where}: is a quotation mark missing?"
        raise ResepError(f"{name}:{begins}: {message}") from error


def _lines(file: BinaryIO, name: str) -> Iterator[str]:
    for number, line in enumerate(iter(partial(file.readline, MOST_BYTES), b""), 1):
        if len(line) == MOST_BYTES:
            raise ResepError(f"{name}:{number}: this line is longer than {MOST_BYTES // 2**20} MiB")
        try:
            yield (line.removeprefix(BOM) if number == 1 else line).decode("utf-8")
        except UnicodeDecodeError as error:
            raise ResepError(format_problem(encoding_problem(error, name, number))) from error


def _checked_header(header: Sequence[str], name: str, separator: str) -> Sequence[str]:
    twice = sorted({column for column in header if header.count(column) > 1})
    if twice:
        raise ResepError(f"{name}:1: two columns are called {twice[0]!r}")
    for other, what in _OTHER_SEPARATORS.items():
        if len(header) == 1 and other != separator and other in header[0]:
            raise ResepError(f"{name}:1: the columns are separated by {what}")
    return header


def _csv_row(header: Sequence[str], cells: Sequence[str], origin: Origin) -> RawRow:
    if len(cells) == len(header):
        return RawRow(origin, dict(zip(header, cells, strict=True)))
    message = (
        f"{len(cells)} values under {len(header)} columns: is a comma inside a text that lacks its quotation marks?"
    )
    text = json.dumps(cells, ensure_ascii=False)
    return RawRow(origin, {}, Problem(origin.file, origin.line, 1, "", message), text)
