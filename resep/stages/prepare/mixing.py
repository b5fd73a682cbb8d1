"""Sources mixed by weight: of each as many rows as its share of the whole allows, none twice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resep.stages.prepare.ids import hash_of
from resep.stages.prepare.plan import MIX
from resep.stages.prepare.shard import Drop
from resep.stages.prepare.state import Passed


def mix(passed: Passed, weights: Sequence[float | None]) -> None:
    """Drop rows of the sources that have more than their share; which ones, a hash of their ids decides.

    Not their positions, by which the split is drawn: it would be the same rows that the test split would lack.

    Where no source has a weight nothing is dropped; else a source without one weighs 1. The mixture is as large as the
    scarcest source allows.
    """
    if not any(weight is not None for weight in weights):
        return
    numbers, sources = _rows_left(passed)
    drawn = _hashes(passed)
    given = np.array([1.0 if weight is None else weight for weight in weights])
    counts = np.bincount(sources, minlength=len(given))
    whole = (counts[given > 0] / given[given > 0]).min() if (given > 0).any() else 0.0
    for source, allowed in enumerate(np.floor(given * whole + 1e-9).astype(int)):
        rows = np.flatnonzero(sources == source)
        order = rows[np.lexsort((numbers[rows], drawn[numbers[rows]]))]
        reason = f"beyond data.sources[{source}].weight"
        passed.fates.drop(Drop(int(numbers[at]), MIX, reason) for at in order[allowed:])


def _rows_left(passed: Passed) -> tuple[NDArray[Any], NDArray[Any]]:
    """Number and source of each row that is still there."""
    numbers, sources = passed.deciding.array("numbers"), passed.deciding.array("source")
    assert numbers is not None
    assert sources is not None
    there = passed.fates.fates[numbers] == 0
    return numbers[there], sources[there]


def _hashes(passed: Passed) -> NDArray[np.uint64]:
    """Of every input row a hash of its id."""
    return np.concatenate(
        [np.array(list(map(hash_of, shard.read["ids"])), "uint64") for _, shard in passed.first.shards()]
    )
