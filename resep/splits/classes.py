"""Shares of classes: every class by its exact share, and a row of every class in every split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

import numpy as np

from resep.splits import TEST
from resep.splits.columns import Codes, Indices, Mask, Positions, Prompts
from resep.splits.keys import position

Ranges = Mapping[int, tuple[float, float]]  # the code of a split -> the positions that it covers


def exact_positions(prompts: Prompts, salt: str) -> Positions:
    """Positions in [0, 1) by the rank within the class, so that a class has its share to within one row.

    Where a class begins is a hash of its name: sums over classes are not rounded all one way, and rows that are added
    to one class move no row of another.
    """
    assert prompts.stratum is not None
    order = np.argsort(prompts.stratum, kind="stable")  # by class, within it by position
    stratum, rows = prompts.stratum[order], prompts.rows[order]
    begins = np.searchsorted(stratum, np.arange(len(prompts.names) + 1))
    before = np.concatenate(([0], np.cumsum(rows)))
    totals = before[begins[1:]] - before[begins[:-1]]
    offsets = np.array([position(name, salt) for name in prompts.names])
    ranked = before[:-1] - before[begins[:-1]][stratum] + offsets[stratum] * rows
    placed = np.empty(len(prompts))
    placed[order] = ranked / totals[stratum]
    return placed


def top_up(codes: Codes, prompts: Prompts, positions: Positions, ranges: Ranges) -> tuple[int, tuple[str, ...]]:
    """Give each class with enough prompts one in each split, in place: the nearest one of a split that can spare it.

    Returns how many prompts moved, and the classes that have fewer prompts than there are splits.
    """
    assert prompts.stratum is not None
    counts = np.bincount(prompts.stratum * 3 + codes, minlength=3 * len(prompts.names)).reshape(-1, 3)
    total = counts.sum(axis=1)
    is_small = (total > 0) & (total < len(ranges))
    lacking = (total >= len(ranges)) & (counts[:, list(ranges)] == 0).any(axis=1)
    moved = 0
    for members in _members(prompts.stratum, np.flatnonzero(lacking)):
        placed = dict(zip(members.tolist(), codes[members].tolist(), strict=True))
        at = dict(zip(placed, positions[members].tolist(), strict=True))
        for prompt, split in _moves(placed, at, prompts.testable, ranges):
            codes[prompt] = split
            moved += 1
    return moved, tuple(prompts.names[at] for at in np.flatnonzero(is_small))


def _members(stratum: Indices, wanted: Indices) -> Iterator[Indices]:
    """The prompts of each class that is wanted."""
    order = np.argsort(stratum, kind="stable")
    low, high = (np.searchsorted(stratum[order], wanted, side=side) for side in ("left", "right"))
    for begin, end in zip(low, high, strict=True):
        yield order[begin:end]


def _moves(
    placed: dict[int, int], at: Mapping[int, float], testable: Mask | None, ranges: Ranges
) -> Iterator[tuple[int, int]]:
    """(prompt, split) for each split in which the class has none, the test rows first."""
    for split in reversed(list(ranges)):
        counts = Counter(placed.values())
        if counts[split]:
            continue
        low, high = ranges[split]
        spare = [prompt for prompt, of in placed.items() if counts[of] > 1]
        if split == TEST and testable is not None:
            spare = [prompt for prompt in spare if testable[prompt]]
        if spare:
            nearest = min(spare, key=lambda prompt: (max(low - at[prompt], at[prompt] - high), at[prompt]))
            placed[nearest] = split
            yield nearest, split
