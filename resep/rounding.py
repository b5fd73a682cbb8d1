"""How numbers are shown: to two significant digits of their uncertainty, no more than they can bear."""

from __future__ import annotations

import math

MINUS = "\N{MINUS SIGN}"
NOTHING = "\N{EM DASH}"  # stands for "could not tell"
_DEFAULT_PLACES = 3


def places(low: float | None, high: float | None) -> int:
    """How many decimals an estimate with the interval low..high deserves: 0.115..0.188 -> 3."""
    if low is None or high is None or not (half := (high - low) / 2) > 0:
        return _DEFAULT_PLACES
    return max(0, min(6, 1 - math.floor(math.log10(half))))


def plain(value: float | None, decimals: int) -> str:
    """`0.622`, with a real minus sign; a dash for None; never a negative zero."""
    if value is None:
        return NOTHING
    text = f"{abs(value):,.{decimals}f}"
    return MINUS + text if value < 0 and float(text.replace(",", "")) else text


def signed(value: float | None, decimals: int) -> str:
    """`+0.152`: a difference always shows its sign, and zero has none."""
    text = plain(value, decimals)
    return "+" + text if value is not None and value > 0 and float(text.replace(",", "")) else text


def p_text(p: float | None) -> str:
    """`< 0.001`, `0.023`, `0.41`: a p-value to two digits."""
    if p is None:
        return NOTHING
    if p < 0.001:
        return "< 0.001"
    return f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def two_digits(value: float) -> str:
    """`0.084`, `1,300`: a size to two significant digits."""
    if value == 0:
        return "0"
    decimals = 1 - math.floor(math.log10(abs(value)))
    return f"{round(value, decimals):,.{max(0, decimals)}f}"
