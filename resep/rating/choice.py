"""Which rows people rate: by lot, and of every kind of row in proportion, so that the few speak for all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

from resep.drawing import apportion, rank
from resep.records import Sample


def choose_rows(samples: Mapping[str, Sample], count: int, seed: int, slices: Sequence[str]) -> list[str]:
    """Ids of `count` rows, or of all where there are fewer, in the order in which they are rated: by lot.

    Every value of the first of `slices` has its share of them, and one row at least where there is room.
    """
    kinds: dict[str, list[str]] = {}
    for row, sample in samples.items():
        kinds.setdefault(str(sample.metadata.get(slices[0])) if slices else "", []).append(row)
    names = sorted(kinds)
    sizes = [len(kinds[name]) for name in names]
    shares = apportion([float(size) for size in sizes], min(count, sum(sizes)), sizes)
    drawn = {name: sorted(kinds[name], key=lambda row: (rank(seed, row), row)) for name in names}
    chosen = [row for name, share in zip(names, shares, strict=True) for row in drawn[name][:share]]
    return sorted(chosen, key=lambda row: (rank(seed, row), row))


def draw_sides(rows: Sequence[str], arms: tuple[str, str], seed: int) -> list[tuple[str, str]]:
    """(arm of side A, arm of side B) for each row: each arm is A in half of the rows, which half is drawn by lot."""
    first, second = arms
    sides = [arms if at % 2 else (second, first) for at in range(len(rows))]
    Random(f"sides {seed}").shuffle(sides)
    return sides
