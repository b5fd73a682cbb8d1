"""Classes that a split has no row of, and why: what a rare class can and cannot count on."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from resep.splits import SPLITS, TEST, UNTESTABLE
from resep.splits.columns import Codes, Columns, Indices

_SHOWN = 5  # names in a sentence
_TOO_FEW = "fewer prompts than splits"

Counts = NDArray[np.int64]  # rows of each class (by its code) in each split, and in the last column in none


@dataclass(frozen=True)
class Uncovered:
    """A class of `rows` rows, none of which is in `split`, and why."""

    name: str
    split: str
    rows: int
    why: str


def count_classes(columns: Columns, codes: Codes) -> Counts:
    """How many rows of each class are in each split; one column more than splits, for those that may be in none."""
    assert columns.stratum is not None
    width = len(SPLITS) + 1
    column = np.where(codes < 0, len(SPLITS), codes)
    return np.bincount(columns.stratum * width + column, minlength=width * len(columns.strata)).reshape(-1, width)


def uncovered(columns: Columns, before: Codes, after: Codes, small: Collection[str]) -> Iterator[Uncovered]:
    """Every class with a split that has rows and none of its own; `before` and `after` the limits are taken."""
    had, has = count_classes(columns, before), count_classes(columns, after)
    rows = had.sum(axis=1)
    asked = [code for code in range(len(SPLITS)) if had[:, code].any()]
    is_lacking = (has[:, asked] == 0).any(axis=1) & (rows > 0)
    lacking: Indices = np.flatnonzero(is_lacking)
    for stratum in sorted(lacking.tolist(), key=columns.strata.__getitem__):
        name = columns.strata[stratum]
        for code in (code for code in asked if not has[stratum, code]):
            why = _why(columns, code, stratum, bool(had[stratum, code]), name in small)
            yield Uncovered(name, SPLITS[code], int(rows[stratum]), why)


def _why(columns: Columns, code: int, stratum: int, had_some: bool, is_small: bool) -> str:
    split = SPLITS[code]
    if had_some:
        return f"split.max_rows.{split} leaves no room"
    if columns.given is not None:
        return f"none is given as {split}"
    if is_small:
        return _TOO_FEW
    if code == TEST and columns.has_question is not None and _asks_nothing(columns, stratum):
        return "no row asks anything"
    return "their prompts count for another class"


def _asks_nothing(columns: Columns, stratum: int) -> bool:
    assert columns.stratum is not None
    assert columns.has_question is not None
    return not columns.has_question[columns.stratum == stratum].any()


def sentences(rare: Sequence[Uncovered], field: str | None) -> Iterator[str]:
    """What a person is told of them: one sentence per reason, the first of the classes by name."""
    small = {each.name: each for each in rare if each.why == _TOO_FEW}
    if small:
        members = [*small.values()]
        yield f"{_values(members, field)} too few prompts to be in every split: {_listed(members)}"
    others = sorted((each for each in rare if each.why != _TOO_FEW), key=lambda each: (each.split, each.why))
    for (split, why), group in groupby(others, key=lambda each: (each.split, each.why)):
        members = list(group)
        yield f"{_values(members, field)} no {split} rows ({why}): {_listed(members)}"


def _values(members: Sequence[Uncovered], field: str | None) -> str:
    count = len(members)
    return f"{count} value{'s' * (count != 1)} of '{field}' {'have' if count != 1 else 'has'}"


def _listed(members: Sequence[Uncovered]) -> str:
    names = [f"{each.name!r} ({each.rows} row{'s' * (each.rows != 1)})" for each in members[:_SHOWN]]
    return ", ".join(names) + (", ..." if len(members) > _SHOWN else "")


def untestable(codes: Codes) -> str:
    """What is told of rows that were to be test rows and ask nothing; else an empty text."""
    count = int((codes == UNTESTABLE).sum())
    if not count:
        return ""
    verb = "asks nothing and is" if count == 1 else "ask nothing and are"
    return f"{count} row{'s' * (count != 1)} of the test split {verb} left out"
