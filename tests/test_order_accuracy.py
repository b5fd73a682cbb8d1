"""Order accuracy: the worked table, the laws, and the traps of alignment."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import permutations
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resep.order import OrderScore, align, concordant, longest_increasing, score_order

N = None
F = Fraction
TABLE = [  # output, reference, k, order, given matched, recall, precision, f1, sequence_f1, exact
    ("ABCD", "ABCD", 4, 1, 1, 1, 1, 1, 1, 1),
    ("BACD", "ABCD", 4, F(5, 6), F(5, 6), 1, 1, 1, F(3, 4), 0),
    ("BADC", "ABCD", 4, F(4, 6), F(4, 6), 1, 1, 1, F(1, 2), 0),
    ("BCDA", "ABCD", 4, F(3, 6), F(3, 6), 1, 1, 1, F(3, 4), 0),
    ("DCBA", "ABCD", 4, 0, 0, 1, 1, 1, F(1, 4), 0),
    ("ABD", "ABCD", 3, F(3, 6), 1, F(3, 4), 1, F(6, 7), F(6, 7), 0),
    ("AC", "ABCD", 2, F(1, 6), 1, F(1, 2), 1, F(2, 3), F(2, 3), 0),
    ("CXA", "ABCD", 2, 0, 0, F(1, 2), F(2, 3), F(4, 7), F(2, 7), 0),
    ("XABCD", "ABCD", 4, 1, 1, 1, F(4, 5), F(8, 9), F(8, 9), 0),
    ("AABCD", "ABCD", 4, 1, 1, 1, F(4, 5), F(8, 9), F(8, 9), 0),
    ("ABCDSTUVWXYZ", "ABCD", 4, 1, 1, 1, F(1, 3), F(1, 2), F(1, 2), 0),
    ("A", "ABCD", 1, 0, N, F(1, 4), 1, F(2, 5), F(2, 5), 0),
    ("", "ABCD", 0, 0, N, 0, N, 0, 0, 0),
    ("XYZ", "ABCD", 0, 0, N, 0, 0, 0, 0, 0),
    ("A", "A", 1, N, N, 1, 1, 1, 1, 1),
    ("BAB", "AB", 2, 1, 1, 1, F(2, 3), F(4, 5), F(4, 5), 0),
    ("ABAC", "ABAC", 4, 1, 1, 1, 1, 1, 1, 1),
    ("AB", "", 0, N, N, N, N, N, N, N),
    ("", "", 0, N, N, N, N, N, N, N),
]


def exact(output: str, reference: str) -> np.ndarray:
    """Similarity 1 for equal letters, 0 for others."""
    return np.array([[float(a == b) for b in reference] for a in output]).reshape(len(output), len(reference))


def scored(output: str, reference: str) -> tuple[int, OrderScore]:
    pairs = align(exact(output, reference), 0.5, output, reference)
    return len(pairs), score_order(pairs, len(output), len(reference))


def alike_scored(output: Sequence[str], reference: Sequence[str]) -> tuple[int, OrderScore]:
    """Every step is as like as every other, as the sentence of a loop is to the steps of its subject."""
    pairs = align(np.full((len(output), len(reference)), 0.5), 0.3, output, reference)
    return len(pairs), score_order(pairs, len(output), len(reference))


def value(number: float | None) -> float:
    assert number is not None
    return number


@pytest.mark.parametrize("row", TABLE, ids=[f"{row[0]}-{row[1]}" for row in TABLE])
def test_the_worked_examples(row: tuple[object, ...]) -> None:
    output, reference, k, *values = row
    count, score = scored(str(output), str(reference))
    assert count == k
    names = ("order_accuracy", "order_given_matched", "step_recall", "step_precision", "step_f1", "sequence_f1")
    for name, expected in zip((*names, "sequence_exact"), values, strict=True):
        assert getattr(score, name) == (None if expected is None else pytest.approx(float(expected))), name  # type: ignore[arg-type]


LOOPS = [  # output, reference, k, order, recall, precision, sequence_f1: every step is as like as every other
    ("X" * 8, "ABCDE", 1, 0, F(1, 5), F(1, 8), F(2, 13)),
    ("A" * 8, "ABCDE", 1, 0, F(1, 5), F(1, 8), F(2, 13)),
    ("A" * 8, "ABABA", 3, F(3, 10), F(3, 5), F(3, 8), F(6, 13)),
    ("XYXYXYXY", "ABCDE", 2, F(1, 10), F(2, 5), F(2, 8), F(4, 13)),
    ("VWXYZ", "ABCDE", 5, 1, 1, 1, 1),
]


@pytest.mark.parametrize("row", LOOPS, ids=[f"{row[0]}-{row[1]}" for row in LOOPS])
def test_looping_output_matches_no_more_steps_than_it_says(row: tuple[object, ...]) -> None:
    output, reference, k, *values = row
    count, score = alike_scored(str(output), str(reference))
    assert count == k
    names = ("order_accuracy", "step_recall", "step_precision", "sequence_f1")
    for name, expected in zip(names, values, strict=True):
        assert getattr(score, name) == pytest.approx(float(expected)), name  # type: ignore[arg-type]


def test_a_step_is_the_same_in_capitals_and_with_a_full_stop() -> None:
    loop = ["Tap the button", "tap the button.", "TAP THE BUTTON"]
    assert alike_scored(loop, ["open", "tap", "save"])[0] == 1
    assert alike_scored(loop, ["tap the button", "open", "tap the button"])[0] == 2
    assert alike_scored(["+", "-"], ["open", "save"])[0] == 2


def test_of_too_many_copies_to_try_the_nearest_to_the_diagonal_counts() -> None:
    output = "b" * 20 + "a" + "b" * 40
    pairs = align(exact(output, "abb"), 0.5, output, "abb")
    assert pairs == ((20, 0), (30, 1), (50, 2))


def test_a_strong_pair_is_not_given_up_for_two_weak_ones_of_which_one_is_dropped() -> None:
    assert align(np.array([[0.9, 0.6], [0.59, 0.0]]), 0.6) == ((0, 0),)


def test_a_higher_threshold_may_raise_the_order() -> None:
    similarity = np.array([[0.7, 0.9], [0.6, 0.7]])
    assert align(similarity, 0.6) == ((0, 1), (1, 0))
    assert align(similarity, 0.65) == ((0, 0), (1, 1))


def test_equal_steps_never_cross_without_their_texts() -> None:
    assert align(np.ones((3, 3)), 0.3) == ((0, 0), (1, 1), (2, 2))


def test_no_steps_align_with_nothing() -> None:
    assert align(np.zeros((0, 3)), 0.3) == ()
    assert align(np.zeros((3, 0)), 0.3) == ()


def test_many_duplicates_stay_within_the_budget() -> None:
    output, reference = "ab" * 40, "ba" * 20
    assert len(align(exact(output, reference), 0.5, output, reference)) == 40


def test_the_mean_over_all_orders_is_one_half() -> None:
    values = [F(concordant(order), comb(5, 2)) for order in permutations(range(5))]
    assert sum(values) / len(values) == F(1, 2)


@given(st.permutations(range(7)), st.integers(0, 5))
def test_a_swap_of_neighbours_moves_one_fact(order: list[int], at: int) -> None:
    swapped = [*order[:at], order[at + 1], order[at], *order[at + 2 :]]
    assert abs(concordant(order) - concordant(swapped)) == 1


@given(st.permutations(range(6)))
def test_the_longest_increasing_subsequence_is_the_longest(order: list[int]) -> None:
    found = max(
        bin(mask).count("1")
        for mask in range(64)
        if (kept := [x for at, x in enumerate(order) if mask >> at & 1]) == sorted(kept)
    )
    assert longest_increasing(order) == found


small = st.lists(st.lists(st.sampled_from([i / 20 for i in range(21)]), min_size=4, max_size=4), min_size=1, max_size=4)


@given(small, st.sampled_from([0.2, 0.3, 0.5]))
def test_the_alignment_is_the_best_of_all(rows: list[list[float]], threshold: float) -> None:
    similarity = np.array(rows)
    m, n = similarity.shape

    def weight(pairs: list[tuple[int, int]]) -> float:
        kept = [(i, j) for i, j in pairs if similarity[i, j] >= threshold]
        return float(sum(similarity[i, j] + 1e-3 - 1e-7 * ((i + 0.5) / m - (j + 0.5) / n) ** 2 for i, j in kept))

    best = max(weight(list(enumerate(columns))) for columns in permutations(range(n), m))
    found = align(similarity, threshold)
    assert weight(list(found)) == pytest.approx(best, abs=1e-9)
    assert all(similarity[i, j] >= threshold for i, j in found)


words = st.text("ABC", max_size=6)


@given(words, words)
def test_values_lie_between_zero_and_one_and_the_identity_holds(output: str, reference: str) -> None:
    k, score = scored(output, reference)
    values = [getattr(score, name) for name in score.__dataclass_fields__]
    assert all(value is None or 0 <= value <= 1 for value in values)
    assert (score.order_accuracy is None) == (len(reference) < 2)
    if score.order_accuracy is not None and score.order_given_matched is not None:
        expected = score.order_given_matched * comb(k, 2) / comb(len(reference), 2)
        assert score.order_accuracy == pytest.approx(expected)


@given(st.text("ABC", min_size=2, max_size=6))
def test_the_reference_itself_is_perfect(text: str) -> None:
    _, score = scored(text, text)
    assert {getattr(score, name) for name in score.__dataclass_fields__} == {1.0}


@given(words, st.text("ABC", min_size=2, max_size=6), st.integers(0, 6))
def test_an_unmatched_step_costs_precision_only(output: str, reference: str, at: int) -> None:
    k, before = scored(output, reference)
    k_after, after = scored(output[:at] + "X" + output[at:], reference)
    assert (k_after, after.order_accuracy) == (k, before.order_accuracy)
    if k:
        assert value(after.step_precision) < value(before.step_precision)


@given(st.text("ABC", min_size=1, max_size=6), st.text("ABC", min_size=2, max_size=6), st.integers(0, 5))
def test_leaving_out_a_step_never_raises_the_order(output: str, reference: str, at: int) -> None:
    at %= len(output)
    shorter = output[:at] + output[at + 1 :]
    assert value(scored(shorter, reference)[1].order_accuracy) <= value(scored(output, reference)[1].order_accuracy)


@given(small, st.data())
def test_a_further_copy_of_a_step_changes_nothing_beside_it_and_matches_nothing_more(
    rows: list[list[float]], data: st.DataObject
) -> None:
    output, reference = "VWXY"[: len(rows)], "ABCD"  # no step of the reference: one copy is as many as count
    pairs = align(np.array(rows), 0.3, output, reference)
    before = score_order(pairs, len(output), 4)
    copied = data.draw(st.integers(0, len(rows) - 1))
    for at in range(len(rows) + 1):
        longer = [*rows[:at], rows[copied], *rows[at:]]
        texts = output[:at] + output[copied] + output[at:]
        found = align(np.array(longer), 0.3, texts, reference)
        after = score_order(found, len(texts), 4)
        if at >= copied:  # before the first copy, the diagonal may choose otherwise among equal sums
            assert {column for _, column in found} == {column for _, column in pairs}
        assert after.step_recall == before.step_recall
        if at in (copied, copied + 1):
            assert after.order_accuracy == before.order_accuracy
            assert value(after.sequence_f1) <= value(before.sequence_f1)
            assert (value(after.step_precision) < value(before.step_precision)) == bool(pairs)


@given(words, st.text("ABC", min_size=2, max_size=6), st.data())
def test_a_copy_beside_a_step_raises_the_order_only_where_the_reference_repeats_it(
    output: str, reference: str, data: st.DataObject
) -> None:
    if not output:
        return
    at = data.draw(st.integers(0, len(output) - 1))
    looped = output[:at] + output[at] + output[at:]
    before, after = scored(output, reference)[1], scored(looped, reference)[1]
    assert reference.count(output[at]) > 1 or after.order_accuracy == before.order_accuracy


@given(st.text("ABC", min_size=2, max_size=6), st.text("ABC", min_size=2, max_size=6))
def test_the_roles_can_be_exchanged(one: str, other: str) -> None:
    (_, forth), (_, back) = scored(one, other), scored(other, one)
    assert value(forth.step_f1) == pytest.approx(value(back.step_f1))
    assert value(forth.sequence_f1) == pytest.approx(value(back.sequence_f1))
    facts = comb(len(other), 2), comb(len(one), 2)
    assert value(forth.order_accuracy) * facts[0] == pytest.approx(value(back.order_accuracy) * facts[1])
