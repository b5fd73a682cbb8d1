"""Traced rows for a reader: as lines in which changes can be marked, or as values for JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from resep.inspection.changes import Part, beginning, changes
from resep.inspection.masking import Mask
from resep.inspection.states import State
from resep.inspection.trace import Traced
from resep.printable import on_one_line, printable

NO_CHANGE = "no change"


@dataclass(frozen=True)
class Line:
    """A text of a row: a label (prompt, response, a role) and the parts of the text."""

    label: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Shown:
    """What a row said when it was read, or what a step did to it: a title with a remark, and lines under it."""

    title: str
    remark: str
    lines: tuple[Line, ...]


def heading(row: Traced) -> str:
    """`rows.jsonl:17  4f2a...  kept in train`."""
    entry = row.entry
    fate = f"kept in {entry['split']}" if entry["status"] == "kept" else f"{entry['status']} by {entry['step']}"
    if entry["step"] == "read":
        fate = f"{entry['status']} when it was read"
    return f"{on_one_line(entry['file'])}:{entry['line']}  {on_one_line(entry['id'])}  {fate}"


def shown(row: Traced, mask: Mask, step: str | None = None) -> Iterator[Shown]:
    """The row as it was read and after each step, or before and after one `step`. `mask` hides personal data."""
    before = _masked(row.read, mask)
    if before and step is None:
        yield Shown("read", "", tuple(_whole(before)))
    for moment in row.moments:
        after = None if moment.state is None else _masked(moment.state, mask)
        if step == moment.step:
            yield Shown("before", "", tuple(_whole(before)))
        if step in (None, moment.step):
            lines = () if after is None else tuple(_differences(before, after))
            yield Shown(moment.step, printable(moment.said) or ("" if lines else NO_CHANGE), lines)
        before = before if after is None else after


def as_values(row: Traced, mask: Mask) -> dict[str, Any]:
    """The row for JSON: its line of the ledger, its texts when it was read, and after each step, null if not known."""
    return {
        **row.entry,
        "read": _values(_masked(row.read, mask)),
        "steps": [
            {
                "step": moment.step,
                "said": moment.said or None,
                "texts": None if moment.state is None else _values(_masked(moment.state, mask)),
            }
            for moment in row.moments
        ],
    }


def _masked(state: State, mask: Mask) -> State:
    return tuple((label, mask(text)) for label, text in state)


def _values(state: State) -> list[dict[str, str]]:
    return [{"name": label, "text": text} for label, text in state]


def _whole(state: State) -> Iterator[Line]:
    for label, text in state:
        yield Line(label, (Part("same", beginning(printable(text))),))


def _differences(before: State, after: State) -> Iterator[Line]:
    if [label for label, _ in before] != [label for label, _ in after]:
        yield from (Line(label, (Part("new", beginning(printable(text))),)) for label, text in after)
        return
    for (label, old), (_, new) in zip(before, after, strict=True):
        if old != new:
            yield Line(label, tuple(changes(printable(old), printable(new))))
