"""Rows of JSONL, one object per line. What orjson reads is taken where it can hide nothing; else the strict parser.

orjson takes the last of two equal keys, and makes a float of an integer beyond 64 bits. Neither may pass. The keys that
were written are counted, from above: only where as many keys came out, none is hidden. They are counted over all lines
at once, and single lines looked at only where that fails. A row of 260 bytes takes 1.7 us so, where the strict parser
takes 2.4; one of 4 KB takes 5.6, where it takes 8.5.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

import orjson

from resep.errors import Problem
from resep.records import Origin
from resep.sources.json_faults import JsonFault, read_value
from resep.sources.quarantine import REASON, as_it_was
from resep.sources.raw import MOST_BYTES, RawRow, encoding_problem
from resep.suggest import a_json_type

BOM = b"\xef\xbb\xbf"
_KEY_END = re.compile(rb'"[ \t\r]*:')
_COLON, _BEFORE_COLON = ord(":"), tuple(b'" \t\r')
_FEW_BYTES = 2**18
_INTEGER_LIMIT = 2.0**63  # from here on, a float may be an integer that orjson could not hold


def jsonl_rows(content: bytes, file: str, first_line: int) -> Iterator[RawRow]:
    """The rows of whole lines of a file, the first of which is its line `first_line`. Blank lines are passed over."""
    lines, values = _parsed(content, first_line)
    for number, value in enumerate(values, first_line):
        if value is not None:
            row = RawRow(Origin(file, number), value)
        elif (line := lines[number - first_line]) and not line.isspace():
            row = _strict_row(line, Origin(file, number))
        else:
            continue
        yield _mended(row) if REASON in row.values else row


def jsonl_objects(content: bytes, first_line: int) -> tuple[list[int], list[Mapping[str, Any]]] | None:
    """Line and values of each row, where there is nothing to be said of any of them: no RawRow is made, 0.6 us less."""
    lines, values = _parsed(content, first_line)
    found: list[Mapping[str, Any]] = [value for value in values if value is not None]
    if len(found) + sum([not line or line.isspace() for line in lines]) < len(lines) or REASON in set().union(*found):
        return None
    return [number for number, value in enumerate(values, first_line) if value is not None], found


def _parsed(content: bytes, first_line: int) -> tuple[list[bytes], list[dict[str, Any] | None]]:
    """The lines, and of each its object where orjson reads one and can hide nothing."""
    if first_line == 1:
        content = content.removeprefix(BOM)
    lines = content.split(b"\n")
    values = [_object(line) for line in lines]
    if not _hides_nothing(content, values):
        values = [value if _hides_nothing(line, (value,)) else None for line, value in zip(lines, values, strict=True)]
    return lines, values


def row_too_long(beginning: bytes, file: str, line: int) -> RawRow:
    """The row for a line that was not read to its end."""
    most = f"{MOST_BYTES // 2**20} MiB"
    message = f"this line is longer than {most}, which is no row of text: is the file a JSON list? Then name it .json"
    text = beginning.decode("utf-8", "backslashreplace")
    return RawRow(Origin(file, line), {}, Problem(file, line, 1, "", message), text)


def strict_object(text: str) -> Mapping[str, Any]:
    """The one object that a text holds. Raises JsonFault."""
    start = len(text) - len(text.lstrip())
    value, end = read_value(text, start)
    if text[end:].strip():
        raise JsonFault(end, "one row per line: this line goes on after its row has ended")
    return row_object(value, start)


def row_object(value: Any, position: int) -> Mapping[str, Any]:
    """The value, if it is an object. Raises JsonFault at `position` otherwise."""
    if not isinstance(value, dict):
        raise JsonFault(position, f"a row is an object {{...}}; this is {a_json_type(value)}")
    return value


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return value if type(value) is dict else None


def _hides_nothing(text: bytes, values: Iterable[dict[str, Any] | None]) -> bool:
    """Whether the objects hold as many keys as were written in the text, at most, and no number is too large."""
    keys = _count_keys([value for value in values if value is not None])
    return keys is not None and (_most_keys(text) == keys or len(_KEY_END.findall(text)) == keys)


def _most_keys(text: bytes) -> int:
    """How many keys are written in the text, at most: colons behind a quotation mark, or behind a blank."""
    if len(text) < _FEW_BYTES:
        return sum(text.count(end) for end in (b'":', b" :", b"\t:", b"\r:"))
    import numpy as np  # 0.3 us for 1 KB, where four counts take 3; but 0.1 s to import

    characters = np.frombuffer(text, np.uint8)
    before = characters[np.flatnonzero(characters[1:] == _COLON)]
    return int(np.isin(before, _BEFORE_COLON).sum())


def _count_keys(objects: Sequence[dict[str, Any]]) -> int | None:
    """How many keys the objects have, those inside them included; None where a float may be an integer too large."""
    count = 0
    lists: Sequence[list[Any]] = ()
    while objects or lists:
        count += sum(map(len, objects))
        values = [*chain.from_iterable(map(dict.values, objects)), *chain.from_iterable(lists)]
        kinds = {*map(type, values)}
        if float in kinds and any(type(each) is float and abs(each) >= _INTEGER_LIMIT for each in values):
            return None
        objects = [each for each in values if type(each) is dict] if dict in kinds else []
        lists = [each for each in values if type(each) is list] if list in kinds else []
    return count


def _strict_row(line: bytes, origin: Origin) -> RawRow:
    try:
        text = line.decode("utf-8").strip("\r\n")
    except UnicodeDecodeError as error:
        problem = encoding_problem(error, origin.file, origin.line)
        return RawRow(origin, {}, problem, line.decode("utf-8", "backslashreplace").strip("\r\n"))
    try:
        return RawRow(origin, strict_object(text))
    except JsonFault as error:
        return RawRow(origin, {}, _with_format_hint(error.problem(text, origin.file, origin.line)), text)


def _mended(row: RawRow) -> RawRow:
    """The row that a line of a file of quarantined rows stands for."""
    found = as_it_was(row.values)
    return _strict_row(found.encode(), row.origin) if isinstance(found, str) else RawRow(row.origin, found)


def _with_format_hint(problem: Problem) -> Problem:
    if problem.line == 1 and problem.source.strip() in {"[", "{"}:
        hint = "a .jsonl file has one row per line: is this a JSON list? Then name it .json"
        return replace(problem, message=f"{problem.message}; {hint}")
    return problem
