"""Wilcoxon's signed ranks, against scipy and against every sign pattern."""

import itertools

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from resep.records import Metric
from resep.statistics import compare, pair
from resep.statistics.ranks import _EXACT, rank_biserial, signed_ranks, wilcoxon_p

ratings = st.lists(st.integers(-4, 4).map(float), min_size=1, max_size=10)


def by_every_sign_pattern(differences: np.ndarray) -> float:
    ranks = np.abs(signed_ranks(differences))
    observed = abs(signed_ranks(differences).sum())
    patterns = itertools.product((-1, 1), repeat=int((ranks > 0).sum()))
    sums = [abs(float(np.dot(signs, ranks[ranks > 0]))) for signs in patterns]
    return float(np.mean([total >= observed - 1e-9 for total in sums]))


@given(ratings)
def test_the_exact_p_is_that_of_every_sign_pattern(values: list[float]) -> None:
    differences = np.array(values)
    assert wilcoxon_p(differences) == pytest.approx(by_every_sign_pattern(differences), abs=1e-12)


@given(st.lists(st.floats(-1, 1).filter(lambda x: abs(x) > 1e-6), min_size=4, max_size=25, unique_by=abs))
def test_without_ties_the_exact_p_is_scipys(values: list[float]) -> None:
    assert wilcoxon_p(np.array(values)) == pytest.approx(scipy.stats.wilcoxon(values, method="exact").pvalue, abs=1e-12)


def test_many_rows_have_the_normal_limit_of_scipy_with_zeros_and_ties() -> None:
    rng = np.random.default_rng(3)
    for shift in (0.0, 0.1, 0.3):
        differences = np.round(rng.normal(shift, 1.2, 900))
        assert (differences != 0).sum() > _EXACT
        theirs = scipy.stats.wilcoxon(differences, zero_method="pratt", method="asymptotic").pvalue
        assert wilcoxon_p(differences) == pytest.approx(theirs, rel=1e-9)


def test_exact_and_normal_agree_where_one_ends_and_the_other_begins() -> None:
    differences = np.round(np.random.default_rng(4).normal(0.15, 1.2, 400))
    differences = differences[differences != 0][:_EXACT]
    exact = wilcoxon_p(differences)
    normal = scipy.stats.wilcoxon(differences, method="asymptotic").pvalue
    assert exact == pytest.approx(normal, rel=0.02)


def test_no_difference_at_all_is_no_surprise() -> None:
    assert wilcoxon_p(np.zeros(9)) == 1.0
    assert wilcoxon_p(np.array([])) == 1.0
    assert rank_biserial(np.zeros(3)) is None


def test_rank_biserial_goes_from_all_lost_to_all_won() -> None:
    assert rank_biserial(np.array([1.0, 2.0, 0.0])) == 1.0
    assert rank_biserial(np.array([-1.0, -1.0])) == -1.0
    assert rank_biserial(np.array([1.0, -2.0])) == pytest.approx(-1 / 3)


def test_ratings_are_tested_by_their_ranks_and_described_so() -> None:
    stars = Metric("stars", "higher", low=1, high=5, kind="ordinal")
    before, after = [1.0, 2.0, 3.0, 3.0, 1.0, 2.0, 4.0, 2.0], [3.0, 3.0, 3.0, 5.0, 2.0, 4.0, 5.0, 4.0]
    paired = pair(stars, dict(zip("abcdefgh", before, strict=True)), dict(zip("abcdefgh", after, strict=True)))
    found = compare([paired], "base", "tuned")["stars"]
    assert found.p == wilcoxon_p(np.array(after) - np.array(before))
    assert (found.effect, found.effect_size) == ("rank-biserial", 1.0)
    assert "Wilcoxon" in found.method
    whole = compare([paired], "base", "tuned", clusters=dict.fromkeys("abcd", "x") | dict.fromkeys("efgh", "y"))[
        "stars"
    ]
    assert (whole.units, whole.p) == (2, 1.0 * 2 / 4)  # two clusters, both for the candidate
