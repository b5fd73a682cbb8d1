"""The few distributions that the statistics need, in closed form: no scipy in the runner's own process."""

from __future__ import annotations

import math

from resep.visible import t_quantile

__all__ = ["mcnemar_p", "t_quantile", "wilson_interval"]

_Z = 1.959963984540054  # the normal distribution's 97.5 % point


def mcnemar_p(wins: int, losses: int) -> float:
    """The exact two-sided McNemar test: wins against losses as tosses of a fair coin; 1 where there are neither."""
    tosses = wins + losses
    tail = term = 1  # C(tosses, 0), then each from the one before: whole numbers, so exact for any number of rows
    for k in range(min(wins, losses)):
        term = term * (tosses - k) // (k + 1)
        tail += term
    return min(1.0, tail / (1 << tosses) * 2)


def wilson_interval(successes: float, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a rate (1927): never of width 0, also where none or all of n succeeded."""
    rate, z2 = successes / n, _Z**2
    centre = (rate + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z * math.sqrt(rate * (1 - rate) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return max(0.0, centre - half), min(1.0, centre + half)
