"""Which rows hang together, directly or through others."""

from __future__ import annotations

import numpy as np

from resep.similarity.bands import Indices


def alone(rows: int) -> Indices:
    """Every row a component of its own. A component is known by the lowest index of its rows."""
    return np.arange(rows, dtype=np.intp)


def join(components: Indices, left: Indices, right: Indices) -> None:
    """Make one component, in place, of each pair's two. Every row then names its component's lowest row."""
    while len(left):
        first, second = components[left], components[right]
        apart = first != second
        left, right, first, second = left[apart], right[apart], first[apart], second[apart]
        np.minimum.at(components, np.maximum(first, second), np.minimum(first, second))
        _shorten(components)


def _shorten(components: Indices) -> None:
    """Let every row point at the row that is its component's lowest, not at one on the way to it."""
    while True:
        further = components[components]
        if np.array_equal(further, components):
            return
        components[:] = further
