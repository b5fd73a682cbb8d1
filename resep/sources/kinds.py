"""What a file of rows is, told by the end of its name: `.jsonl`, `.csv.gz` ..."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from resep.errors import ResepError
from resep.suggest import listed

TEXTS = ("json", "jsonl", "csv", "tsv")  # these may be compressed
TABLES = ("parquet", "arrow", "feather")  # these compress themselves
COMPRESSIONS = ("gz", "zst")


@dataclass(frozen=True)
class Kind:
    """A format, and the compression around it (gz, zst or none)."""

    format: str
    compression: str = ""


def kind_of(file: str, name: str = "") -> Kind:
    """The kind of a file called `file`. Raises ResepError, which calls it `name`, with what the ends mean."""
    name = name or file
    stem, compression = PurePosixPath(file.lower()), ""
    if stem.suffix[1:] in COMPRESSIONS:
        stem, compression = stem.with_suffix(""), stem.suffix[1:]
    ending = stem.suffix[1:]
    if ending in TABLES and compression:
        message = f"a .{ending} file compresses itself: unpack it first, and name it without .{compression}"
        raise ResepError(f"{name}: {message}")
    if ending not in TEXTS + TABLES:
        known = listed(f".{each}" for each in TEXTS + TABLES)
        raise ResepError(
            f"{name}: the name must end in {known}, texts perhaps with .gz or .zst: that is how its format is known"
        )
    return Kind(ending, compression)
