"""What people say of two arms: means with intervals, differences within rows, preference, and how far they agree.

The unit is the row: several raters of one row are no several rows. A row's rating of an arm is the mean over the raters
who rated both sides of it, so that a lenient rater cannot favour the side that only they have rated.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from statistics import fmean
from typing import Any

from resep.rating.agreement import Answer, agreement
from resep.rating.alpha import LEVELS_OF, alpha, alpha_interval, reading
from resep.rating.filled import Opinion
from resep.rating.key import Key
from resep.rating.sheet import CANNOT, TIE
from resep.records import Metric, Score
from resep.statistics import compare, mean_interval, pair
from resep.statistics.quantiles import mcnemar_p, wilson_interval

OVERALL = "overall"


def summarise(
    key: Key, said: Sequence[Opinion], metrics: Mapping[str, Mapping[str, Any]], scores: Iterable[Score]
) -> dict[str, Any]:
    """All that the report shows of the ratings, as JSON. `metrics`: those of results.json."""
    rated = {name: _means(said, key.arms, [name]) for name in key.criteria}
    people = {**rated, OVERALL: _means(said, key.arms, list(key.criteria))}
    choices = _choices(said, key.arms)
    return {
        "arms": list(key.arms),
        "raters": len({opinion.rater for opinion in said}),
        "rows": len(key.items),
        "complete": sum(not _gaps(opinion) for opinion in said),
        "empty_cells": sum(_gaps(opinion) for opinion in said),
        "cannot_judge": sum(mark == CANNOT for opinion in said for mark in _marks(opinion)),
        "comments": sum(bool(opinion.comment) for opinion in said),
        "criteria": _criteria(key, said, people),
        "preference": _preference(key, said, choices),
        "agreement": agreement(metrics, scores, people, _preferred(choices, key.arms), key.arms),
    }


def _means(said: Sequence[Opinion], arms: tuple[str, str], criteria: Sequence[str]) -> dict[Answer, float]:
    """Answer -> mean rating over raters and criteria, of the ratings that have one on the other side, too."""
    found: dict[Answer, list[float]] = {}
    for opinion in said:
        for name in criteria:
            marks = [opinion.marks[arm][name] for arm in arms]
            for arm, mark in zip(arms, marks, strict=True):
                if isinstance(mark, int) and all(isinstance(each, int) for each in marks):
                    found.setdefault((arm, opinion.id), []).append(mark)
    return {answer: fmean(ratings) for answer, ratings in found.items()}


def _criteria(
    key: Key, said: Sequence[Opinion], people: Mapping[str, Mapping[Answer, float]]
) -> dict[str, dict[str, Any]]:
    """Criterion -> means, distributions, difference and agreement; `overall`, their mean, first and tested alone."""
    baseline, candidate = key.arms
    names = [OVERALL, *key.criteria]
    by_arm = {name: {arm: _of_arm(people[name], arm) for arm in key.arms} for name in names}
    scale = {name: Metric(name, direction="higher", low=1, high=5, kind="ordinal") for name in names}
    pairs = [pair(scale[name], by_arm[name][baseline], by_arm[name][candidate]) for name in names]
    compared = compare(pairs, baseline, candidate, primary=OVERALL)
    return {
        name: {
            "question": "" if name == OVERALL else key.criteria[name]["question"],
            "arms": {arm: _arm(said, arm, name, list(by_arm[name][arm].values())) for arm in key.arms},
            "comparison": asdict(compared[name]),
            "alpha": None if name == OVERALL else _alpha(key, said, name),
        }
        for name in names
    }


def _of_arm(means: Mapping[Answer, float], arm: str) -> dict[str, float | None]:
    return {row: value for (of, row), value in means.items() if of == arm}


def _arm(said: Sequence[Opinion], arm: str, name: str, values: Sequence[float | None]) -> dict[str, Any]:
    known = sorted(value for value in values if value is not None)
    low, high = mean_interval(known, "ordinal", 1, 5) or (None, None)
    marks = Counter(opinion.marks[arm][name] for opinion in said) if name != OVERALL else Counter()
    return {
        "mean": fmean(known) if known else None,
        "ci_low": None if low is None else max(1.0, low),
        "ci_high": None if high is None else min(5.0, high),
        "rows": len(known),
        "counts": [marks[level] for level in range(1, 6)],
        "cannot_judge": marks[CANNOT],
    }


def _alpha(key: Key, said: Sequence[Opinion], name: str) -> dict[str, Any]:
    """Agreement of the raters on one criterion: a unit is one answer, a row has two."""
    given: dict[Answer, list[int]] = {}
    for opinion in said:
        for arm in key.arms:
            if isinstance(mark := opinion.marks[arm][name], int):
                given.setdefault((arm, opinion.id), []).append(mark)
    return _reliability(
        [[given.get((arm, item.id), []) for arm in key.arms] for item in key.items], LEVELS_OF["rating"]
    )


def _reliability(rows: Sequence[Sequence[Sequence[float]]], values: Sequence[float]) -> dict[str, Any]:
    units = [unit for row in rows for unit in row]
    found = alpha(units, values)
    low, high = (None, None) if found is None else alpha_interval(rows, values) or (None, None)
    twice = sum(len(unit) > 1 for unit in units)
    return {"alpha": found, "ci_low": low, "ci_high": high, "units": twice, "reading": reading(found)}


def _choices(said: Sequence[Opinion], arms: tuple[str, str]) -> dict[str, list[int]]:
    """Row -> what its raters prefer: -1 the baseline, 0 a tie, 1 the candidate."""
    places = {arms[0]: -1, TIE: 0, arms[1]: 1}
    found: dict[str, list[int]] = {}
    for opinion in said:
        if opinion.preference in places:
            found.setdefault(opinion.id, []).append(places[opinion.preference])
    return found


def _preferred(choices: Mapping[str, Sequence[int]], arms: tuple[str, str]) -> dict[str, str]:
    """Row -> the arm with more votes than the other, and than ties, has; rows without one are left out."""
    found = {row: _most(votes) for row, votes in choices.items()}
    return {row: arms[1] if most > 0 else arms[0] for row, most in found.items() if most}


def _most(votes: Sequence[int]) -> int:
    """The vote that was cast most often; 0, a tie, where no other was cast more often than all others."""
    (first, most), *others = Counter(votes).most_common()
    return 0 if others and others[0][1] == most else first


def _preference(key: Key, said: Sequence[Opinion], choices: Mapping[str, Sequence[int]]) -> dict[str, Any]:
    """By row, as most of its raters say, ties included, with an exact sign test; and the single votes."""
    preferred = _preferred(choices, key.arms)
    wins = sum(arm == key.arms[1] for arm in preferred.values())
    losses = len(preferred) - wins
    low, high = wilson_interval(wins, wins + losses) if preferred else (None, None)
    votes = Counter(vote for row in choices.values() for vote in row)
    sides = {item.id: {item.a: "A", item.b: "B"} for item in key.items}
    shown = Counter(sides[o.id][o.preference] for o in said if o.preference in key.arms and o.preference is not None)
    return {
        "wins": wins,
        "losses": losses,
        "ties": len(choices) - len(preferred),
        "unrated": len(key.items) - len(choices),
        "share": wins / len(preferred) if preferred else None,
        "ci_low": low,
        "ci_high": high,
        "p": mcnemar_p(wins, losses) if choices else None,
        "votes": {"candidate": votes[1], "tie": votes[0], "baseline": votes[-1]},
        "cannot_judge": sum(opinion.preference == CANNOT for opinion in said),
        "sides": {"A": shown["A"], "B": shown["B"]},
        "alpha": _reliability([[choices.get(item.id, [])] for item in key.items], LEVELS_OF["preference"]),
    }


def _marks(opinion: Opinion) -> list[int | str | None]:
    return [mark for by_criterion in opinion.marks.values() for mark in by_criterion.values()]


def _gaps(opinion: Opinion) -> int:
    """How many cells a rater has left empty in a row."""
    return sum(mark is None for mark in [*_marks(opinion), opinion.preference])
