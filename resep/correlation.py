"""Rank correlations: does one number order answers as another does? Ties share the mean of their ranks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def spearman(one: Sequence[float], other: Sequence[float]) -> float | None:
    """Spearman's rho with ties (Pearson's r of the midranks); None where a side has no two different values."""
    if not len(one):
        return None
    rho = float(weighted_spearman(one, other, np.ones((1, len(one))))[0])
    return rho if np.isfinite(rho) else None


def weighted_spearman(one: Sequence[float], other: Sequence[float], weights: Array) -> Array:
    """Spearman's rho for each row of `weights` (m, n): how often each of the n pairs counts, as a resample draws them.

    NaN where a side has no two different values that count.
    """
    x, y = _weighted_ranks(one, weights), _weighted_ranks(other, weights)
    total = weights.sum(axis=1, keepdims=True)
    x = x - (weights * x).sum(axis=1, keepdims=True) / total
    y = y - (weights * y).sum(axis=1, keepdims=True) / total
    spread = np.sqrt((weights * x * x).sum(axis=1) * (weights * y * y).sum(axis=1))
    with np.errstate(divide="ignore", invalid="ignore"):
        rho = np.where(spread > 0, (weights * x * y).sum(axis=1) / spread, np.nan)
    return np.asarray(np.clip(rho, -1.0, 1.0))


def mean_within(found: Iterable[float | None]) -> float | None:
    """The mean of the correlations within groups, of those that can be told.

    Over all groups at once, a group that has more of both things makes them correlate, whatever holds within (Simpson
    1951): any two numbers that the tuned arm has more of would seem to agree.
    """
    known = [rho for rho in found if rho is not None]
    return sum(known) / len(known) if known else None


def kendall(one: Sequence[float], other: Sequence[float]) -> float | None:
    """Kendall's tau-b (1945): concordant minus discordant pairs, over what ties leave of either side's pairs.

    All pairs at once: memory grows with the square of the number of values, 8 MB for 1,000.
    """
    x, y = _signs(np.asarray(one, dtype=np.float64)), _signs(np.asarray(other, dtype=np.float64))
    spread = float(np.sqrt(float(np.abs(x).sum()) * float(np.abs(y).sum())))
    return max(-1.0, min(1.0, float((x * y).sum()) / spread)) if spread else None


def _weighted_ranks(values: Sequence[float], weights: Array) -> Array:
    """The midrank of each value among those that count, (m, n): the weight below it and half of that equal to it."""
    distinct, place = np.unique(np.asarray(values, dtype=np.float64), return_inverse=True)
    is_of = np.eye(len(distinct))[place.reshape(-1)]  # (n, distinct)
    of_each = weights @ is_of
    return np.asarray((np.cumsum(of_each, axis=1) - of_each / 2)[:, place.reshape(-1)])


def _signs(values: Array) -> Array:
    return np.asarray(np.sign(values[:, None] - values[None, :]))
