"""How well each automatic metric agrees with the people: by rank within each arm, and within rows by who is better.

Over the answers of both arms at once, whatever one arm has more of agrees with it being better: `truncated` would rank
among the best metrics. That number is `pooled`, for whoever asks; what is reported is the mean over the arms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from resep.correlation import kendall, mean_within, spearman, weighted_spearman
from resep.records import Score
from resep.statistics.intervals import Interval, percentiles
from resep.statistics.quantiles import wilson_interval

Answer = tuple[str, str]  # arm, row id
Values = Mapping[Answer, float]
Rated = tuple[Answer, float, float]  # an answer, the metric's value, the people's
Correlation = Callable[[Sequence[float], Sequence[float]], float | None]

_RESAMPLES = 1_000
_FEW = 10  # answers of an arm below which no correlation is given


def agreement(
    metrics: Mapping[str, Mapping[str, Any]],
    scores: Iterable[Score],
    people: Mapping[str, Values],
    preferred: Mapping[str, str],
    arms: tuple[str, str],
) -> list[dict[str, Any]]:
    """An entry per metric of results.json, the best first: rank correlation with the people's mean, and choices.

    `spearman`, with its interval, `kendall` and `criteria`: the mean over the arms of the correlation within each;
    `arms` has each by itself, `pooled` is over the answers of both.

    `people`: criterion -> answer -> mean rating, `overall` among them. `preferred`: row -> arm, where most raters
    preferred one. A metric of which less is better is turned round, so that a positive number always means agreement;
    one that is neither good nor bad (length) is left as it is.
    """
    values: dict[str, dict[Answer, float]] = {name: {} for name in metrics}
    for score in scores:
        for name, value in score.values.items():
            if name in values and score.arm in arms and value is not None:
                values[name][score.arm, score.id] = -value if metrics[name]["direction"] == "lower" else value
    found = [
        {"metric": name, **_of_metric(name, metrics[name], given, people, preferred, arms)}
        for name, given in values.items()
    ]
    return sorted(found, key=lambda entry: -_or(entry["spearman"], -2.0))


def _of_metric(
    name: str,
    facts: Mapping[str, Any],
    values: Values,
    people: Mapping[str, Values],
    preferred: Mapping[str, str],
    arms: tuple[str, str],
) -> dict[str, Any]:
    answers = _pairs(values, people["overall"])
    ranked = [] if facts.get("relative") else answers  # a preference says something within a row only
    low, high = _interval(ranked, arms) or (None, None)
    rated = {criterion: each for criterion, each in people.items() if criterion != "overall"}
    of_criteria = {criterion: _pairs(values, each) if ranked else [] for criterion, each in rated.items()}
    by_arm = {arm: _correlated(spearman, _of_arm(ranked, arm)) for arm in arms}
    return {
        "direction": facts["direction"],
        "answers": len(answers),
        "spearman": mean_within(by_arm.values()),
        "ci_low": low,
        "ci_high": high,
        "kendall": mean_within(_correlated(kendall, _of_arm(ranked, arm)) for arm in arms),
        "arms": by_arm,
        "pooled": _correlated(spearman, ranked),
        "criteria": {
            criterion: mean_within(_correlated(spearman, _of_arm(pairs, arm)) for arm in arms)
            for criterion, pairs in of_criteria.items()
        },
        "bias": _bias(name, values, people),
        **_choices(values, preferred, arms),
    }


def _pairs(values: Values, rated: Values) -> list[Rated]:
    """Every answer that has both, with the metric's value and the people's."""
    return [(answer, values[answer], rating) for answer, rating in rated.items() if answer in values]


def _of_arm(pairs: Sequence[Rated], arm: str) -> list[Rated]:
    return [pair for pair in pairs if pair[0][0] == arm]


def _correlated(correlation: Correlation, pairs: Sequence[Rated]) -> float | None:
    return correlation([x for _, x, _ in pairs], [y for _, _, y in pairs]) if len(pairs) >= _FEW else None


def _interval(pairs: Sequence[Rated], arms: tuple[str, str]) -> Interval | None:
    """95 % by bootstrap over rows: the two answers to a row are no two independent observations."""
    known = [own for arm in arms if _correlated(spearman, own := _of_arm(pairs, arm)) is not None]
    rows = list(dict.fromkeys(row for own in known for (_, row), _, _ in own))
    if not known:
        return None
    place = {row: at for at, row in enumerate(rows)}
    drawn = np.random.default_rng(0).integers(0, len(rows), size=(_RESAMPLES, len(rows)))
    counts = np.stack([np.bincount(each, minlength=len(rows)) for each in drawn]).astype(np.float64)
    found = [
        weighted_spearman(
            [x for _, x, _ in own], [y for _, _, y in own], counts[:, [place[row] for (_, row), _, _ in own]]
        )
        for own in known
    ]
    return percentiles(np.mean(found, axis=0))


def _choices(values: Values, preferred: Mapping[str, str], arms: tuple[str, str]) -> dict[str, Any]:
    """Of the rows where people prefer a side: how often the metric prefers the same one, and where it knows none."""
    agrees = differs = ties = 0
    for row, arm in preferred.items():
        other = arms[0] if arm == arms[1] else arms[1]
        if (arm, row) not in values or (other, row) not in values:
            continue
        difference = values[arm, row] - values[other, row]
        agrees, differs, ties = agrees + (difference > 0), differs + (difference < 0), ties + (difference == 0)
    decided = agrees + differs
    low, high = wilson_interval(agrees, decided) if decided else (None, None)
    share = agrees / decided if decided else None
    return {"agrees": agrees, "differs": differs, "ties": ties, "share": share, "share_low": low, "share_high": high}


def _bias(name: str, values: Values, people: Mapping[str, Values]) -> float | None:
    """How much more a judge gives than the people, for a criterion that both know; None for any other metric."""
    criterion = name.removeprefix("judge_")
    if criterion == name or criterion not in people:
        return None
    pairs = _pairs(values, people[criterion])
    return sum(x - y for _, x, y in pairs) / len(pairs) if pairs else None


def _or(value: float | None, other: float) -> float:
    return other if value is None else value
