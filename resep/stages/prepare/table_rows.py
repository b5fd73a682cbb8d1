"""Rows of a CSV file, whose values are all texts, and of a Parquet file, whose columns have types of their own."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from resep.errors import Problem, ResepError
from resep.problems import format_problem
from resep.records import Origin
from resep.stages.prepare.raw import RawRow, first_encoding_problem

_CELL_LIMIT = 100_000_000  # characters in one CSV value; the csv module stops at 131,072 by itself


def read_csv_rows(path: Path, name: str) -> Iterator[RawRow]:
    csv.field_size_limit(_CELL_LIMIT)
    last_line = 0
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = _checked_header(next(reader, []), name)
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
    except UnicodeDecodeError as error:
        raise ResepError(format_problem(first_encoding_problem(path, name))) from error


def _checked_header(header: Sequence[str], name: str) -> Sequence[str]:
    twice = sorted({column for column in header if header.count(column) > 1})
    if twice:
        raise ResepError(f"{name}:1: two columns are called {twice[0]!r}")
    return header


def _csv_row(header: Sequence[str], cells: Sequence[str], origin: Origin) -> RawRow:
    if len(cells) == len(header):
        return RawRow(origin, dict(zip(header, cells, strict=True)))
    message = (
        f"{len(cells)} values under {len(header)} columns: is a comma inside a text that lacks its quotation marks?"
    )
    return RawRow(origin, {}, Problem(origin.file, origin.line, 1, "", message), repr(cells))


def read_parquet_rows(path: Path, name: str) -> Iterator[RawRow]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise ResepError(f"{name}: reading Parquet needs pyarrow: pip install pyarrow") from error
    try:
        row_number = 0
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=1000):
                for values in batch.to_pylist():
                    row_number += 1
                    yield RawRow(Origin(name, row_number), values)
    except pyarrow.ArrowException as error:
        raise ResepError(f"{name}: not a Parquet file that can be read: {error}") from error
