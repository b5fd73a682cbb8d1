"""Read a source's rows as they stand in their file, one by one: JSON, JSONL, CSV, Parquet.

Nothing is inferred: a CSV value is a text, a date-like text stays a text. What cannot be read is a Problem with its
place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from resep.errors import ResepError
from resep.stages.prepare.json_rows import read_json_rows, read_jsonl_rows
from resep.stages.prepare.raw import RawRow
from resep.stages.prepare.table_rows import read_csv_rows, read_parquet_rows
from resep.suggest import did_you_mean, listed

_READERS: dict[str, Callable[[Path, str], Iterator[RawRow]]] = {
    ".json": read_json_rows,
    ".jsonl": read_jsonl_rows,
    ".csv": read_csv_rows,
    ".parquet": read_parquet_rows,
}


def read_source(path: Path, name: str) -> Iterator[RawRow]:
    """The rows of a file in its order. `name` is the file as the recipe names it, for places and messages.

    A row that alone is broken comes with its problem; a file that cannot be read further is a ResepError.
    """
    check_source(path, name)
    count = 0
    for row in _READERS[path.suffix.lower()](path, name):
        count += 1
        yield row
    if not count:
        raise ResepError(f"{name}: the file has no rows")


def check_source(path: Path, name: str) -> None:
    """A ResepError unless the file is there and of a kind that can be read."""
    if path.suffix.lower() not in _READERS:
        raise ResepError(f"{name}: the name must end in {listed(_READERS)}: that is how its format is known")
    if not path.is_file():
        beside = [file.name for file in path.parent.iterdir()] if path.parent.is_dir() else []
        what = "is a folder" if path.is_dir() else "no such file"
        folder = "" if Path(name).is_absolute() else f" in {path.parent}"
        raise ResepError(f"{name}: {what}{folder}{did_you_mean(path.name, beside)}")
    if path.stat().st_size == 0:
        raise ResepError(f"{name}: the file is empty")
