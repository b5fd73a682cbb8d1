"""Which rows are worth showing: together they went through as much as possible."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from resep.inspection.trace import Traced
from resep.stages.prepare.ledger import counted

Event = tuple[str, str]  # a step, and what it did: changed, or the reason why the row went no further

_SHORT = 600  # characters of a row that is easily read


def chosen(rows: Sequence[Traced], count: int, step: str | None = None) -> list[Traced]:
    """So many rows, in their order: those to which most different things happened, one that was dropped among them.

    Of rows that show as much, a short one is taken, and then the first. `step`: only what this step did counts, and
    rows to which it did nothing are left out.
    """
    left = [(row, events(row, step)) for row in rows]
    if step is not None:
        left = [(row, found) for row, found in left if found]
    taken: list[tuple[Traced, set[Event]]] = []
    shown: set[Event] = set()
    while left and len(taken) < count:
        some = _kind_that_is_missing(left, taken)
        best = max(some, key=lambda each: (len(each[1] - shown), _length(each[0]) <= _SHORT))
        taken.append(best)
        left.remove(best)
        shown |= best[1]
    order = {id(row): at for at, row in enumerate(rows)}
    return sorted((row for row, _ in taken), key=lambda row: order[id(row)])


def events(row: Traced, step: str | None = None) -> set[Event]:
    """What the steps did to a row."""
    found, before = set(), row.read
    for moment in row.moments:
        if moment.is_end:
            found.add((moment.step, counted(moment.said, {})))
        elif moment.state is not None and moment.state != before:
            found.add((moment.step, "changed"))
        before = before if moment.state is None else moment.state
    if step is not None:
        return {event for event in found if event[0] == step}
    return {*found, ("source", str(row.entry["source"]))}  # each of them deserves to be seen


def _kind_that_is_missing(
    left: Sequence[tuple[Traced, set[Event]]], taken: Collection[tuple[Traced, set[Event]]]
) -> Sequence[tuple[Traced, set[Event]]]:
    """The rows among which to choose: first a kept one, then a dropped one, then any."""
    wanted = {0: "kept", 1: "dropped"}.get(len(taken))
    return [each for each in left if wanted == ("kept" if each[0].entry["status"] == "kept" else "dropped")] or left


def _length(row: Traced) -> int:
    return sum(len(text) for _, text in row.read)
