"""Which rows say the same, or nearly: exact duplicates by a digest, near ones by their signatures.

A near duplicate is dropped for a row that stays, never through a third: where a is like b and b like c, but a not like
c, then a and c both stay. Along such chains "create a database instance" would go for "modify a DB instance": in the
questions of a cloud's manual, at 0.7, one in eleven of the rows that hang together with a kept one is not like it.
Groups do follow chains, because a pair of near rows on two sides of a split is a leak whatever else they are like.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from heapq import merge
from itertools import chain
from operator import attrgetter
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from resep.errors import ResepError
from resep.judging import Digests, Judgement
from resep.similarity.bands import Indices
from resep.similarity.components import alone, join
from resep.similarity.neighbours import near_pairs
from resep.similarity.normal import DIGEST_BYTES, digests_of_parts, numbers, repeated
from resep.similarity.settings import deduplicating_faults
from resep.similarity.signatures import signatures
from resep.splits.keys import normalised

Action = Literal["drop", "group", "report"]
Parts = Sequence[Sequence[str]]  # the texts of a row, such as what it asks and what it answers

_SHOWN = 10  # components in the findings: the largest
_MOST_ROUNDS = 5  # of dropping: each finds a tenth of the one before; 20,000 rows of one template took five


def row_digests(rows: Sequence[Parts], near: float | None) -> list[bytes]:
    """The bytes by which rows are judged: a digest of all texts; with `near`, a signature of each part as well.

    Every row has as many parts.
    """
    exact = digests_of_parts(chain.from_iterable(parts) for parts in rows)
    if near is None or not rows:
        return exact
    joined = [[normalised("\n".join(part)) for part in parts] for parts in rows]
    # An empty part says nothing of likeness: another stands in for it.
    columns = zip(*([text or max(texts, key=len) for text in texts] for texts in joined), strict=True)
    signed = np.hstack([signatures(column) for column in columns])
    return [digest + each.tobytes() for digest, each in zip(exact, signed, strict=True)]


def judged(digests: Digests, near: float | None, action: Action) -> Generator[Judgement, None, dict[str, Any]]:
    """Drop the second and further of equal rows; of near ones, do as `action` says. Returns the findings.

    Raises ResepError where `near` is no likeness that can be looked for.
    """
    for option, message in deduplicating_faults({"near": near}):
        raise ResepError(f"deduplicate: {option}: {message}")
    again, first = repeated(digests.table)
    equal = _dropped(again, first, "duplicate", digests.place)
    findings: dict[str, Any] = {"duplicates": len(again)}
    if near is None:
        yield from equal
        return findings
    signed = digests.table[:, DIGEST_BYTES:]
    unique = np.delete(alone(len(digests)), again)
    lower, higher = near_pairs(signed, unique, near)
    components = alone(len(digests))
    join(components, lower, higher)
    findings |= {"near": near, "action": action, "pairs": len(lower), **_described(components, digests.place)}
    if action == "drop":
        twins = _twins(signed, unique, near, lower, higher)
        late = np.flatnonzero(twins >= 0)
        alike = _dropped(late, twins[late], "near duplicate", digests.place)
        yield from merge(equal, alike, key=attrgetter("index"))
    else:
        yield from equal
    if action == "group":
        yield from _grouped(components, numbers(digests.table))
    return findings


def _dropped(rows: Indices, kept: Indices, what: str, place: Callable[[int], str]) -> Iterator[Judgement]:
    """Each of the rows goes for the one of `kept` at its place."""
    for row, other in zip(rows.tolist(), kept.tolist(), strict=True):
        yield Judgement(row, dropped=f"{what} of {place(other)}")


def _twins(signed: NDArray[np.uint8], unique: Indices, near: float, lower: Indices, higher: Indices) -> Indices:
    """Of each row the earlier row that it goes for, -1 for one that stays.

    Of large components not every pair is known: those that stay are looked through again until none are near.
    """
    twins = np.full(len(signed), -1, np.intp)
    for _ in range(_MOST_ROUNDS):
        for early, late in zip(lower.tolist(), higher.tolist(), strict=True):  # by the later row, so `early` is decided
            if twins[early] < 0 and twins[late] < 0:
                twins[late] = early
        lower, higher = near_pairs(signed, unique[twins[unique] < 0], near)
        if not len(lower):
            break
    return twins


def _grouped(components: Indices, exact: NDArray[Any]) -> Iterator[Judgement]:
    """A group's name is the smallest digest of its rows: rows that come later rename only the groups that they join."""
    labels = exact.copy()
    np.minimum.at(labels, components, exact)
    for row in _members(components).tolist():
        yield Judgement(row, group=f"near:{int(labels[components[row]]):016x}")


def _described(components: Indices, place: Callable[[int], str]) -> dict[str, Any]:
    """How many components of near rows, how many rows in them, and the largest: sizes and places, no texts."""
    members = _members(components)
    roots, counts = np.unique(components[members], return_counts=True)
    largest = np.lexsort((roots, -counts))[:_SHOWN]
    shown = []
    for at in largest.tolist():
        second = members[components[members] == roots[at]][1]
        shown.append({"rows": int(counts[at]), "examples": [place(int(roots[at])), place(int(second))]})
    return {"components": len(roots), "rows": len(members), "largest": shown}


def _members(components: Indices) -> Indices:
    """The rows that are not alone."""
    return np.flatnonzero(np.bincount(components, minlength=len(components))[components] > 1)
