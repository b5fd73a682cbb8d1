"""A comparison and its outcome in sentences that a reviewer would accept."""

from __future__ import annotations

import math
from collections.abc import Mapping

from resep.records import Metric
from resep.rounding import p_text, places, plain, signed, two_digits
from resep.statistics.comparison import Comparison
from resep.statistics.intervals import RULE_OF_THREE
from resep.statistics.outcome import Outcome, is_equal
from resep.visible import FEWEST, SMALL, VISIBLE, visible_errors

_MANY_ROWS = 1_000_000
_HEADLINES: Mapping[Outcome, str] = {
    "better": "Tuning helped.",
    "worse": "Tuning made it worse.",
    "no_difference": "No difference was shown",  # and how large it could be at most
    "cannot_tell": "This test cannot tell whether tuning helped.",
}
_COULD_BE_MISSED = "No difference was shown, but this test could have missed one."


def headline(metric: Metric, c: Comparison | None, outcome: Outcome) -> str:
    """The verdict in one sentence; where no difference was shown, with the largest that there could be."""
    if c is None or c.ci_low is None or c.ci_high is None or metric.direction == "none":
        return _HEADLINES[outcome]
    if outcome == "no_difference":
        largest = max(abs(c.ci_low), abs(c.ci_high))
        bound = f", none larger than {rounded_up(largest)}" if largest else ""
        return f"{_HEADLINES[outcome]}{bound}."
    return _COULD_BE_MISSED if outcome == "cannot_tell" else _HEADLINES[outcome]


def in_words(metric: Metric, c: Comparison, outcome: Outcome) -> str:
    """An outcome for a table: better, worse, no difference larger than X, cannot tell; nothing for a description."""
    if metric.direction == "none":
        return ""
    if outcome != "no_difference" or c.ci_low is None or c.ci_high is None:
        return outcome.replace("_", " ")
    largest = max(abs(c.ci_low), abs(c.ci_high))
    return f"no difference larger than {rounded_up(largest)}" if largest else "no difference"


def measured(metric: Metric, c: Comparison, several: bool) -> str:
    """Both arms' numbers, the difference, its interval and p, and in how many rows who was better."""
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
        f"{plain(c.baseline_mean, d)}: {signed(c.delta, d)} ({interval}) over {c.n} paired row{'s' * (c.n != 1)}"
        + (f"; better on {c.wins}, worse on {c.losses}, equal on {c.ties}." if c.wins + c.losses + c.ties else ".")
    )


def beyond(c: Comparison, outcome: Outcome, margin: float | None) -> list[str]:
    """What else a reader must know: how much could have been seen, how small is small, how few is few."""
    said = []
    if outcome == "no_difference" and not is_equal(c):
        said.append(f"The whole interval lies within ±{two_digits(margin or 0)}, too little to matter.")
    if c.units and c.method.startswith(RULE_OF_THREE) and c.ci_low is not None:
        share = two_digits(100 * (1 - 0.05 ** (1 / c.units)))
        far = ", by how much nothing here can say" if c.ci_low == c.ci_high else ""
        said.append(
            f"Every row has the same difference; at most {share}% of all such rows have another (rule of three){far}."
        )
    if outcome in {"better", "worse"} and margin is not None and abs(c.delta or 0) < margin:
        said.append(f"The difference is real but small: below {two_digits(margin)}.")
    if outcome == "cannot_tell" and 0 < (units := c.units or c.n) < FEWEST:
        few = "clusters" if units < c.n else "rows"
        said.append(f"With fewer than {FEWEST} {few} no difference, however large, can reach p < 0.05.")
    if outcome == "cannot_tell" and c.mde:
        said.append(f"With these rows a difference of {two_digits(c.mde)} is seen in four experiments of five.")
        said.extend(_rows_needed(c))
    if 0 < (c.units or c.n) < SMALL:
        said.append(_few(c))
    return said


def _few(c: Comparison) -> str:
    if c.method.startswith(RULE_OF_THREE) or c.ci_low is None:
        return f"Fewer than {SMALL} rows, all with the same difference, say little of other rows."
    clusters = c.units is not None and c.units < c.n
    few = f"{c.units} clusters of rows" if clusters else f"fewer than {SMALL} rows"
    return f"With {few} the interval is wide and a little optimistic."


def _rows_needed(c: Comparison) -> list[str]:
    if not c.delta or not c.mde:
        return []
    units = c.units or c.n
    deviation = c.mde / (visible_errors(units) or VISIBLE) * math.sqrt(units)
    needed = c.n / units * _units_needed(deviation / abs(c.delta))
    if needed <= c.n:
        return []
    count = f"about {two_digits(needed)}" if needed < _MANY_ROWS else "more than a million"
    return [f"To see one as small as {two_digits(abs(c.delta))} needs {count} rows."]


def _units_needed(deviations: float) -> float:
    """As many units show a difference of which their standard deviation is so many times."""
    for units in range(FEWEST, SMALL):
        if (visible_errors(units) or math.inf) * deviations <= math.sqrt(units):
            return units
    return max(SMALL, (VISIBLE * deviations) ** 2)


def rounded_up(value: float) -> str:
    """A bound to two digits that is never below the value: 0.0641 -> 0.065."""
    step = 10.0 ** (math.floor(math.log10(value)) - 1)
    return two_digits(math.ceil(value / step - 1e-9) * step)


def _equals(text: str) -> str:
    return text if text.startswith("<") else f"= {text}"
