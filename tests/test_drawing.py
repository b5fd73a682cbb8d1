"""Drawing rows: ranks that only an id decides, rows shared out by weight, options that make sense together."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resep import Row
from resep.drawing import NO_LABEL, apportion, balancing_faults, label_of, rank, sampling_faults, weights
from resep.errors import Problem, RecipeError
from resep.recipe import load
from resep.records import Origin
from tests.recipe_texts import SMALLEST, write_recipe

COUNTS = st.lists(st.integers(0, 60), min_size=1, max_size=12)


def found(folder: Path, steps: str) -> list[Problem]:
    text = f"{SMALLEST}preprocessing: {steps}\n"
    text = text.replace("path: rows.jsonl", "path: rows.jsonl\n      fields: {category: category}")
    try:
        return list(load(write_recipe(folder, text)).warnings)
    except RecipeError as error:
        return list(error.problems)


@given(COUNTS, st.integers(0, 300), st.sampled_from(["proportional", "square_root", "equal"]))
def test_rows_are_shared_out_whole_and_none_is_promised_twice(counts: list[int], total: int, rule: str) -> None:
    given_ = apportion(weights(counts, rule), total, counts)  # type: ignore[arg-type]
    assert sum(given_) == min(total, sum(counts))
    assert all(0 <= rows <= count for rows, count in zip(given_, counts, strict=True))
    if total >= sum(count > 0 for count in counts):
        assert all(rows >= 1 for rows, count in zip(given_, counts, strict=True) if count)


@given(COUNTS, st.integers(0, 200))
def test_a_larger_total_takes_nothing_from_any_label(counts: list[int], total: int) -> None:
    fewer, more = (apportion(weights(counts, "proportional"), t, counts) for t in (total, total + 1))
    assert all(a <= b for a, b in zip(fewer, more, strict=True))


def test_the_rules_run_from_a_share_of_ones_own_to_the_same_for_all() -> None:
    counts = [900, 90, 10]
    assert apportion(weights(counts, "proportional"), 100, counts) == [90, 9, 1]
    assert apportion(weights(counts, "square_root"), 100, counts) == [71, 22, 7]
    assert apportion(weights(counts, "equal"), 30, counts) == [10, 10, 10]
    assert apportion(weights(counts, "equal"), 100, counts) == [45, 45, 10]


def test_where_there_are_fewer_rows_than_labels_the_largest_have_one_each() -> None:
    assert apportion([1.0, 5.0, 3.0], 2) == [0, 1, 1]


def test_a_rank_is_the_same_today_and_on_any_machine() -> None:
    assert rank(42, "row-1") == 1908968827934741439
    assert rank(43, "row-1") != rank(42, "row-1")
    assert isinstance(rank(1, "\ud83d"), int)


@pytest.mark.parametrize(
    ("value", "label"), [("a", "a"), (None, NO_LABEL), ("", NO_LABEL), (3, "3"), (True, "true"), (["x", 1], '["x", 1]')]
)
def test_any_value_makes_a_label(value: object, label: str) -> None:
    row = Row("1", {"prompt": "p", "kind": value}, Origin("f", 1))
    assert label_of(row, ["kind"]) == label
    assert label_of(row, ["kind", "missing"]) == f"{label} / {NO_LABEL}"


@pytest.mark.parametrize(
    ("options", "option"),
    [
        ({}, "rows"),
        ({"rows": 3, "share": 0.5}, "share"),
        ({"rows": 0}, "rows"),
        ({"share": 0}, "share"),
        ({"share": 50}, "share"),
        ({"rows": 3, "strategy": "stratified"}, "strategy"),
        ({"rows": 3, "clusters": 1}, "clusters"),
        ({"rows": 3, "max_fit_rows": 5}, "max_fit_rows"),
    ],
)
def test_options_of_sample_that_make_no_sense_are_named(options: dict[str, object], option: str) -> None:
    assert [name for name, _ in sampling_faults(options)] == [option]


@pytest.mark.parametrize(
    ("options", "option"),
    [
        ({}, "by"),
        ({"by": "c", "max_ratio": 0.5}, "max_ratio"),
        ({"by": "c", "target": 0}, "target"),
        ({"by": "c", "target": 5, "strategy": "sqrt"}, "target"),
    ],
)
def test_options_of_balance_that_make_no_sense_are_named(options: dict[str, object], option: str) -> None:
    assert [name for name, _ in balancing_faults(options)] == [option]


@pytest.mark.parametrize(
    ("steps", "where", "words"),
    [
        ("[sample]", "preprocessing[0]", "how many rows to keep"),
        ("[{sample: {share: 3}}]", "preprocessing[0].sample.share", "not a share"),
        ("[{sample: {rows: 9, by: [catgory]}}]", "preprocessing[0].sample.by[0]", "did you mean 'category'"),
        ("[{balance: {by: prompt}}]", "preprocessing[0].balance.by", "sorts nothing"),
        ("[balance]", "preprocessing[0]", "name the field"),
        ("[{sample: {rows: 9}}, placeholders]", "preprocessing[0]", "behind placeholders"),
    ],
)
def test_the_recipe_is_told_before_anything_runs(tmp_path: Path, steps: str, where: str, words: str) -> None:
    problems = [problem for problem in found(tmp_path, steps) if problem.where == where and words in problem.message]
    assert problems, found(tmp_path, steps)


def test_drawing_by_lot_shows_no_texts_and_may_stand_before_placeholders(tmp_path: Path) -> None:
    assert found(tmp_path, "[{sample: {rows: 9, strategy: random}}, placeholders, {balance: {by: category}}]") == []
