"""The few distributions that the statistics need, in closed form: no scipy in the runner's own process."""

from __future__ import annotations

import math

_Z = 1.959963984540054  # the normal distribution's 97.5 % point


def t_quantile(probability: float, degrees: int) -> float:
    """The quantile (probability > 0.5) of Student's t with `degrees` >= 1 degrees of freedom, to 1e-9."""
    low, high = 0.0, 1.0
    while _t_cdf(high, degrees) < probability:
        low, high = high, 2 * high
    while high - low > 1e-10 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if _t_cdf(middle, degrees) < probability else (low, middle)
    return (low + high) / 2


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


def _t_cdf(t: float, degrees: int) -> float:
    """For t >= 0: Abramowitz and Stegun 26.7.3 (odd degrees) and 26.7.4 (even), finite sums in cos^2."""
    theta = math.atan2(t, math.sqrt(degrees))
    cosine = math.cos(theta)
    odd = degrees % 2
    term = cosine if odd else 1.0
    total = 0.0
    for k in range(1 + odd, degrees, 2):
        total += term
        term *= k * cosine * cosine / (k + 1)
    between = 2 / math.pi * (theta + math.sin(theta) * total) if odd else math.sin(theta) * total
    return 0.5 + between / 2
