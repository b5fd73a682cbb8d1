"""Rows as a Parquet file whose schema follows from the JSON types of the values, never from what a text looks like."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resep.errors import ResepError
from resep.sources.quarantine import json_line

if TYPE_CHECKING:
    import pyarrow

Row = Mapping[str, Any]

_ROWS_AT_ONCE = 10_000
_SAME_TYPE: Mapping[type, str] = {str: "text", bool: "bool", int: "int", float: "float"}
_FIRST = ("id", "split", "system", "prompt", "response", "messages", "tools", "text")


def write_parquet(rows: Iterable[Row], path: Path) -> tuple[int, list[str]]:
    """Write the rows, which are gone through twice. Returns how many, and a word on columns of several types."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise ResepError("a Parquet file needs pyarrow: pip install 'resep[data]', or export JSONL") from error
    kinds, keys = _survey(rows)
    columns = [
        *(name for name in _FIRST if name in kinds),
        *(n for n in kinds if n not in (*_FIRST, "parent")),
        "parent",
    ]
    types = {name: _type(name, kinds[name], keys) for name in columns}
    schema = pyarrow.schema([(name, kind or pyarrow.string()) for name, kind in types.items()])
    as_json = [name for name, kind in types.items() if kind is None]
    count, rows = 0, iter(rows)
    with parquet.ParquetWriter(path, schema) as writer:
        while batch := list(islice(rows, _ROWS_AT_ONCE)):
            writer.write_table(_table(b"".join(json_line(_with_json(row, as_json)) for row in batch), schema))
            count += len(batch)
    further = [name for name in as_json if name != "tools"]
    return count, [f"values of more than one type stand as JSON texts in: {', '.join(further)}"] if further else []


def _table(lines: bytes, schema: pyarrow.Schema) -> pyarrow.Table:
    """Lines of JSON as a table. For Python values, pyarrow would import pandas to ask whether they are its own."""
    from pyarrow import BufferReader, json

    options = json.ReadOptions(use_threads=False, block_size=len(lines))
    given = json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="error")
    return json.read_json(BufferReader(lines), options, given).select(schema.names)


def _survey(rows: Iterable[Row]) -> tuple[dict[str, set[str]], set[str]]:
    """Which JSON types the values of each column have, and which keys messages have: others would be nulls in each."""
    kinds: dict[str, set[str]] = defaultdict(set)
    keys: set[str] = set()
    for row in rows:
        for name, value in row.items():
            kinds[name].add(_kind(value))
        for message in row.get("messages", ()):
            keys.update(message)
    return {name: found - {"null"} for name, found in kinds.items()}, keys


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return "json"
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return "texts"
    return _SAME_TYPE.get(type(value), "json")


def _type(name: str, kinds: set[str], keys: set[str]) -> pyarrow.DataType | None:
    """The Arrow type of a column, or None for one that holds JSON as text."""
    import pyarrow

    if name == "messages":
        return pyarrow.list_(_message_type(keys))
    known = {
        "text": pyarrow.string(),
        "texts": pyarrow.list_(pyarrow.string()),
        "bool": pyarrow.bool_(),
        "int": pyarrow.int64(),
        "float": pyarrow.float64(),
    }
    return known.get(next(iter(kinds), "text")) if len(kinds) < 2 else None


def _message_type(keys: set[str]) -> pyarrow.DataType:
    import pyarrow

    text = pyarrow.string()
    call = pyarrow.struct(
        [("id", text), ("type", text), ("function", pyarrow.struct([("name", text), ("arguments", text)]))]
    )
    known = {
        "role": text,
        "content": text,
        "tool_calls": pyarrow.list_(call),
        "tool_call_id": text,
        "name": text,
        "weight": pyarrow.int64(),
    }
    return pyarrow.struct([(key, kind) for key, kind in known.items() if key in keys])


def _with_json(row: Row, names: Sequence[str]) -> Row:
    return {
        **row,
        **{name: json.dumps(row[name], ensure_ascii=False) for name in names if row.get(name) is not None},
    }
