"""What became of every input row: one line each, kept in a split or dropped with its reason.

A row's split is known only after all rows were read: a kept row's line is written open, and `settle` completes it.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TextIO

from resep.records import Row

MAX_REASONS = 50  # different reasons counted by name; a step that writes a new one for every row fills "other reasons"
_OPEN = '"status":"kept","split":null,"reason":null}\n'
_PLACE = re.compile(r" of .+:[0-9]+$")
_ENCODE = json.JSONEncoder(ensure_ascii=False).encode


@dataclass
class Ledger:
    """The ledger while it is written: the file, and the counts that it must agree with."""

    file: TextIO
    rows: int = 0
    dropped: Counter[str] = field(default_factory=Counter)

    @property
    def kept(self) -> int:
        return self.rows - self.dropped.total()

    def keep(self, row: Row) -> None:
        """Note a row that goes on to the splits."""
        self.rows += 1
        self.file.write(_head(row) + _OPEN)

    def drop(self, row: Row) -> None:
        """Note a dropped row with its reason."""
        assert row.dropped, f"row {row.id} was dropped without a reason"
        self.rows += 1
        self.count(row.dropped)
        self.file.write(_head(row) + _closed(None, row.dropped))

    def count(self, reason: str) -> None:
        """Count a dropped row under its reason, without the place that some reasons end in."""
        name = _PLACE.sub("", reason)
        self.dropped[name if name in self.dropped or len(self.dropped) < MAX_REASONS else "other reasons"] += 1


def is_open(line: str) -> bool:
    """Whether the line is of a kept row whose split is not yet known."""
    return line.endswith(_OPEN)


def settle(line: str, split: str | None, reason: str | None = None) -> str:
    """The open line with its row's split, or, without one, with the reason why the row is dropped after all."""
    return line.removesuffix(_OPEN) + _closed(split, reason)


def _head(row: Row) -> str:
    return f'{{"id":{_ENCODE(row.id)},"file":{_ENCODE(row.origin.file)},"line":{row.origin.line},'


def _closed(split: str | None, reason: str | None) -> str:
    status = '"kept"' if split else '"dropped"'
    return f'"status":{status},"split":{_ENCODE(split)},"reason":{_ENCODE(reason)}}}\n'
