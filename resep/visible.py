"""How large a difference so many rows can show. Light: what is said before a run imports no numpy.

A true difference is seen in 80 % of experiments at a 5 % level where it is as large as z(0.975) + z(0.80) = 2.80 of its
standard errors (Cohen 1988). Below 50 rows the standard error itself is uncertain, and Student's t takes the place of
z; below 9 the randomisation test, which has few patterns of signs, asks for more still: with the t quantiles alone a
difference would be seen in 60 % of experiments with 6 rows, 74 with 7, 76 with 8, 77 to 80 from 9 on (simulated).
"""

from __future__ import annotations

import math

VISIBLE = 2.80
SMALL = 50  # fewer rows: Student's t
FEWEST = 6  # rows; with fewer all 2^n patterns of signs are more than 5 % likely each: 2 / 2^5 = 0.06
_FEW_PATTERNS = {6: 4.40, 7: 3.58, 8: 3.39}  # simulated: normal differences, interval and randomisation test together


def visible_errors(units: int) -> float | None:
    """The smallest difference that so many paired units show in 80 % of experiments, in its standard errors.

    None below 6 units: no difference, however large, can reach p < 0.05.
    """
    if units < FEWEST:
        return None
    if units >= SMALL:
        return VISIBLE
    return _FEW_PATTERNS.get(units) or t_quantile(0.975, units - 1) + t_quantile(0.80, units - 1)


def t_quantile(probability: float, degrees: int) -> float:
    """The quantile (probability > 0.5) of Student's t with `degrees` >= 1 degrees of freedom, to 1e-9."""
    low, high = 0.0, 1.0
    while _t_cdf(high, degrees) < probability:
        low, high = high, 2 * high
    while high - low > 1e-10 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if _t_cdf(middle, degrees) < probability else (low, middle)
    return (low + high) / 2


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
