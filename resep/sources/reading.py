"""The rows of one file, whatever it is: unpacked, taken apart by the reader for its kind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from typing import BinaryIO

from resep.errors import ResepError
from resep.sources.compression import LastLine, cut_off_explained, unpacked
from resep.sources.csv_rows import csv_rows
from resep.sources.found import Source, SourceFile, check_file
from resep.sources.json_list import json_list_rows
from resep.sources.jsonl import jsonl_rows, row_too_long
from resep.sources.kinds import Kind, kind_of
from resep.sources.lines import whole_lines
from resep.sources.raw import RawRow
from resep.sources.tables import stated_rows, table_rows


def read_rows(source: Source) -> Iterator[RawRow]:
    """The rows of a source one by one, for those who look at the first of them. Raises ResepError as `read_file`."""
    for file in source.files:
        yield from read_file(file)


def read_file(file: SourceFile) -> Iterator[RawRow]:
    """The rows of one file, in its order. Raises ResepError where it cannot be read further, or has no rows."""
    with opened(file) as content:
        yield from rows_in(content, kind_of(file.path.name, file.name), file.name)


def count_rows(file: SourceFile) -> int | None:
    """How many rows a file says that it has; None for the kinds that do not say."""
    if kind_of(file.path.name, file.name).format != "parquet":
        return None
    with opened(file) as content:
        return stated_rows(content)


def rows_in(content: BinaryIO, kind: Kind, name: str) -> Iterator[RawRow]:
    """The rows in an open file of this kind. Raises ResepError as `read_file`, which calls it `name`."""
    last = LastLine()
    with cut_off_explained(name, last):
        for row in _read(unpacked(content, kind.compression, name), kind.format, name):
            last.number = row.origin.line
            yield row
    if not last.number:
        raise ResepError(f"{name}: the file has no rows")


@contextmanager
def opened(file: SourceFile) -> Iterator[BufferedReader]:
    """The file's bytes as they are on the disk. Raises ResepError where it cannot be opened."""
    check_file(file)
    try:
        content = file.path.open("rb")
    except OSError as error:
        raise ResepError(f"{file.name}: the file cannot be read: {error.strerror}") from error
    with content:
        yield content


def _read(content: BufferedReader, form: str, name: str) -> Iterator[RawRow]:
    if form == "jsonl":
        return _lines_of_json(content, name)
    if form == "json":
        return json_list_rows(content, name)
    if form in ("csv", "tsv"):
        return csv_rows(content, name, "," if form == "csv" else "\t")
    return table_rows(content, name, form)


def _lines_of_json(content: BufferedReader, name: str) -> Iterator[RawRow]:
    for lines in whole_lines(content):
        if lines.is_too_long:
            yield row_too_long(lines.content, name, lines.first)
        else:
            yield from jsonl_rows(lines.content, name, lines.first)
