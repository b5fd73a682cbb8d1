"""What a comparison comes to, in one word: better, worse, no difference, cannot tell."""

from __future__ import annotations

from typing import Literal

from resep.records import Metric
from resep.statistics.comparison import Comparison
from resep.statistics.intervals import EQUAL, RULE_OF_THREE

Outcome = Literal["better", "worse", "no_difference", "cannot_tell"]

ALPHA = 0.05
_MARGIN = 0.02  # of a metric's range, else of the baseline: smaller differences do not matter, unless it is said


def judge(metric: Metric, comparison: Comparison, margin: float | None = None) -> Outcome:
    """The outcome of one comparison, direction aware; see `verdict`."""
    low, high, p = comparison.ci_low, comparison.ci_high, comparison.p
    if low is None or high is None or p is None or metric.direction == "none":
        return "cannot_tell"
    if is_shown(low, high, p):
        return "better" if (low > 0) == (metric.direction == "higher") else "worse"
    if is_equal(comparison) or (margin is not None and -margin <= low and high <= margin):
        return "no_difference"
    return "cannot_tell"


def is_shown(low: float | None, high: float | None, p: float | None) -> bool:
    """Whether there is a difference as far as a test can say: the interval excludes 0 and p < 0.05."""
    return low is not None and high is not None and p is not None and p < ALPHA and not low <= 0 <= high


def is_equal(comparison: Comparison) -> bool:
    """Whether no row differs, and there are enough of them for this to be no accident."""
    alike = comparison.method.startswith(RULE_OF_THREE)
    return alike and comparison.delta == 0 and (comparison.units or 0) >= EQUAL


def margin_of(metric: Metric, c: Comparison) -> float | None:
    """The difference that would not matter: 2 % of the metric's range, or of the baseline's number. None: not known."""
    if metric.low is not None and metric.high is not None:
        return _MARGIN * (metric.high - metric.low)
    return _MARGIN * abs(c.baseline_mean) if c.baseline_mean else None
