"""Which rows get children, and how many: decided by ranks and counts, before any model is asked."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from statistics import median

from resep.augmentation.forms import Texts, shown
from resep.augmentation.settings import Settings
from resep.drawing import NO_LABEL, apportion, label_of, rank
from resep.errors import ResepError
from resep.records import Row

_ASKED_PER_WANTED = 2  # a child that is refused is made up for, but not at any price
ALL = "all rows"


@dataclass(frozen=True)
class Wish:
    """One child of a parent: `turn` counts the parent's children from 1, `shown` is what the model gets to see."""

    parent: Row
    shown: Texts
    turn: int
    seed: int

    def again(self) -> Wish:
        """The same wish, drawn anew."""
        return replace(self, seed=self.seed ^ 1)


@dataclass
class Group:
    """The rows of one class that may be parents, by rank. `count` rows there are, `wanted` children are to be made."""

    count: int
    wanted: int
    parents: list[tuple[Row, Texts]] = field(default_factory=list)

    def wishes(self, settings: Settings) -> Iterator[Wish]:
        """Turn by turn through the parents, so that no parent gets a second child before each has its first."""
        turns = ((turn, *parent) for turn in range(1, settings.per_row + 1) for parent in self.parents)
        for (turn, row, texts), _ in zip(turns, range(self.wanted * _ASKED_PER_WANTED), strict=False):
            yield Wish(row, texts, turn, _seed(settings.seed, row.id, turn))


def groups_of(rows: Iterable[Row], settings: Settings) -> dict[str, Group]:
    """The classes that get children, with their parents. `rows` is gone through twice.

    Rows that a step made, and those without the texts to make a child of, are counted and are nobody's parents.
    """
    groups = _rare(rows, settings) if settings.target == "rare" else _all(rows, settings)
    _find_parents(rows, groups, settings)
    return groups


def _all(rows: Iterable[Row], settings: Settings) -> dict[str, Group]:
    count = sum(1 for _ in rows)
    return {ALL: Group(count, min(settings.rows, count * settings.per_row))}


def _rare(rows: Iterable[Row], settings: Settings) -> dict[str, Group]:
    counts = Counter(label for row in rows if (label := label_of(row, [settings.by or ""])) != NO_LABEL)
    if not counts:
        raise ResepError(f"preprocessing.augment.by: no training row has a value in the field '{settings.by}'")
    aim = settings.up_to or int(median(counts.values()))
    missing = {label: aim - count for label, count in sorted(counts.items()) if count < aim}
    wanted = list(missing.values())
    shares = wanted if sum(wanted) <= settings.rows else apportion(wanted, settings.rows, wanted)
    return {label: Group(counts[label], share) for label, share in zip(missing, shares, strict=True) if share}


def _find_parents(rows: Iterable[Row], groups: dict[str, Group], settings: Settings) -> None:
    """The parents of each group: of the many rows of a large one, those that the draw would ever come to."""
    found: dict[str, list[tuple[int, str, Row, Texts]]] = {name: [] for name in groups}
    for row in rows:
        name = ALL if settings.target == "all" else label_of(row, [settings.by or ""])
        if name not in groups or row.parent is not None or (texts := shown(row, settings.what)) is None:
            continue
        entry = (-rank(settings.seed, row.id), row.id, row, texts)
        if len(found[name]) < groups[name].wanted * _ASKED_PER_WANTED:
            heapq.heappush(found[name], entry)
        else:
            heapq.heappushpop(found[name], entry)
    for name, entries in found.items():
        groups[name].parents = [(row, texts) for _, _, row, texts in sorted(entries, key=_place)]


def _place(entry: tuple[int, str, Row, Texts]) -> tuple[int, str]:
    return -entry[0], entry[1]


def _seed(seed: int, row_id: str, turn: int) -> int:
    """A seed of its own for every child: 31 bits, which every server takes; even, so that `again` is another."""
    state = blake2b(f"{seed}\0{turn}\0{row_id}".encode("utf-8", "surrogatepass"), digest_size=4)
    return (int.from_bytes(state.digest(), "big") >> 1) & ~1
