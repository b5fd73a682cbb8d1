"""The verdict of a run: what the comparison on its primary metric means."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from resep.records import Metric
from resep.statistics.comparison import Comparison
from resep.statistics.outcome import ALPHA, Outcome, judge, margin_of
from resep.statistics.sentences import beyond, headline, measured


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
    metric: Metric,
    comparisons: Sequence[Comparison],
    baseline: str | None = None,
    margin: float | None = None,
    bases: Collection[str] | None = None,
) -> Verdict:
    """Judge the candidate against `baseline`, by default the strongest of the base arms.

    `bases` names these: every arm that answers with the untuned weights, few-shot ones too; else `base`, `base@...`.

    `margin` is the difference that would not matter, in the metric's unit; by default 2 % of its range, or of the
    baseline's number where it has none. better / worse: the interval excludes 0 and p < 0.05. no_difference: not one
    of 6 or more rows differs, or the interval lies within the margin; the headline says how large a difference could
    be. cannot_tell: everything else, with what these rows could have shown.

    The strongest of several arms was chosen by these very rows, which makes a loss against it more likely by chance
    (4 to 5 % of data sets without any difference in place of 2.5, measured with 2 and 3 base arms): p then counts as
    often as there were arms to choose from. A gain needs no such care; the choice makes it less likely.
    """
    opponents = _opponents(comparisons, baseline, bases)
    chosen = _strongest(metric, opponents)
    if chosen is None:
        return _conclude(metric, None, "cannot_tell", "There are not two arms to compare.")
    if metric.direction == "none":
        details = (
            f"{metric.name} describes the outputs, high is neither good nor bad: choose another evaluation.primary."
        )
        return _conclude(metric, chosen, "cannot_tell", details)
    margin = margin_of(metric, chosen) if margin is None else margin
    outcome = judge(metric, chosen, margin)
    by_choice = outcome == "worse" and (chosen.p or 0.0) * len(opponents) >= ALPHA
    outcome = "cannot_tell" if by_choice else outcome
    said = [measured(metric, chosen, len(comparisons) > 1 and baseline is None)]
    if by_choice:
        said.append(f"As the strongest of {len(opponents)} was chosen by these rows, p counts {len(opponents)} times.")
    details = " ".join([*said, *beyond(chosen, outcome, margin)])
    return _conclude(metric, chosen, outcome, details)


def is_base(arm: str) -> bool:
    """Whether an arm is the untuned model, in its own or in the recipe's format."""
    return arm == "base" or arm.startswith("base@")


def _opponents(
    comparisons: Sequence[Comparison], baseline: str | None, bases: Collection[str] | None
) -> list[Comparison]:
    """The named baseline, else the base arms, else every arm."""
    wanted = [c for c in comparisons if c.baseline == baseline] if baseline else []
    untuned = [c for c in comparisons if (is_base(c.baseline) if bases is None else c.baseline in bases)]
    return wanted or untuned or list(comparisons)


def _strongest(metric: Metric, bases: Sequence[Comparison]) -> Comparison | None:
    sign = -1 if metric.direction == "lower" else 1
    return max(bases, key=lambda c: -math.inf if c.baseline_mean is None else sign * c.baseline_mean, default=None)


def _conclude(metric: Metric, c: Comparison | None, outcome: Outcome, details: str) -> Verdict:
    baseline, candidate = (c.baseline, c.candidate) if c else (None, None)
    return Verdict(metric.name, baseline, candidate, outcome, headline(metric, c, outcome), details)
