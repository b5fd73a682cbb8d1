"""At most so many rows of a split: the same rows for the same salt, one of each class before the rest."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from resep.splits import BEYOND_LIMIT, SPLITS
from resep.splits.columns import Codes, Columns, Indices


def limit(codes: Codes, columns: Columns, max_rows: Mapping[str, int]) -> None:
    """Take the rows beyond the limits out of their splits, in place: those with the highest positions."""
    for split, most in max_rows.items():
        rows = np.flatnonzero(codes == SPLITS.index(split))
        if len(rows) > most:
            rows = rows[np.argsort(columns.position[rows], kind="stable")]
            codes[_one_of_each_first(rows, columns)[most:]] = BEYOND_LIMIT


def _one_of_each_first(rows: Indices, columns: Columns) -> Indices:
    if columns.stratum is None:
        return rows
    _, leaders = np.unique(columns.stratum[rows], return_index=True)
    follows = np.ones(len(rows), dtype=np.bool_)
    follows[leaders] = False
    return rows[np.argsort(follows, kind="stable")]
