"""The arrays that are handed round in the child, and what is settled of them. NumPy only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]  # (rows, dimensions): each row of length 1, or 0 where a text says nothing
Ranks = NDArray[np.uint64]  # (rows,): places in a draw
Clusters = NDArray[np.int32]  # (rows,): from 0, or APART
Positions = NDArray[np.int64]  # of rows within a pool, or among all

APART = -1  # the cluster of a row that says nothing


@dataclass(frozen=True)
class Elbow:
    """`count` clusters were settled on. `tried`: (number of clusters, the share of the spread that is left in them)."""

    count: int
    tried: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True)
class Choice:
    """All rows as vectors, cluster and rank of each, whether it was chosen, and which were fitted on."""

    vectors: Vectors
    clusters: Clusters
    ranks: Ranks
    chosen: NDArray[np.bool_]
    fitted: Positions  # in the order of their ranks
