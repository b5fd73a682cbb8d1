"""Rows of Parquet and Arrow files, whose columns have types of their own: numbers, texts and lists stay what they are.

Dates and times become texts in ISO 8601 (2024-01-31T12:00:00+07:00), decimal numbers texts with all their digits. What
no text can be made of (bytes, durations) is the row's problem.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, BinaryIO

from resep.errors import Problem, ResepError
from resep.records import Origin
from resep.sources.raw import RawRow

Convert = Callable[[Any], Any]
_ROWS_AT_ONCE = 1000
_A = {"parquet": "a Parquet", "arrow": "an Arrow", "feather": "an Arrow"}


class _NoTextError(Exception):
    """A value that no text can be made of. The message says which."""


def table_rows(file: BinaryIO, name: str, form: str) -> Iterator[RawRow]:
    """The rows of a Parquet or Arrow file. Raises ResepError where it cannot be read."""
    try:
        import pyarrow
    except ImportError as error:
        raise ResepError(f"{name}: reading {_A[form]} file needs pyarrow: pip install 'resep[data]'") from error
    number = 0
    try:
        for batch in _parquet_batches(file) if form == "parquet" else _arrow_batches(file):
            converted = _converters(_checked(batch.schema, name))
            for values in _in_microseconds(batch, name).to_pylist():
                number += 1
                yield _row(values, converted, Origin(name, number))
    except (pyarrow.ArrowException, OSError) as error:
        after = f" after row {number}" if number else ""
        raise ResepError(f"{name}: not {_A[form]} file that can be read{after}: {error}") from error


def stated_rows(file: BinaryIO) -> int | None:
    """How many rows a Parquet file says that it has; None where it cannot be asked: to read it tells why."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        return None
    try:
        return int(parquet.read_metadata(file).num_rows)
    except (pyarrow.ArrowException, OSError):
        return None


def _parquet_batches(file: BinaryIO) -> Iterator[Any]:
    from pyarrow import parquet

    with parquet.ParquetFile(file) as table:
        yield from table.iter_batches(batch_size=_ROWS_AT_ONCE)


def _arrow_batches(file: BinaryIO) -> Iterator[Any]:
    """The batches of an Arrow file (its first bytes say so), or of a stream; not larger than a Parquet file's."""
    from pyarrow import ipc

    is_file = file.read(6) == b"ARROW1"
    file.seek(0)
    if is_file:
        table = ipc.open_file(file)
        batches: Iterator[Any] = (table.get_batch(index) for index in range(table.num_record_batches))
    else:
        batches = iter(ipc.open_stream(file))
    for batch in batches:
        for start in range(0, batch.num_rows, _ROWS_AT_ONCE):
            yield batch.slice(start, _ROWS_AT_ONCE)


def _checked(schema: Any, name: str) -> Any:
    twice = sorted({column for column in schema.names if schema.names.count(column) > 1})
    if twice:
        raise ResepError(f"{name}: two columns are called {twice[0]!r}")
    return schema


def _row(values: dict[str, Any], converters: Mapping[str, Convert], origin: Origin) -> RawRow:
    for column, convert in converters.items():
        try:
            values[column] = convert(values[column])
        except _NoTextError as error:
            message = f"the column {column!r} holds {error}: leave it out of the file"
            return RawRow(origin, {}, Problem(origin.file, origin.line, 0, "", message))
    return RawRow(origin, values)


def _in_microseconds(batch: Any, name: str) -> Any:
    """The batch without times of nanoseconds, which Python has none of (pyarrow would ask pandas for its own)."""
    import pyarrow

    schema = pyarrow.schema([field.with_type(_coarser(field.type)) for field in batch.schema])
    if schema.equals(batch.schema):
        return batch
    try:
        return batch.cast(schema)
    except pyarrow.ArrowInvalid as error:
        raise ResepError(f"{name}: a time is finer than a microsecond, and would be cut: round it first") from error


def _coarser(kind: Any) -> Any:
    import pyarrow
    from pyarrow import types

    if types.is_timestamp(kind) and kind.unit == "ns":
        return pyarrow.timestamp("us", kind.tz)
    if types.is_time64(kind) and kind.unit == "ns":
        return pyarrow.time64("us")
    for is_kind, make in (
        (types.is_list, pyarrow.list_),
        (types.is_large_list, pyarrow.large_list),
        (types.is_fixed_size_list, partial(pyarrow.list_, list_size=getattr(kind, "list_size", 0))),
    ):
        if is_kind(kind):
            return make(kind.value_field.with_type(_coarser(kind.value_type)))
    if types.is_map(kind):
        return pyarrow.map_(kind.key_type, kind.item_field.with_type(_coarser(kind.item_type)))
    if types.is_struct(kind):
        return pyarrow.struct([field.with_type(_coarser(field.type)) for field in kind])
    return kind


def _converters(schema: Any) -> dict[str, Convert]:
    """Column -> what makes a value of ours of it, for those columns whose values are none as they come."""
    found = {field.name: _converter(field.type) for field in schema}
    return {name: convert for name, convert in found.items() if convert is not None}


def _converter(kind: Any) -> Convert | None:
    from pyarrow import types

    if types.is_dictionary(kind):
        return _converter(kind.value_type)
    if types.is_map(kind):
        return _each_pair(_converter(kind.item_type))
    if types.is_struct(kind):
        inside = _converters(kind)
        return _each_field(inside) if inside else None
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return _each_item(_converter(kind.value_type))
    if types.is_temporal(kind) and not types.is_duration(kind) and not types.is_interval(kind):
        return lambda value: None if value is None else value.isoformat()
    if types.is_decimal(kind):
        return lambda value: None if value is None else f"{value:f}"
    known = (types.is_string, types.is_large_string, types.is_integer, types.is_floating, types.is_boolean)
    return None if types.is_null(kind) or any(is_known(kind) for is_known in known) else _refuse(str(kind))


def _each_item(convert: Convert | None) -> Convert | None:
    return convert and (lambda items: None if items is None else [convert(item) for item in items])


def _each_field(inside: Mapping[str, Convert]) -> Convert:
    def convert(value: Any) -> Any:
        return value and {**value, **{name: inner(value[name]) for name, inner in inside.items()}}

    return convert


def _each_pair(convert: Convert | None) -> Convert:
    return lambda pairs: None if pairs is None else {str(k): convert(v) if convert else v for k, v in pairs}


def _refuse(kind: str) -> Convert:
    def convert(value: Any) -> Any:
        if value is not None:
            raise _NoTextError(f"values of the type {kind}")
        return None

    return convert
