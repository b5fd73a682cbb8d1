"""Where preparation stands: the rows that are left, on disk, and what every step did so far."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import compress
from pathlib import Path
from typing import Any

from resep.stages.prepare.columns import Column
from resep.stages.prepare.deciding import Deciding
from resep.stages.prepare.fates import Fates
from resep.stages.prepare.shard import Shard, load


@dataclass
class StepDone:
    """What a step did: rows in, on, changed and made; values replaced by kind; what it found out about all of them."""

    name: str
    rows_in: int = 0
    rows_out: int = 0
    changed: int = 0
    rows_made: int = 0
    replaced: dict[str, int] = field(default_factory=dict)
    findings: Mapping[str, Any] | None = None


@dataclass
class Left:
    """The rows that a pass left, shard by shard, in their files. Numbers in a shard count from its offset."""

    folder: Path
    offsets: list[int] = field(default_factory=list)

    def shards(self) -> Iterator[tuple[int, Shard]]:
        for at, offset in enumerate(self.offsets):
            yield offset, load(self.folder / f"{at:06}")


@dataclass
class Passed:
    """All rows after all steps before the split: what the first and the last pass left, and what happened on the way.

    `groups` says of a row's number which rows must stay on its side of the split.
    """

    first: Left
    left: Left
    fates: Fates
    steps: list[StepDone]
    deciding: Deciding
    private: Column  # digests of the personal data that was replaced, one after another
    groups: dict[int, str] = field(default_factory=dict)
    shares_numbers: bool = False  # whether rows hold values whose numbers the whole data set shares, in `book`
    book: dict[str, int] = field(default_factory=dict)


def open_lines(fates: Fates, offset: int, shard: Shard) -> Iterator[bytes]:
    """The lines of a shard whose rows have not been dropped since."""
    is_open = fates.fates[shard.numbers + offset] == 0
    return compress(shard.lines(), is_open.tolist())
