"""What preparation left in its folder, looked up row by row: files of any size, of which little is read."""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson


@dataclass(frozen=True)
class Prepared:
    """The files of a finished stage `prepare`, mapped into memory by name; one without a byte is not there."""

    files: Mapping[str, mmap.mmap]

    def entries(self, file: str, line: int, source: int, count: int) -> list[dict[str, Any]]:
        """What the ledger says of `count` neighbouring rows, the first of which stands on this line of this file."""
        ledger = self.files["ledger"]
        place = orjson.dumps({"file": file, "line": line, "source": source})[1:-1]
        ledger.seek(ledger.rfind(b"\n", 0, _found(ledger, place + b',"status":')) + 1)
        return [orjson.loads(ledger.readline()) for _ in range(count)]

    def rows_made_from(self, name: str) -> int:
        """How many rows that are kept were made from the row of this id."""
        ledger, parent, count, at = self.files["ledger"], b'"parent":' + orjson.dumps(name) + b"}\n", 0, -1
        while (at := ledger.find(parent, at + 1)) >= 0:
            line = ledger[ledger.rfind(b"\n", 0, at) + 1 : at] + parent
            count += orjson.loads(line)["status"] == "kept"
        return count

    def example(self, split: str, name: str) -> dict[str, Any]:
        """The example of this id as it stands in its split."""
        file, start = self.files[split], b'{"id":' + orjson.dumps(name) + b","
        at = 0 if file[: len(start)] == start else _found(file, b"\n" + start) + 1
        return dict(orjson.loads(file[at : file.find(b"\n", at)]))


def _found(file: mmap.mmap, text: bytes) -> int:
    """Where a text stands that is known to be there."""
    at = file.find(text)
    assert at >= 0, "the prepared rows are not those of this recipe"
    return at


@contextmanager
def opened(folder: Path) -> Iterator[Prepared]:
    """The prepared rows of a folder, for as long as the block lasts."""
    files = {}
    for path in folder.glob("*.jsonl"):
        if path.stat().st_size:
            with path.open("rb") as file:
                files[path.stem] = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    try:
        yield Prepared(files)
    finally:
        for mapped in files.values():
            mapped.close()
