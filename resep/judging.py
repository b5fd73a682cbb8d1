"""How a step judges all rows at once without holding them: each row as a few bytes, then one look at all of them.

The bytes are made in parallel, row by row, and lie in a file; the judgement runs once, over the whole table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Digests:
    """The digests of all rows that a step sees. `table` has shape (rows, bytes), dtype uint8; its row i is row i."""

    table: NDArray[numpy.uint8]
    place: Callable[[int], str]  # where row i came from: `rows.jsonl:17`

    def __len__(self) -> int:
        return len(self.table)

    def numbers(self) -> NDArray[Any]:
        """Digests of eight bytes as whole numbers, shape (rows,), dtype uint64: to be sorted and compared."""
        import numpy

        return numpy.ascontiguousarray(self.table).view(numpy.dtype(">u8"))[:, 0].astype(numpy.uint64)


@dataclass(frozen=True)
class Judgement:
    """What is said of row `index`: why it is dropped, or the `group` whose rows all stay on one side of the split."""

    index: int
    dropped: str | None = None
    group: str | None = None
