"""Blocks: neighbouring rows of one file, which a worker takes at once. They are cut the same way on every machine.

Lines of JSONL travel as bytes and are parsed where they arrive; what only one reader can take apart (a CSV value may
hold a line end) travels as raw rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from resep.errors import ResepError
from resep.sources.compression import LastLine, cut_off_explained, unpacked
from resep.sources.found import Source, SourceFile
from resep.sources.jsonl import jsonl_objects, jsonl_rows, row_too_long
from resep.sources.kinds import kind_of
from resep.sources.lines import BLOCK_BYTES, BLOCK_ROWS, Lines, whole_lines
from resep.sources.raw import RawRow
from resep.sources.reading import count_rows, opened, read_file


@dataclass(frozen=True)
class Block:
    """Neighbouring rows of one file: whole lines of JSONL, the first of which is `first_line`, or rows as they are.

    `source` is the index in `data.sources`, `file` the name that places have. `size` says about how many bytes of the
    file the rows take: how far the reading is, nothing else.
    """

    source: int
    file: str
    first_line: int
    lines: bytes = b""
    rows: tuple[RawRow, ...] = ()
    size: int = 0


def read_blocks(source: Source, limit: int | None = None) -> Iterator[Block]:
    """The rows of a source, file after file, `limit` of them at most: blocks of at most BLOCK_ROWS, about BLOCK_BYTES.

    Raises ResepError where a file cannot be read further, or has no rows.
    """
    for file in source.files:
        kind = kind_of(file.path.name, file.name)
        for block, count in (_line_blocks if kind.format == "jsonl" else _row_blocks)(source.index, file, limit):
            yield block
            if limit is not None:
                limit -= count
        if limit == 0:
            return


def raw_rows(block: Block) -> Iterator[RawRow]:
    """The rows of a block, parsed. A row that cannot be read comes with its problem."""
    return iter(block.rows) if block.rows else jsonl_rows(block.lines, block.file, block.first_line)


def plain_rows(block: Block) -> tuple[list[int], list[Mapping[str, Any]]] | None:
    """Line and values of each row of a block, where every row can be read and needs no further look; else None."""
    if not block.rows:
        return jsonl_objects(block.lines, block.first_line)
    if any(row.problem for row in block.rows):
        return None
    return [row.origin.line for row in block.rows], [row.values for row in block.rows]


def _line_blocks(source: int, file: SourceFile, limit: int | None) -> Iterator[tuple[Block, int]]:
    """(block, its rows); the rows are counted only where there is a limit."""
    has_rows, last = False, LastLine()
    compression = kind_of(file.path.name, file.name).compression
    with opened(file) as packed, cut_off_explained(file.name, last):
        for lines in whole_lines(unpacked(packed, compression, file.name)):
            block, count = _line_block(source, file.name, lines, limit)
            has_rows = has_rows or bool(block.rows) or not block.lines.isspace()
            yield block, count
            last.number = lines.last
            if limit is not None and not (limit := limit - count):
                return
    if not has_rows:
        raise ResepError(f"{file.name}: the file has no rows")


def _line_block(source: int, name: str, lines: Lines, limit: int | None) -> tuple[Block, int]:
    if lines.is_too_long:
        return Block(source, name, lines.first, rows=(row_too_long(lines.content, name, lines.first),)), 1
    if limit is None:
        return Block(source, name, lines.first, lines.content, size=len(lines.content)), 0
    content, count = _first_rows(lines.content, limit)
    return Block(source, name, lines.first, content, size=len(content)), count


def _first_rows(lines: bytes, limit: int) -> tuple[bytes, int]:
    """The lines up to the row `limit`, and how many rows are in them."""
    split = [line + b"\n" for line in lines.split(b"\n")]
    rows = [index for index, line in enumerate(split) if not line.isspace()]
    if len(rows) <= limit:
        return lines, len(rows)
    return b"".join(split[: rows[limit]]), limit


def _row_blocks(source: int, file: SourceFile, limit: int | None) -> Iterator[tuple[Block, int]]:
    all_rows = count_rows(file)
    for rows, size in _grouped(islice(read_file(file), limit)):
        if all_rows:
            size = round(file.path.stat().st_size * len(rows) / all_rows)
        yield Block(source, file.name, rows[0].origin.line, rows=tuple(rows), size=size), len(rows)


def _grouped(rows: Iterable[RawRow]) -> Iterator[tuple[list[RawRow], int]]:
    """Groups of neighbouring rows, and about how many bytes the values of each take."""
    group: list[RawRow] = []
    size = 0
    for row in rows:
        group.append(row)
        size += _size(row.values) + len(row.text)
        if len(group) == BLOCK_ROWS or size >= BLOCK_BYTES:
            yield group, size
            group, size = [], 0
    if group:
        yield group, size


def _size(value: Any) -> int:
    """About how many bytes a value takes."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict):
        return sum(map(len, value)) + sum(map(_size, value.values()))
    return sum(map(_size, value)) if isinstance(value, list) else 8
