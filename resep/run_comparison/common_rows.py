"""The test rows that two runs share: equal ids, the same question, the same target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from resep.records import Sample


@dataclass(frozen=True)
class CommonRows:
    """`ids` are in both and were asked the same. The numbers count those that were not compared."""

    ids: frozenset[str]
    only_first: int
    only_second: int
    asked_differently: int
    other_system: int
    metadata: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def clusters(self, by: str | None) -> dict[str, str] | None:
        """Row id -> cluster, by a metadata field of the first run's rows."""
        if not by:
            return None
        return {row: str(value) for row, facts in self.metadata.items() if (value := facts.get(by)) is not None}

    def in_words(self) -> str:
        """`45 rows in common; 3 only in the first`."""
        parts = [
            (self.only_first, "only in the first"),
            (self.only_second, "only in the second"),
            (self.asked_differently, "in both, but with another question or target"),
        ]
        told = [f"{count} {where}" for count, where in parts if count]
        return "; ".join([f"{len(self.ids)} row{'s' * (len(self.ids) != 1)} in common", *told])


def common_rows(first: Mapping[str, Sample], second: Mapping[str, Sample]) -> CommonRows:
    """What two arms' samples, by row id, have in common. A system text may differ: it is counted, not refused."""
    both = first.keys() & second.keys()
    same = frozenset(row for row in both if _question(first[row]) == _question(second[row]))
    return CommonRows(
        ids=same,
        only_first=len(first.keys() - both),
        only_second=len(second.keys() - both),
        asked_differently=len(both) - len(same),
        other_system=sum(first[row].prompt != second[row].prompt for row in same),
        metadata={row: first[row].metadata for row in same},
    )


def _question(sample: Sample) -> tuple[object, ...]:
    return sample.target, tuple(message for message in sample.prompt if message.role != "system")
