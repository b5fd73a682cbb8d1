"""Few-shot: which training rows an arm is shown, and where they stand in its prompt."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resep.errors import ResepError, StageError
from resep.records import Example, Message, write_jsonl
from resep.stages.generate.choosing import choose, question
from resep.stages.generate.nearest import nearest
from resep.stages.generate.shots import Choice, Shots, read_shots, stages
from resep.store import Store, Task

DRAWN = Choice("few", 2, "drawn", None, 42)


def row(name: str, asked: str, answer: str = "1. tap it", **metadata: str) -> Example:
    return Example(name, (Message("user", asked), Message("assistant", answer)), answer, metadata)


def of(number: int) -> Example:
    return row(f"r{number}", f"how do i do task {number}", team="ab"[number % 2])


def chosen(shots: Shots) -> list[str]:
    return [name for name, _ in shots.rows]


words = st.sampled_from(["reset", "pin", "mute", "group", "pay", "bill"])
texts = st.lists(words, min_size=1, max_size=3).map(" ".join)


@given(
    st.lists(texts, min_size=1, max_size=12),
    st.lists(texts, min_size=1, max_size=4),
    st.sampled_from(["drawn", "per_class", "nearest"]),
    st.integers(0, 2**32),
)
def test_no_test_question_is_shown_and_none_twice_whatever_the_order(
    train: Sequence[str], test: Sequence[str], how: str, seed: int
) -> None:
    rows = [row(f"r{number}", text, team=text[0]) for number, text in enumerate(train)]
    asked = [row(f"t{number}", text) for number, text in enumerate(test)]
    possible = {question(each) for each in rows} - {question(each) for each in asked}
    choice = Choice("few", 2, how, "team", seed)  # type: ignore[arg-type]
    if len(possible) < choice.count:
        with pytest.raises(ResepError, match="2 are to be shown"):
            choose(choice, rows, asked)
        return
    shots = choose(choice, rows, asked)
    shuffled = [*rows]
    random.Random(seed).shuffle(shuffled)
    assert choose(choice, shuffled, asked) == shots
    for each in asked:
        before = shots.before(each).prompt[: -len(each.prompt)]
        shown = [turn.content for turn in before if turn.role == "user"]
        assert len(shown) == len(set(shown)) == choice.count
        assert {*shown} <= possible


def test_another_seed_draws_other_rows() -> None:
    rows = [of(number) for number in range(40)]
    drawn = {tuple(chosen(choose(Choice("few", 3, "drawn", None, seed), rows, []))) for seed in range(5)}
    assert len(drawn) == 5


def test_of_equal_questions_and_of_a_test_question_written_otherwise_nothing_more_is_shown() -> None:
    rows = [row("a", "Reset my PIN"), row("b", "reset my  pin"), row("c", "mute a group"), row("d", "pay a bill")]
    shots = choose(DRAWN, rows, [row("t", "MUTE a group")])
    assert {*chosen(shots)} in ({"a", "d"}, {"b", "d"})


def test_classes_take_turns_the_largest_first() -> None:
    rows = [
        row(f"{team}{n}", f"{team} {n}", team=team)
        for team, size in (("x", 1), ("y", 5), ("z", 3))
        for n in range(size)
    ]
    shots = choose(Choice("few", 5, "per_class", "team", 1), rows, [])
    assert [name[0] for name in chosen(shots)] == ["y", "z", "x", "y", "z"]


def test_the_nearest_row_stands_next_to_the_question() -> None:
    rows = [row("far", "pay a bill with a card"), row("near", "mute a noisy family group"), row("else", "open the app")]
    shots = choose(Choice("few", 2, "nearest", None, 0), rows, [row("t", "how to mute my family group")])
    asked = shots.before(row("t", "how to mute my family group")).prompt
    assert [turn.content for turn in asked][-3] == "mute a noisy family group"
    assert len(asked) == 5


def test_rare_words_tell_more_than_common_ones() -> None:
    common = [f"how do i open page {n}" for n in range(8)]
    assert nearest([*common, "sourdough how"], ["how do i bake sourdough"], 1) == [[8]]
    assert nearest(["天気は何", "料理の仕方"], ["料理は"], 1) == [[1]]


def test_equally_near_texts_come_in_their_order() -> None:
    assert nearest(["a b", "b a", "c"], ["a b"], 2) == [[0, 1]]
    assert nearest(["x", "y"], ["!"], 2) == [[0, 1]]


def test_shown_rows_stand_after_the_system_message_and_bring_none_of_their_own() -> None:
    system = Message("system", "be brief")
    shown = Example("r", (Message("system", "other"), *row("r", "q1").messages, *row("r", "q2").messages), "t")
    shots = choose(Choice("few", 1, "drawn", None, 1), [shown], [])
    asked = shots.before(Example("t", (system, *row("t", "q").messages), "t")).prompt
    assert [(turn.role, turn.content) for turn in asked] == [
        ("system", "be brief"),
        ("user", "q1"),
        ("assistant", "1. tap it"),
        ("user", "q2"),
        ("assistant", "1. tap it"),
        ("user", "q"),
    ]


def test_rows_with_tools_and_texts_without_a_question_are_not_shown() -> None:
    text = Example("text", (Message("completion", "once upon a time"),), "once")
    tools = Example("tools", row("x", "weather").messages, "t", {}, ({"type": "function"},))
    with pytest.raises(ResepError, match=r"generation.arms.few.examples: 2 are to be shown.* have 1 "):
        choose(DRAWN, [text, tools, of(1)], [])


def test_the_same_rows_are_the_same_file_whatever_else_is_in_the_training_data(tmp_path: Path) -> None:
    (stage,) = stages([DRAWN])
    kept = choose(DRAWN, [of(number) for number in range(30)], [])
    contents = set()
    for number, rows in enumerate(([of(n) for n in range(30)], [*(of(n) for n in range(30)), *_unlucky(kept)])):
        folder = tmp_path / str(number)
        (folder / "out").mkdir(parents=True)
        write_jsonl(folder / "train.jsonl", rows)
        write_jsonl(folder / "test.jsonl", [row("t", "something else")])
        task = Task(stage.name, stage.config, {"prepare": folder}, folder / "out")
        assert list(stage.run([task], print)) == [task]
        assert read_shots(folder / "out" / "shots.json") == kept
        contents.add((folder / "out" / "shots.json").read_bytes())
    assert len(contents) == 1


def _unlucky(kept: Shots) -> list[Example]:
    """Rows that the lot does not choose beside those that it did."""
    others = [of(number) for number in range(100, 140)]
    return [each for each in others if choose(DRAWN, [*(of(n) for n in range(30)), each], []) == kept]


def test_too_few_rows_end_the_stage_in_words(tmp_path: Path) -> None:
    (stage,) = stages([Choice("few", 50, "drawn", None, 1)])
    write_jsonl(tmp_path / "train.jsonl", [of(1)])
    write_jsonl(tmp_path / "test.jsonl", [of(2)])
    with pytest.raises(StageError, match="50 are to be shown, and the training rows have 1"):
        list(stage.run([Task(stage.name, stage.config, {"prepare": tmp_path}, tmp_path)], print))
    assert not (Store(tmp_path, "x").root / "choose").exists()
