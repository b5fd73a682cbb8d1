"""Krippendorff's alpha: how far raters agree beyond chance, with missing ratings and any number of raters.

alpha = 1 - observed / expected disagreement (Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability"). 1 is
full agreement, 0 what chance would give. Coincidences add up over units, so resampled rows give resampled alphas.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from resep.statistics.intervals import Interval, percentiles
from resep.statistics.resampling import Array, resampled_sums

Level = Literal["nominal", "ordinal", "interval"]

_RESAMPLES = 2_000


def coincidences(unit: Sequence[float], values: Sequence[float]) -> Array:
    """The coincidence matrix (v, v) of one unit: every ordered pair of its ratings, over their number minus one.

    `values` are the values there may be, in their order. A unit with fewer than two ratings pairs nothing.
    """
    counts = np.array([sum(rating == value for rating in unit) for value in values], dtype=np.float64)
    if counts.sum() < 2:
        return np.zeros((len(values), len(values)))
    return np.asarray((np.outer(counts, counts) - np.diag(counts)) / (counts.sum() - 1))


def alpha(units: Sequence[Sequence[float]], values: Sequence[float], level: Level = "ordinal") -> float | None:
    """Alpha over units, each the ratings that it got. None where nothing was rated twice, or all ratings are equal."""
    total = sum((coincidences(unit, values) for unit in units), np.zeros((len(values), len(values))))
    found = float(alpha_of(total, values, level))
    return found if np.isfinite(found) else None


def alpha_interval(
    rows: Sequence[Sequence[Sequence[float]]], values: Sequence[float], level: Level = "ordinal", seed: int = 0
) -> Interval | None:
    """The 95 % interval of alpha: bootstrap over rows, each with its units. None where these rows cannot tell."""
    if len(rows) < 2:
        return None
    sums = np.stack([_row_sum(row, values).ravel() for row in rows])
    drawn = resampled_sums(sums, _RESAMPLES, seed).reshape(_RESAMPLES, len(values), len(values))
    return percentiles(alpha_of(drawn, values, level))


def alpha_of(total: Array, values: Sequence[float], level: Level) -> Array:
    """Alpha of coincidence matrices (..., v, v), one for each of the leading axes; NaN where it cannot be told."""
    margins = total.sum(axis=-1)
    n = margins.sum(axis=-1)
    distances = _distances(margins, values, level)
    observed = (total * distances).sum(axis=(-2, -1))
    expected = (margins[..., :, None] * margins[..., None, :] * distances).sum(axis=(-2, -1))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(1 - (n - 1) * observed / expected)


def reading(found: float | None) -> str:
    """What an alpha means, in Krippendorff's words (2004, p. 241)."""
    if found is None:
        return "cannot be told"
    return "good" if found >= 0.8 else "tentative" if found >= 0.667 else "poor"


def _distances(margins: Array, values: Sequence[float], level: Level) -> Array:
    """Squared distance between each two values; ordinal: by how many ratings lie between them, that is by midranks."""
    if level == "nominal":
        return np.asarray(1.0 - np.eye(len(values)))
    places = np.asarray(values, dtype=np.float64)
    if level == "ordinal":
        places = np.cumsum(margins, axis=-1) - margins / 2
    return np.asarray((places[..., :, None] - places[..., None, :]) ** 2)


def _row_sum(row: Sequence[Sequence[float]], values: Sequence[float]) -> Array:
    return np.asarray(np.stack([coincidences(unit, values) for unit in row]).sum(axis=0))


LEVELS_OF: Mapping[str, Sequence[float]] = {"rating": (1, 2, 3, 4, 5), "preference": (-1, 0, 1)}
