"""How far preparation is: rows, rows per second, and about how many there will be."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from resep.sources import Block
from resep.store import Emit

_EVERY_S = 0.5


@dataclass
class Progress:
    """Emits progress events. `total_bytes` of all files says about how many rows there will be; 0: nobody knows."""

    emit: Emit
    total_bytes: int = 0
    rows: int = 0
    _total: int = 0
    _sizes: deque[int] = field(default_factory=deque)
    _started: float = field(default_factory=time.monotonic)
    _shown: float = 0.0

    def watched(self, blocks: Iterable[Block]) -> Iterator[Block]:
        """The blocks, with a note of how large each is: they are done in this order, some time later."""
        for block in blocks:
            self._sizes.append(block.size)
            yield block

    def advance(self, rows: int) -> None:
        """A block of so many rows is done."""
        self.rows += rows
        size = self._sizes.popleft() if self._sizes else 0
        if self.rows > self._total and size:
            # Seldom another: a bar whose end moves forgets how fast it was.
            self._total = max(self.rows, round(rows * self.total_bytes / size))
        now = time.monotonic()
        if now - self._shown < _EVERY_S or now - self._started < _EVERY_S:
            return
        self._shown = now
        speed = f" · {self.rows / (now - self._started):,.0f} rows/s"
        total = {"total": self._total} if self._total else {}
        self.emit({"event": "progress", "done": self.rows, "unit": "rows", "note": speed, **total})
