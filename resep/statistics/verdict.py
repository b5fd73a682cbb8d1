"""What a comparison means, in one word and in sentences that a reviewer would accept."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from resep.records import Metric
from resep.rounding import p_text, places, plain, signed, two_digits
from resep.statistics import SMALL, Comparison

Outcome = Literal["better", "worse", "no_difference", "cannot_tell"]

_ALPHA = 0.05
_MARGIN = 0.02  # of a metric's range: smaller differences do not matter, unless the caller says otherwise
_MANY_ROWS = 1_000_000

_HEADLINES: Mapping[Outcome, str] = {
    "better": "Tuning helped.",
    "worse": "Tuning made it worse.",
    "no_difference": "No difference was shown.",
    "cannot_tell": "This test cannot tell whether tuning helped.",
}


@dataclass(frozen=True)
class Verdict:
    """The answer on the primary metric. `text` is the headline and the details, ready for a terminal."""

    metric: str
    baseline: str | None
    candidate: str | None
    outcome: Outcome
    headline: str
    details: str

    @property
    def text(self) -> str:
        return f"{self.headline} {self.details}"


def verdict(
    metric: Metric, comparisons: Sequence[Comparison], baseline: str | None = None, margin: float | None = None
) -> Verdict:
    """Judge the candidate against `baseline`, by default the strongest of the base arms (`base`, `base@...`).

    `margin` is the difference that would not matter, in the metric's unit; by default 2 % of its range, if it has one.
    better / worse: the interval excludes 0 and p < 0.05. no_difference: all rows equal, or the interval lies within
    the margin. cannot_tell: everything else, with what these rows could have shown.
    """
    chosen = _opponent(metric, comparisons, baseline)
    if chosen is None:
        return _conclude(metric, None, "cannot_tell", "There are not two arms to compare.")
    if metric.direction == "none":
        details = (
            f"{metric.name} describes the outputs, high is neither good nor bad: choose another evaluation.primary."
        )
        return _conclude(metric, chosen, "cannot_tell", details)
    margin = _default_margin(metric) if margin is None else margin
    outcome = judge(metric, chosen, margin)
    details = " ".join(
        [_measured(metric, chosen, len(comparisons) > 1 and baseline is None), *_beyond(chosen, outcome, margin)]
    )
    return _conclude(metric, chosen, outcome, details)


def judge(metric: Metric, comparison: Comparison, margin: float | None = None) -> Outcome:
    """The outcome of one comparison, direction aware; see `verdict`."""
    low, high, p = comparison.ci_low, comparison.ci_high, comparison.p
    if low is None or high is None or p is None or metric.direction == "none":
        return "cannot_tell"
    if p < _ALPHA and (low > 0 or high < 0):
        return "better" if (low > 0) == (metric.direction == "higher") else "worse"
    if low == high == 0 or (margin is not None and -margin <= low and high <= margin):
        return "no_difference"
    return "cannot_tell"


def is_base(arm: str) -> bool:
    """Whether an arm is the untuned model, in its own or in the recipe's format."""
    return arm == "base" or arm.startswith("base@")


def _opponent(metric: Metric, comparisons: Sequence[Comparison], baseline: str | None) -> Comparison | None:
    wanted = [c for c in comparisons if c.baseline == baseline] if baseline else []
    bases = wanted or [c for c in comparisons if is_base(c.baseline)] or list(comparisons)
    sign = -1 if metric.direction == "lower" else 1
    return max(bases, key=lambda c: -math.inf if c.baseline_mean is None else sign * c.baseline_mean, default=None)


def _measured(metric: Metric, c: Comparison, several: bool) -> str:
    if c.delta is None:
        return (
            f"No row has a {metric.name} from both {c.candidate} and {c.baseline}; the unscored rows are counted below."
        )
    d = places(c.ci_low, c.ci_high)
    strongest = ", the strongest base arm," if several else ""
    lower = " (lower is better)" if metric.direction == "lower" else ""
    interval = "no interval can be given"
    if c.ci_low is not None:
        interval = f"95% interval {plain(c.ci_low, d)} to {plain(c.ci_high, d)}, p {_equals(p_text(c.p))}"
    return (
        f"On {metric.name}{lower}, {c.candidate} scores {plain(c.candidate_mean, d)} and {c.baseline}{strongest} "
        f"{plain(c.baseline_mean, d)}: {signed(c.delta, d)} ({interval}) over {c.n} paired row{'s' * (c.n != 1)}; "
        f"better on {c.wins}, worse on {c.losses}, equal on {c.ties}."
    )


def _beyond(c: Comparison, outcome: Outcome, margin: float | None) -> list[str]:
    """What else a reader must know: how much could have been seen, how small is small, how few is few."""
    said = []
    if outcome == "no_difference" and c.wins + c.losses:
        said.append(f"The whole interval lies within ±{two_digits(margin or 0)}, too little to matter.")
    if outcome in {"better", "worse"} and margin is not None and abs(c.delta or 0) < margin:
        said.append(f"The difference is real but small: below {two_digits(margin)}.")
    if outcome == "cannot_tell" and c.mde:
        said.append(f"With these rows a difference of {two_digits(c.mde)} is seen in four experiments of five.")
        said.extend(_rows_needed(c))
    if 0 < c.n < SMALL:
        alike = c.ci_low is None or c.ci_low == c.ci_high
        said.append(
            f"Fewer than {SMALL} rows, all with the same difference, say little of other rows."
            if alike
            else f"With fewer than {SMALL} rows the interval is wide and a little optimistic."
        )
    return said


def _rows_needed(c: Comparison) -> list[str]:
    if not c.delta or not c.mde:
        return []
    needed = c.n * (c.mde / c.delta) ** 2
    if needed <= c.n:
        return []
    count = f"about {two_digits(needed)}" if needed < _MANY_ROWS else "more than a million"
    return [f"To see one as small as {two_digits(abs(c.delta))} needs {count} rows."]


def _conclude(metric: Metric, c: Comparison | None, outcome: Outcome, details: str) -> Verdict:
    baseline, candidate = (c.baseline, c.candidate) if c else (None, None)
    return Verdict(metric.name, baseline, candidate, outcome, _HEADLINES[outcome], details)


def _default_margin(metric: Metric) -> float | None:
    return None if metric.low is None or metric.high is None else _MARGIN * (metric.high - metric.low)


def _equals(text: str) -> str:
    return text if text.startswith("<") else f"= {text}"
