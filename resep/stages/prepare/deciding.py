"""What decides the split of the rows that the last pass leaves: columns on disk, filled shard by shard."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from resep.splits.columns import Columns
from resep.stages.prepare.columns import Column, chosen_rows
from resep.stages.prepare.shard import KINDS, Shard

if TYPE_CHECKING:
    from resep.stages.prepare.state import Passed


class Deciding:
    """The number of each row, and what its split goes by. `strata`: the classes, in the order in which they came."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._columns: dict[str, Column] = {}
        self.strata: dict[str, int] = {}

    def add(self, shard: Shard, offset: int) -> None:
        """Enter the rows of a shard, whose numbers count from `offset`."""
        self._column("numbers").extend(shard.numbers + offset)
        for name in shard.arrays.keys() - {"numbers", "lines"}:
            self._column(name).write(shard.arrays[name])
        if "stratum" in shard.columns:
            codes = [self.strata.setdefault(name, len(self.strata)) for name in shard.columns["stratum"]]
            self._column("stratum", "int32").extend(codes)

    def numbers(self) -> NDArray[np.int64]:
        """The number of each row."""
        return self._column("numbers").array()

    def array(self, name: str) -> NDArray[Any] | None:
        """A number for each row; None for what nothing goes by."""
        return self._columns[name].array() if name in self._columns else None

    def _column(self, name: str, kind: str | None = None) -> Column:
        if name not in self._columns:
            self._columns[name] = Column(self._folder / f"deciding-{name}", kind or KINDS[name])
        return self._columns[name]


def candidates(passed: Passed) -> tuple[NDArray[np.int64], Columns]:
    """The rows that the last pass left and no judgement dropped since: their numbers, and what decides their split."""
    deciding, fates = passed.deciding, passed.fates
    there = fates.open_among(deciding.numbers(), fates.folder / "open")

    def chosen(name: str) -> Any:
        array = deciding.array(name)
        return None if array is None else chosen_rows(array, there, fates.folder / f"chosen-{name}")

    numbers = chosen("numbers")
    return numbers, Columns(
        position=chosen("position"),
        stratum=chosen("stratum"),
        strata=[*deciding.strata],
        time=chosen("time"),
        given=chosen("given"),
        has_question=chosen("question"),
        place=lambda at: fates.place(int(numbers[at])),
    )
