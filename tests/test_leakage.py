"""Leakage between splits: what is found, what stops a run, what is said; and rows that have to stay together."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from resep.errors import RecipeError
from resep.similarity.shingles import jaccard
from resep.splits import SPLITS
from resep.splits.keys import normalised
from resep.stages.prepare import leakage
from resep.stages.prepare.leakage import Leakage, find_leakage, looks_for_near, prompt_signatures
from resep.stages.prepare.together import groups_of
from tests.preparing import SOURCE, recipe

LONG = "how do i reset the password of my account in the mobile application of the bank"
NEAR = LONG.replace("password", "passport")  # 0.81 alike
LESS = LONG.replace("mobile", "web")  # 0.79 alike


def table_of(*prompts: str, near: bool = True) -> NDArray[np.uint8]:
    raw = b"".join(prompt_signatures(prompts, near=near))
    return np.frombuffer(raw, np.uint8).reshape(len(prompts), -1)


def found(rows: Sequence[tuple[str, str | None]], near: str | None = None, threshold: float = 0.8) -> Leakage:
    codes = [SPLITS.index(split) if split else -1 for _, split in rows]
    table = table_of(*(prompt for prompt, _ in rows), near=near != "ignore")
    return find_leakage(table, np.array(codes, np.int8), "rows.jsonl:{}".format, near=near, threshold=threshold)


def test_near_prompts_are_counted_at_three_degrees_of_likeness() -> None:
    assert jaccard(LONG, NEAR) > 0.8 > jaccard(LONG, LESS) > 0.7
    said = found([(LONG, "train"), (NEAR, "test"), (LESS, "test"), ("unlike it", "test"), (NEAR, "validation")])
    assert said.rows == {"test": 3, "validation": 1}
    assert said.near == {"test": {"0.7": 2, "0.8": 1, "0.9": 0}, "validation": {"0.7": 1, "0.8": 1, "0.9": 0}}
    assert said.shares is not None
    assert said.shares["test"] == {"0.7": 2 / 3, "0.8": 1 / 3, "0.9": 0}
    assert [(each.row, each.training_row) for each in said.examples] == [
        ("rows.jsonl:1", "rows.jsonl:0"),
        ("rows.jsonl:4", "rows.jsonl:0"),
    ]
    assert said.refusal() is None
    (warning,) = said.warnings()
    assert "1 of 3 test prompts and 1 of 1 validation prompts are nearly in training" in warning
    assert "rows.jsonl:1 (as rows.jsonl:0)" in warning


def test_equal_prompts_on_two_sides_stop_a_run_whatever_is_asked() -> None:
    rows: list[tuple[str, str | None]] = [("other", "train"), (LONG, "train"), (LONG.upper() + " ", "test")]
    for near in (None, "warn", "fail", "group", "ignore"):
        refusal = found(rows, near).refusal()
        assert refusal is not None
        assert "1 of 1 test prompts is in training as well, such as rows.jsonl:2 (as rows.jsonl:1)" in refusal
        assert "deduplicate" in refusal
        assert "password" not in refusal


def test_near_prompts_stop_a_run_only_where_the_recipe_says_so() -> None:
    rows: list[tuple[str, str | None]] = [(LONG, "train"), (NEAR, "test")]
    assert "1 of 1 test prompts is nearly in training as well" in (found(rows, "fail").refusal() or "")
    assert found(rows, "fail", threshold=0.9).refusal() is None
    assert found(rows, "warn").refusal() is None


def test_rows_in_no_split_leak_nothing() -> None:
    said = found([(LONG, "train"), (LONG, None), ("else", "test"), (LONG, None)])
    assert said.exact == {"test": 0}
    assert not said.warnings()


def test_what_nobody_looked_for_is_not_nought(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leakage, "MOST_ROWS_UNASKED", 2)
    rows: list[tuple[str, str | None]] = [(LONG, "train"), (NEAR, "test"), ("a", "train")]
    said = found(rows)
    assert said.near is said.shares is None
    assert said.not_looked_for == "there are more than 2 rows; write split.leakage.near: warn to look all the same"
    assert found(rows, "warn").near is not None
    assert found(rows, "ignore").not_looked_for == "split.leakage.near: ignore"
    assert [looks_for_near(near, 3) for near in (None, "warn", "ignore")] == [False, True, False]


def test_a_threshold_of_ones_own_is_counted_as_well() -> None:
    said = found([(LONG, "train"), (LESS, "test")], threshold=0.65)
    assert said.near == {"test": {"0.65": 1, "0.7": 1, "0.8": 0, "0.9": 0}}
    assert len(said.examples) == 1


def test_a_split_without_rows_on_a_side_leaks_nothing() -> None:
    for rows in ([], [(LONG, "train")], [(LONG, "test"), (LONG, "validation")]):
        said = found(rows) if rows else find_leakage(np.zeros((0, 1), np.uint8), np.zeros(0, np.int8), str)
        assert said.refusal() is None
        assert not said.examples


def test_at_most_twenty_examples_the_most_alike_first_and_no_texts() -> None:
    rows: list[tuple[str, str | None]] = [(LONG, "train")]
    rows += [(f"{LONG} {'x' * (number % 9)}{number}", "test") for number in range(40)]
    said = found(rows, "warn")
    degrees = [each.likeness for each in said.examples]
    assert len(degrees) == 20
    assert degrees == sorted(degrees, reverse=True)
    assert "password" not in json.dumps(asdict(said))


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(SPLITS)), max_size=12), st.sampled_from([2, 2**16]))
def test_exact_leakage_is_what_sets_of_prompts_say(rows: list[tuple[str, str]], few: int) -> None:
    known = {prompt for prompt, split in rows if split == "train"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("resep.similarity.normal._FEW", few)  # beyond so many, prompts are compared in parts
        said = found(rows) if rows else None
    for split, count in (said.exact if said else {}).items():
        assert count == sum(prompt in known for prompt, of in rows if of == split)


def test_rows_stay_together_by_prompt_by_key_by_group_and_by_likeness() -> None:
    prompts = [LONG, NEAR, "a", "a", "b", "c", "d", LONG + " "]
    keys = np.array([0, 1, 2, 3, 4, 4, 6, 0])
    table = table_of(*prompts)
    assert not groups_of(table[[4, 5, 6]], keys[[4, 5, 6]], {})  # their keys hold them together already
    assert groups_of(table, keys, {}).keys() == {2, 3}
    near = groups_of(table, keys, {}, 0.8)
    assert near.keys() == {0, 1, 2, 3, 7}
    assert near[0] == near[1] == near[7] != near[2]
    judged = groups_of(table, keys, {5: "g", 6: "g"})
    assert judged.keys() == {2, 3, 4, 5, 6}  # row 4 has the key of row 5
    assert judged[4] == judged[5] == judged[6]


def test_a_group_keeps_its_name_when_rows_are_added() -> None:
    first = groups_of(table_of(LONG, NEAR), np.array([0, 1]), {}, 0.8)
    more = groups_of(table_of("zzz", "zzz!", NEAR, LONG), np.array([5, 6, 1, 0]), {}, 0.8)
    assert {more[2], more[3]} == set(first.values())


@given(st.lists(st.sampled_from([LONG, NEAR, LESS, "a", "b b b"]), min_size=1, max_size=8), st.randoms())
def test_groups_do_not_depend_on_the_order_of_the_rows(prompts: list[str], draw: object) -> None:
    order = list(range(len(prompts)))
    draw.shuffle(order)  # type: ignore[attr-defined]
    keys = np.array([float(len(normalised(prompt))) for prompt in prompts])
    straight = groups_of(table_of(*prompts), keys, {}, 0.7)
    shuffled = groups_of(table_of(*(prompts[at] for at in order)), keys[order], {}, 0.7)
    assert {order[row]: name for row, name in shuffled.items()} == straight


@pytest.mark.parametrize(
    ("split", "where", "said"),
    [
        ("{leakage: {near: sometimes}}", "split.leakage.near", "warn"),
        ("{leakage: {threshold: 0.2}}", "split.leakage.threshold", "0.5"),
        ("{by: split, leakage: {near: group}}", "split.leakage.near", "no row changes sides"),
    ],
)
def test_a_section_that_cannot_work_is_refused(tmp_path: Path, split: str, where: str, said: str) -> None:
    source = SOURCE.replace("category: category", "category: category, split: split")
    with pytest.raises(RecipeError) as caught:
        recipe(tmp_path, f"{source}split: {split}\n")
    (problem,) = caught.value.problems
    assert problem.where == where
    assert said in problem.message


def test_near_is_absent_unless_it_is_written(tmp_path: Path) -> None:
    loaded = recipe(tmp_path)
    assert (loaded["split.leakage.near"], loaded["split.leakage.threshold"]) == (None, 0.8)
    useless = recipe(tmp_path, SOURCE + "split: {leakage: {near: ignore, threshold: 0.9}}\n")
    assert ["without effect" in each.message for each in useless.warnings] == [True]
