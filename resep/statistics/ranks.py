"""Wilcoxon's signed-rank test (1945) for ratings: which side the larger differences are on, not how large they are.

Ties share the mean of their ranks. Rows without a difference are ranked and then left out (Pratt 1959), so that many
equal rows do not make the few others look surprising.
"""

from __future__ import annotations

import math

import numpy as np

from resep.statistics.resampling import Array

_EXACT = 300  # rows with a difference: up to here the distribution is summed exactly, in some 20 ms


def signed_ranks(differences: Array) -> Array:
    """The rank of each |difference| among all, with the sign of the difference; 0 where there is none: (n,)."""
    _, place, counts = np.unique(np.abs(differences), return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    midranks = last - (counts - 1) / 2
    return np.asarray(np.sign(differences) * midranks[place])


def wilcoxon_p(differences: Array) -> float:
    """Two-sided p, given the ranks and ties that were seen: exact up to 300 differing rows, else the normal limit."""
    ranks = signed_ranks(differences)
    ranks = ranks[ranks != 0]
    if not len(ranks):
        return 1.0
    if len(ranks) > _EXACT:
        return math.erfc(abs(float(ranks.sum())) / math.sqrt(2 * float(ranks @ ranks)))
    doubled = np.rint(2 * np.abs(ranks)).astype(np.int64)  # midranks are halves: twice as much is a whole number
    probability = np.zeros(int(doubled.sum()) + 1)
    probability[0] = 1.0
    top = 0
    for step in doubled.tolist():  # the chance of each rank sum, one row's coin after the other
        probability[: top + step + 1] /= 2
        probability[step : top + step + 1] += probability[: top + 1].copy()
        top += step
    positive = int(np.rint(2 * ranks[ranks > 0].sum()))
    tail = min(positive, top - positive)
    return min(1.0, 2 * float(probability[: tail + 1].sum()))


def rank_biserial(differences: Array) -> float | None:
    """The matched-pairs rank-biserial correlation (Kerby 2014): the share of rank sum in favour minus that against."""
    ranks = signed_ranks(differences)
    total = float(np.abs(ranks).sum())
    return float(ranks.sum()) / total if total else None
