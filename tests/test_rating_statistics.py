"""Krippendorff's alpha against published examples, rank correlations against scipy, and the summary's arithmetic."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resep.correlation import kendall, spearman, weighted_spearman
from resep.rating.agreement import agreement
from resep.rating.alpha import Level, alpha, alpha_interval, coincidences, reading
from resep.rating.filled import Mark, Opinion
from resep.rating.key import Key, make_key
from resep.rating.summary import summarise
from resep.records import Score
from resep.stages.report.human_section import human_lines

FIVE = (1, 2, 3, 4, 5)
ARMS = ("base", "tuned")

# Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability", example C: four observers, twelve units, gaps.
_C = """
1 2 3 3 2 1 4 1 2 . . .
1 2 3 3 2 2 4 1 2 5 . 3
. 3 3 3 2 3 4 2 2 5 1 .
1 2 3 3 2 4 4 1 2 5 1 .
"""
# The same, example B: two observers, twelve units, five nominal values (a..e), without gaps: alpha 0.692.
_B = """
1 1 2 2 4 3 3 3 5 4 4 1
2 1 2 2 2 3 3 3 5 4 4 4
"""
# The same, example A: two observers, ten units, binary: alpha 0.095.
_A = """
0 1 0 0 0 0 0 0 1 0
1 1 1 0 0 1 0 0 0 0
"""


def units(table: str) -> list[list[float]]:
    rows = [line.split() for line in table.strip().splitlines()]
    return [[float(cell) for cell in column if cell != "."] for column in zip(*rows, strict=True)]


@pytest.mark.parametrize(
    ("table", "level", "published"),
    [
        (_C, "nominal", 0.743),
        (_C, "ordinal", 0.815),
        (_C, "interval", 0.849),
        (_B, "nominal", 0.692),
        (_A, "nominal", 0.095),
    ],
)
def test_alpha_is_that_of_krippendorffs_own_examples(table: str, level: Level, published: float) -> None:
    values = sorted({value for unit in units(table) for value in unit})
    assert alpha(units(table), values, level) == pytest.approx(published, abs=0.0005)


def test_the_coincidences_of_a_unit_sum_to_its_ratings() -> None:
    found = coincidences([3, 3, 4, 5], FIVE)
    assert found.sum() == pytest.approx(4)
    assert (found == found.T).all()
    assert found[2, 2] == pytest.approx(2 / 3)
    assert not coincidences([3], FIVE).any()


_RATINGS = st.lists(st.lists(st.sampled_from(FIVE), max_size=4), min_size=1, max_size=12)


@given(_RATINGS, st.randoms(use_true_random=False), st.sampled_from(["nominal", "ordinal", "interval"]))
def test_alpha_does_not_depend_on_order_nor_on_ratings_that_pair_with_nothing(
    given_units: list[list[int]], rng: random.Random, level: Level
) -> None:
    shuffled = [rng.sample(unit, len(unit)) for unit in rng.sample(given_units, len(given_units))]
    before, after = alpha(given_units, FIVE, level), alpha([*shuffled, [5], []], FIVE, level)
    assert (before is None) == (after is None)
    if before is not None and after is not None:
        assert after == pytest.approx(before)
        assert before <= 1 + 1e-12


@given(_RATINGS)
def test_ordinal_alpha_does_not_depend_on_the_numbers_only_on_their_order(given_units: list[list[int]]) -> None:
    squared = [[value**2 for value in unit] for unit in given_units]
    one, other = alpha(given_units, FIVE), alpha(squared, [value**2 for value in FIVE])
    assert (one is None and other is None) or one == pytest.approx(other)


def test_full_agreement_is_one_and_no_variety_cannot_be_told() -> None:
    assert alpha([[1, 1], [5, 5], [3, 3]], FIVE) == pytest.approx(1)
    assert alpha([[4, 4], [4, 4]], FIVE) is None
    assert alpha([[4], [1]], FIVE) is None
    assert alpha([], FIVE) is None


def test_the_interval_of_alpha_holds_it_and_narrows_with_rows() -> None:
    rng = random.Random(3)
    rows = [[[value, min(5, value + rng.choice((0, 0, 1)))]] for value in (rng.choice(FIVE) for _ in range(200))]
    few, many = alpha_interval(rows[:20], FIVE), alpha_interval(rows, FIVE)
    found = alpha([unit for row in rows for unit in row], FIVE)
    assert few
    assert many
    assert found
    assert many[0] < found < many[1]
    assert many[1] - many[0] < few[1] - few[0]
    assert alpha_interval(rows[:1], FIVE) is None


@pytest.mark.parametrize(
    ("found", "word"),
    [(0.8, "good"), (0.79, "tentative"), (0.667, "tentative"), (0.6, "poor"), (None, "cannot be told")],
)
def test_alpha_is_read_as_krippendorff_reads_it(found: float | None, word: str) -> None:
    assert reading(found) == word


_PAIRS = st.lists(st.tuples(st.integers(-4, 4), st.integers(-4, 4)), min_size=2, max_size=30)


@given(_PAIRS)
def test_rank_correlations_are_scipys(pairs: list[tuple[int, int]]) -> None:
    stats = pytest.importorskip("scipy.stats")
    x, y = [float(a) for a, _ in pairs], [float(b) for _, b in pairs]
    if len({*x}) < 2 or len({*y}) < 2:
        assert spearman(x, y) is None
        assert kendall(x, y) is None
        return
    assert spearman(x, y) == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-9)
    assert kendall(x, y) == pytest.approx(stats.kendalltau(x, y).statistic, abs=1e-9)


@given(_PAIRS, st.data())
def test_a_pair_that_counts_twice_is_as_two_pairs(pairs: list[tuple[int, int]], data: st.DataObject) -> None:
    counts = data.draw(st.lists(st.integers(0, 3), min_size=len(pairs), max_size=len(pairs)))
    repeated = [pair for pair, count in zip(pairs, counts, strict=True) for _ in range(count)]
    x, y = [float(a) for a, _ in pairs], [float(b) for _, b in pairs]
    weighted = float(weighted_spearman(x, y, np.array([counts], dtype=np.float64))[0]) if any(counts) else math.nan
    found = spearman([float(a) for a, _ in repeated], [float(b) for _, b in repeated])
    assert weighted == pytest.approx(math.nan if found is None else found, nan_ok=True, abs=1e-9)


def test_nothing_correlates_with_nothing() -> None:
    assert spearman([], []) is None
    assert kendall([], []) is None


def key_of(rows: int, raters: int = 2) -> Key:
    sides = [ARMS if n % 2 else (ARMS[1], ARMS[0]) for n in range(rows)]
    criteria: dict[str, Any] = {"clarity": {}, "correctness": {}}
    return make_key("run", 1, ARMS, raters, criteria, [f"row-{n}" for n in range(rows)], sides)


def opinion(
    row: int, base: Sequence[Mark], tuned: Sequence[Mark], preference: str | None, rater: str = "r1"
) -> Opinion:
    names = ("clarity", "correctness")
    marks = {"base": dict(zip(names, base, strict=True)), "tuned": dict(zip(names, tuned, strict=True))}
    return Opinion(rater, f"row-{row}", marks, preference, "")


def test_a_row_counts_once_however_many_raters_it_has() -> None:
    said = [opinion(0, (1, 1), (5, 5), "tuned", rater) for rater in ("r1", "r2", "r3")]
    said += [opinion(n, (3, 3), (3, 3), "tie") for n in range(1, 9)]
    found = summarise(key_of(9), said, {}, [])
    overall = found["criteria"]["overall"]["comparison"]
    assert (overall["n"], overall["wins"], overall["ties"]) == (9, 1, 8)
    assert overall["delta"] == pytest.approx(4 / 9)
    assert found["criteria"]["clarity"]["arms"]["base"]["counts"] == [3, 0, 8, 0, 0]


def test_a_rater_who_rates_one_side_only_does_not_favour_it() -> None:
    said = [opinion(0, (3, 3), (3, 3), None, "strict"), opinion(0, (None, None), (5, 5), None, "lenient")]
    found = summarise(key_of(1), said, {}, [])
    assert found["criteria"]["overall"]["arms"]["tuned"]["mean"] == 3


def test_the_preference_of_a_row_is_that_of_most_raters_and_the_sign_test_is_exact() -> None:
    said = [opinion(n, (3, 3), (3, 3), "tuned") for n in range(6)]
    said += [opinion(0, (3, 3), (3, 3), "base", "r2"), opinion(6, (3, 3), (3, 3), "tie")]
    said += [opinion(7, (3, 3), (3, 3), "cannot judge")]
    found = summarise(key_of(9), said, {}, [])["preference"]
    assert (found["wins"], found["losses"], found["ties"], found["unrated"]) == (5, 0, 2, 2)
    assert found["p"] == pytest.approx(2 / 2**5)
    assert found["votes"] == {"candidate": 6, "tie": 1, "baseline": 1}
    assert found["cannot_judge"] == 1
    assert found["sides"]["A"] + found["sides"]["B"] == 7


def test_a_row_that_most_raters_call_a_tie_is_no_preference() -> None:
    votes = {"r1": "tuned", "r2": "tie", "r3": "tie"}
    said = [opinion(n, (3, 3), (3, 3), vote, rater) for n in range(30) for rater, vote in votes.items()]
    found = summarise(key_of(30, raters=3), said, {}, [])
    preference = found["preference"]
    assert (preference["wins"], preference["losses"], preference["ties"]) == (0, 0, 30)
    assert preference["p"] == 1
    assert preference["votes"] == {"candidate": 30, "tie": 60, "baseline": 0}
    told = list(human_lines(found))
    assert told[0].startswith("People show no preference")
    assert any("30 for tuned, 60 for neither, 0 for base" in line and "alpha" in line for line in told)


@pytest.mark.parametrize(
    ("votes", "preferred"),
    [
        (["tuned", "tuned", "tie"], "wins"),
        (["tuned", "tuned", "base"], "wins"),
        (["base", "base", "tie", "tuned"], "losses"),
        (["tuned", "tie"], "ties"),
        (["tuned", "base"], "ties"),
        (["tuned", "tuned", "tie", "tie", "base"], "ties"),
        (["tie"], "ties"),
    ],
)
def test_a_row_prefers_what_has_more_votes_than_anything_else(votes: list[str], preferred: str) -> None:
    said = [opinion(0, (3, 3), (3, 3), vote, f"r{n}") for n, vote in enumerate(votes)]
    found = summarise(key_of(1, raters=len(votes)), said, {}, [])["preference"]
    assert {name: found[name] for name in ("wins", "losses", "ties")} == {
        name: int(name == preferred) for name in ("wins", "losses", "ties")
    }


def scores(metric: str, values: dict[tuple[str, str], float | None]) -> list[Score]:
    return [Score(row, arm, {metric: value}) for (arm, row), value in values.items()]


def people_of(count: int) -> dict[tuple[str, str], float]:
    rng = random.Random(1)
    return {(arm, f"row-{n}"): float(rng.choice(FIVE)) for n in range(count) for arm in ARMS}


def agreed(metric: str, direction: str, values: dict[tuple[str, str], float | None], **more: Any) -> dict[str, Any]:
    people = people_of(20)
    preferred = {
        f"row-{n}": max(ARMS, key=lambda arm: people[arm, f"row-{n}"])
        for n in range(20)
        if people["base", f"row-{n}"] != people["tuned", f"row-{n}"]
    }
    rated = {"overall": people, "clarity": people, **more}
    return agreement({metric: {"direction": direction}}, scores(metric, values), rated, preferred, ARMS)[0]


def test_a_metric_that_says_what_people_say_agrees_fully_and_its_mirror_not_at_all() -> None:
    same = agreed("m", "higher", dict(people_of(20)))
    assert same["spearman"] == same["kendall"] == same["criteria"]["clarity"] == pytest.approx(1)
    assert same["share"] == 1
    assert same["ties"] == 0
    mirror = agreed("m", "higher", {answer: -value for answer, value in people_of(20).items()})
    assert mirror["spearman"] == pytest.approx(-1)
    assert mirror["share"] == 0


def test_a_metric_of_which_less_is_better_is_turned_round() -> None:
    found = agreed("m", "lower", {answer: -value for answer, value in people_of(20).items()})
    assert found["spearman"] == pytest.approx(1)
    assert agreed("m", "none", dict(people_of(20)))["spearman"] == pytest.approx(1)


def test_a_metric_without_values_or_variety_agrees_with_nobody() -> None:
    unscored = agreed("m", "higher", dict.fromkeys(people_of(20), None))
    assert (unscored["answers"], unscored["spearman"], unscored["share"]) == (0, None, None)
    flat = agreed("m", "higher", dict.fromkeys(people_of(20), 0.5))
    assert (flat["spearman"], flat["ci_low"], flat["share"]) == (None, None, None)
    assert flat["ties"] > 0


def test_the_interval_of_an_agreement_is_drawn_over_rows_and_holds_it() -> None:
    rng = random.Random(5)
    found = agreed("m", "higher", {answer: value + rng.gauss(0, 2) for answer, value in people_of(20).items()})
    assert -1 <= found["ci_low"] < found["spearman"] < found["ci_high"] <= 1


def test_two_arms_that_differ_are_no_agreement_within_them() -> None:
    rng = random.Random(2)
    people = {(arm, f"row-{n}"): rng.random() + 4 * (arm == "tuned") for n in range(40) for arm in ARMS}
    values = {(arm, row): rng.random() + 4 * (arm == "tuned") for arm, row in people}
    found = agreement({"m": {"direction": "higher"}}, scores("m", dict(values)), {"overall": people}, {}, ARMS)[0]
    assert found["pooled"] > 0.7
    assert abs(found["spearman"]) < 0.3
    assert abs(found["kendall"]) < 0.3
    assert found["ci_low"] < 0 < found["ci_high"]
    assert found["spearman"] == pytest.approx(sum(found["arms"].values()) / 2)


def test_an_arm_without_variety_leaves_the_other_to_speak() -> None:
    people = people_of(20)
    values: dict[tuple[str, str], float | None] = {
        answer: 0.0 if answer[0] == "base" else value for answer, value in people.items()
    }
    found = agreed("m", "higher", values)
    assert found["arms"] == {"base": None, "tuned": pytest.approx(1)}
    assert found["spearman"] == pytest.approx(1)
    assert found["pooled"] < 0.9


def test_a_number_that_is_relative_to_the_other_arm_is_held_against_choices_only() -> None:
    people = people_of(20)
    preferred = {f"row-{n}": "tuned" for n in range(20)}
    facts = {"m": {"direction": "higher", "relative": True}}
    found = agreement(facts, scores("m", dict(people)), {"overall": people}, preferred, ARMS)[0]
    assert (found["spearman"], found["pooled"]) == (None, None)
    assert found["agrees"] + found["differs"] > 0


def test_how_much_more_a_judge_gives_than_people_is_its_bias() -> None:
    values: dict[tuple[str, str], float | None] = {answer: value + 0.5 for answer, value in people_of(20).items()}
    assert agreed("judge_clarity", "higher", values)["bias"] == pytest.approx(0.5)
    assert agreed("clarity", "higher", values)["bias"] is None


def test_a_summary_is_json_without_nan() -> None:
    def walk(value: Any) -> None:
        if isinstance(value, dict):
            for inner in value.values():
                walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)
        else:
            assert value is None or isinstance(value, str | int | float)
            assert not isinstance(value, float) or math.isfinite(value)

    walk(summarise(key_of(3), [opinion(0, (3, "cannot judge"), (3, None), None)], {"m": {"direction": "higher"}}, []))
