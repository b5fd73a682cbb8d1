"""How well each automatic metric agrees with the people: over answers by rank, and within rows by who is better."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from resep.correlation import kendall, spearman, weighted_spearman
from resep.records import Score
from resep.statistics.quantiles import wilson_interval

Answer = tuple[str, str]  # arm, row id
Values = Mapping[Answer, float]

_RELATIVE = ("judge_preference",)
_RESAMPLES = 1_000
_KNOWN = 0.95  # of the resamples must give a number, or there is no interval
_FEW = 10  # answers below which no correlation is given


def agreement(
    metrics: Mapping[str, Mapping[str, Any]],
    scores: Iterable[Score],
    people: Mapping[str, Values],
    preferred: Mapping[str, str],
    arms: tuple[str, str],
) -> list[dict[str, Any]]:
    """An entry per metric of results.json, the best first: rank correlation with the people's mean, and choices.

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
        {"metric": name, "direction": metrics[name]["direction"], **_of_metric(name, given, people, preferred, arms)}
        for name, given in values.items()
    ]
    return sorted(found, key=lambda entry: -_or(entry["spearman"], -2.0))


def _of_metric(
    name: str, values: Values, people: Mapping[str, Values], preferred: Mapping[str, str], arms: tuple[str, str]
) -> dict[str, Any]:
    # A preference is relative to the other side: only within rows does it say anything.
    pairs = [] if name in _RELATIVE else _pairs(values, people["overall"])
    low, high = _interval(pairs) or (None, None)
    rated = {criterion: each for criterion, each in people.items() if criterion != "overall"}
    criteria = {criterion: _rho(_pairs(values, each) if pairs else []) for criterion, each in rated.items()}
    enough = len(pairs) >= _FEW
    return {
        "answers": len(_pairs(values, people["overall"])),
        "spearman": _rho(pairs),
        "ci_low": low,
        "ci_high": high,
        "kendall": kendall([x for _, x, _ in pairs], [y for _, _, y in pairs]) if enough else None,
        "criteria": criteria,
        "bias": _bias(name, values, people),
        **_choices(values, preferred, arms),
    }


def _pairs(values: Values, rated: Values) -> list[tuple[str, float, float]]:
    """(row, the metric's value, the people's) of every answer that has both."""
    return [(row, values[arm, row], rated[arm, row]) for arm, row in rated if (arm, row) in values]


def _rho(pairs: Sequence[tuple[str, float, float]]) -> float | None:
    return spearman([x for _, x, _ in pairs], [y for _, _, y in pairs]) if len(pairs) >= _FEW else None


def _interval(pairs: Sequence[tuple[str, float, float]]) -> tuple[float, float] | None:
    """95 % by bootstrap over rows: the two answers to a row are no two independent observations."""
    rows = list(dict.fromkeys(row for row, _, _ in pairs))
    if _rho(pairs) is None or len(rows) < _FEW:
        return None
    place = {row: at for at, row in enumerate(rows)}
    drawn = np.random.default_rng(0).integers(0, len(rows), size=(_RESAMPLES, len(rows)))
    counts = np.stack([np.bincount(each, minlength=len(rows)) for each in drawn]).astype(np.float64)
    weights = counts[:, [place[row] for row, _, _ in pairs]]
    found = weighted_spearman([x for _, x, _ in pairs], [y for _, _, y in pairs], weights)
    known = found[np.isfinite(found)]
    if len(known) < _KNOWN * _RESAMPLES:
        return None
    low, high = np.quantile(known, (0.025, 0.975))
    return float(low), float(high)


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
