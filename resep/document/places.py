"""Where the nodes of a recipe stand, and how messages name them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

KeyPath = tuple[str | int, ...]  # ("data", "sources", 0, "path")


@dataclass(frozen=True)
class Place:
    """Where a node stands: file, line and column (from 1), and the text of that line for the caret.

    `typed`: not in a file but in an argument of the command line, which `file` names (`--set #1`).
    """

    file: str
    line: int
    column: int
    source: str
    typed: bool = False

    def __str__(self) -> str:
        return self.file if self.typed else f"{self.file}:{self.line}"


def dotted(path: Sequence[str | int]) -> str:
    """A path as messages write it: `data.sources[0].path`."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return "".join(parts).removeprefix(".")
