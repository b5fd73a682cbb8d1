"""How far preparation is: rows, rows per second, and about how many there will be."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from resep.sources import Block
from resep.store import Emit

_EVERY_S = 0.5


@dataclass
class Progress:
    """Emits progress events. `total_bytes` of all files, None where it says nothing (compressed, columnar)."""

    emit: Emit
    total_bytes: int | None = None
    rows: int = 0
    _bytes: int = 0
    _started: float = field(default_factory=time.monotonic)
    _shown: float = 0.0

    def watched(self, blocks: Iterable[Block]) -> Iterator[Block]:
        """The blocks, their bytes counted."""
        for block in blocks:
            self._bytes += len(block.lines)
            yield block

    def advance(self, rows: int, doing: str = "rows") -> None:
        self.rows += rows
        now = time.monotonic()
        if now - self._shown < _EVERY_S or now - self._started < _EVERY_S:
            return
        self._shown = now
        speed = f" · {self.rows / (now - self._started):,.0f} rows/s"
        total = {"total": self._expected()} if self.total_bytes and self._bytes else {}
        self.emit({"event": "progress", "done": self.rows, "unit": doing, "note": speed, **total})

    def _expected(self) -> int:
        """All rows, if the rest of the bytes hold as many as those so far."""
        assert self.total_bytes is not None
        return max(self.rows, round(self.rows * self.total_bytes / self._bytes))
