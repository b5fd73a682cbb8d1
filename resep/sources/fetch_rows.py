"""A child process: one split of a data set on the hub -> rows.jsonl, with the help of `datasets`.

    python -m resep.sources.fetch_rows  request: {"hub", "revision", "subset", "split", "limit"}

`datasets` knows which files a split is. Where they are JSON or CSV, our own readers take them from there: `datasets`
guesses types, and makes a time of a text that looks like a date, a number of the id "007". Other files have types.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from functools import partial
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

import orjson

from resep import events
from resep.errors import ResepError
from resep.sources.hub import ROWS
from resep.sources.kinds import Kind, kind_of
from resep.sources.quarantine import json_line
from resep.sources.reading import rows_in

_PROGRESS_EVERY = 5_000
_LINES_ENDINGS = (".jsonl", ".ndjson")
_PLAIN_SEPARATORS = {"csv": ",", "tsv": "\t"}
_OFFLINE = ("ConnectionError", "ConnectError", "OfflineModeIsEnabled", "client has been closed", "Couldn't reach")


def fetch(request: Mapping[str, Any]) -> None:
    """Write the rows, `limit` of them at most, into `rows.jsonl` in the current folder. Raises ResepError."""
    lines = islice(_lines(request), request["limit"])
    with Path(ROWS).open("wb") as out:
        for number, line in enumerate(lines, 1):
            out.write(line)
            if number % _PROGRESS_EVERY == 0:
                events.emit("progress", done=number, unit="rows", message=f"{request['hub']}")


def _lines(request: Mapping[str, Any]) -> Iterator[bytes]:
    builder = _explained(_builder, request)
    files = _files(builder, request)
    if files is None or not _is_text(builder, files):
        return _typed_lines(request)
    return _text_lines(files)


def _builder(request: Mapping[str, Any]) -> Any:
    from datasets import load_dataset_builder

    return load_dataset_builder(request["hub"], name=request["subset"], revision=request["revision"])


def _files(builder: Any, request: Mapping[str, Any]) -> list[str] | None:
    """The addresses of the files of the split; None where `datasets` alone knows."""
    files = builder.config.data_files
    if not files:
        return None
    if request["split"] not in files:
        raise ResepError(f"it has no split '{request['split']}'; there are {', '.join(map(str, files))}")
    return [str(file) for file in files[request["split"]]]


def _is_text(builder: Any, files: Iterable[str]) -> bool:
    """Whether the files are JSON or CSV that our readers can take as they are."""
    config = builder.config
    if getattr(config, "field", None) is not None or getattr(config, "column_names", None) is not None:
        return False
    kinds = [_kind(file) for file in files]
    separator = getattr(config, "sep", None)
    return all(kind and separator in (None, _PLAIN_SEPARATORS.get(kind.format, separator)) for kind in kinds)


def _kind(file: str) -> Kind | None:
    name = PurePosixPath(file).name.replace(".ndjson", ".jsonl")
    try:
        kind = kind_of(name)
    except ResepError:
        return None
    return kind if kind.format in ("json", "jsonl", "csv", "tsv") else None


def _text_lines(files: Iterable[str]) -> Iterator[bytes]:
    import fsspec

    for file in files:
        kind = _kind(file)
        assert kind is not None, f"{file} was looked at before"
        with fsspec.open(file, "rb") as content:
            for row in rows_in(content, _told_apart(content, kind), file):
                yield (row.text + "\n").encode() if row.problem else json_line(row.values)


def _told_apart(content: Any, kind: Kind) -> Kind:
    """On the hub, a .json file may hold lines of rows as well as a list of them."""
    if kind.format != "json" or kind.compression:
        return kind
    first = content.read(1000).lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    content.seek(0)
    return Kind("jsonl") if first == b"{" else kind


def _typed_lines(request: Mapping[str, Any]) -> Iterator[bytes]:
    rows = iter(_explained(_typed_rows, request))
    while (row := _explained(partial(next, rows), None)) is not None:
        yield _typed_line(row)


def _typed_line(row: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(row, default=_as_text, option=orjson.OPT_APPEND_NEWLINE)
    except TypeError as error:
        raise ResepError(f"a row of it cannot be written as JSON: {error}") from error


def _typed_rows(request: Mapping[str, Any]) -> Any:
    from datasets import load_dataset

    rows = load_dataset(
        request["hub"],
        name=request["subset"],
        split=request["split"],
        revision=request["revision"],
        streaming=request["limit"] is not None,
    )
    without_text = [name for name, feature in (rows.features or {}).items() if not _has_text(feature)]
    for name in without_text:
        events.emit("warning", message=f"{request['hub']}: the column '{name}' is left out: it holds no text")
    return rows.remove_columns(without_text) if without_text else rows


def _has_text(feature: Any) -> bool:
    """Whether values of this kind can be written as JSON: no images, sounds or bytes in them."""
    if isinstance(feature, Mapping):
        return all(map(_has_text, feature.values()))
    if isinstance(feature, list):
        return all(map(_has_text, feature))
    if hasattr(feature, "feature"):
        return _has_text(feature.feature)
    dtype = getattr(feature, "dtype", "")
    is_scalar = type(feature).__name__ in ("Value", "ClassLabel", "Json", "Translation")
    return is_scalar and "binary" not in dtype and not dtype.startswith("duration")


def _as_text(value: Any) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if hasattr(value, "isoformat"):  # a time of pandas
        return str(value.isoformat())
    raise TypeError(type(value).__name__)


def _explained(load: Callable[[Any], Any], given: Any) -> Any:
    """What `load` makes of what is given. Raises ResepError with what the person can do."""
    try:
        return load(given)
    except Exception as error:
        raise ResepError(_explanation(f"{type(error).__name__}: {error}")) from error


def _explanation(said: str) -> str:
    if any(sign in said for sign in _OFFLINE):
        return (
            "the hub could not be reached, and these rows are not on this machine yet: connect once (and unset "
            "HF_HUB_OFFLINE), or copy the data set's files here and name them with 'path'"
        )
    if "DatasetNotFoundError" in said or "RepositoryNotFound" in said:
        return "the hub has no such data set, or it is private or gated: accept its terms, then `hf auth login`"
    if "Revision" in said:
        return "the hub has no such revision of it: copy the commit from its page, under 'Files and versions'"
    if "scripts are no longer supported" in said:
        return "it is made by a script, which is code and is not run: name its files with 'path'"
    return f"it cannot be loaded: {said}"


if __name__ == "__main__":
    events.work(fetch)
