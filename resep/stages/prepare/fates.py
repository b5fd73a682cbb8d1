"""What became of every input row, on disk: a number per row, and the reasons in a file that each number points into."""

from __future__ import annotations

import mmap
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import orjson
from numpy.typing import NDArray

from resep.stages.prepare.columns import Column, filled, in_pieces, occurrences
from resep.stages.prepare.ids import numbers_of
from resep.stages.prepare.imbalance import MOST_VALUES
from resep.stages.prepare.ledger import counted
from resep.stages.prepare.shard import Drop, Shard

_WRITTEN_AT_ONCE = 1_000_000  # bytes
_REMEMBERED = 10_000  # reasons whose place in the file is known: most rows share a few


class Fates:
    """Every input row by its number: where it came from, and whether a step dropped it. Rows come shard by shard."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._fates = Column(folder / "fates", "int64")  # 0: open; else 1 + the place of its reason
        self._lines = Column(folder / "lines", "uint32")
        self._ids = Column(folder / "ids", "uint64")
        self._reasons = folder / "reasons"
        self._reasons.write_bytes(b"")
        self._unwritten, self._written = bytearray(), 0
        self._known: dict[tuple[str, str], int] = {}
        self._offsets: list[int] = []
        self._files: list[str] = []
        self.sources: list[int] = []  # of each shard
        self.count = 0
        self.dropped: dict[tuple[int, str], Counter[str]] = defaultdict(Counter)  # (source, step) -> reasons
        self.values: dict[str, Counter[str]] = defaultdict(Counter)  # of the mapped fields of all rows

    def add(self, shard: Shard) -> int:
        """Note the rows of a shard, those dropped in it included; returns the number of its first row."""
        read, offset = shard.read, self.count
        self._offsets.append(offset)
        self._files.append(read["file"])
        self.sources.append(read["source"])
        self.count += len(read["ids"])
        fates = np.zeros(len(read["ids"]), "int64")
        for drop in shard.drops:
            fates[drop.number] = 1 + self._noted(drop, read["source"])
        self._fates.write(fates.tobytes())
        self._lines.write(shard.arrays["lines"])
        for field, counts in read["values"].items():
            if len(self.values[field]) <= MOST_VALUES:
                self.values[field].update(counts)
        self._ids.extend(numbers_of(read["ids"]))
        return offset

    def close(self) -> None:
        """All rows have come: from now on the columns are arrays, and rows may be asked for and dropped."""
        self.fates: NDArray[np.int64] = self._fates.array()
        self.lines: NDArray[np.uint32] = self._lines.array()
        self.repeats: NDArray[np.uint32] = filled(self.folder / "repeats", "uint32", self.count)
        self.ids: NDArray[np.uint64] = self._ids.array()
        occurrences(self.ids, self.repeats)

    def drop(self, drops: Iterable[Drop], offset: int = 0) -> int:
        """Note rows that go no further, and return how many; one that was dropped already keeps its first reason."""
        dropped = 0
        for drop in drops:
            number = offset + drop.number
            if not self.fates[number]:
                self.fates[number] = 1 + self._noted(drop, self.source(number))
                dropped += 1
        return dropped

    def open_among(self, numbers: NDArray[np.int64], path: Path) -> NDArray[np.int64]:
        """Which of the rows of these numbers are open, as indices into `numbers`; on disk."""
        found, start = Column(path, "int64"), 0
        for some in in_pieces(numbers):
            found.extend(start + np.flatnonzero(self.fates[some] == 0))
            start += len(some)
        return found.array()

    def rows_of(self, source: int) -> int:
        """How many rows a source gave."""
        ends = [*self._offsets[1:], self.count]
        shards = zip(self._offsets, ends, self.sources, strict=True)
        return sum(end - start for start, end, of in shards if of == source)

    def source(self, number: int) -> int:
        return self.sources[bisect_right(self._offsets, number) - 1]

    def place(self, number: int) -> str:
        """Where a row came from: `rows.jsonl:17`."""
        return f"{self._files[bisect_right(self._offsets, number) - 1]}:{self.lines[number]}"

    def name(self, own: str, number: int) -> str:
        """The row's id, told apart from those of earlier rows that say the same: `#2`, `#3`."""
        again = self.repeats[number]
        return f"{own}#{again + 1}" if again else own

    def reasons(self) -> Callable[[int], tuple[str, str] | None]:
        """A function: fate of a row -> (step, reason), or None for a row that is open. Nothing is dropped after it."""
        self._write_reasons()
        text = b""
        if self._written:
            with self._reasons.open("rb") as file:
                text = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)  # type: ignore[assignment]

        def read(fate: int) -> tuple[str, str] | None:
            at = fate - 1
            return None if at < 0 else tuple(orjson.loads(text[at : text.find(b"\n", at)]))

        return read

    def _noted(self, drop: Drop, source: int) -> int:
        """Count a dropped row; the place of its reason in the file."""
        counts = self.dropped[source, drop.step]
        counts[counted(drop.reason, counts)] += 1
        key = (drop.step, drop.reason)
        if key in self._known:
            return self._known[key]
        place = self._written + len(self._unwritten)
        self._unwritten += orjson.dumps(key) + b"\n"
        if len(self._unwritten) > _WRITTEN_AT_ONCE:
            self._write_reasons()
        if len(self._known) < _REMEMBERED:
            self._known[key] = place
        return place

    def _write_reasons(self) -> None:
        with self._reasons.open("ab") as file:
            self._written += file.write(self._unwritten)
        self._unwritten.clear()
