"""Splits as a recipe asks for them, through the whole stage: given by the data, by time, by group; and what leaks."""

from pathlib import Path
from typing import Any

import pytest

from resep.errors import ResepError
from tests.preparing import SOURCE, examples, ledger, prepared, recipe, row, statistics, write_rows

WORDS = [
    "open",
    "close",
    "find",
    "change",
    "delete",
    "share",
    "print",
    "rename",
    "move",
    "copy",
    "restore",
    "archive",
    "export",
    "import",
    "sort",
    "filter",
]


def alike(number: int) -> dict[str, Any]:
    """Rows in pairs whose prompts differ in one letter."""
    verb, pair = WORDS[(number // 2) % len(WORDS)], number // 2
    prompt = f"How do I {verb} the {pair * 7919 % 10007} document that my colleague sent me{'?' if number % 2 else '!'}"
    return row(number, prompt=prompt, response=f"Answer {number}.")


def test_leakage_is_counted_at_three_degrees_and_told(tmp_path: Path) -> None:
    write_rows(tmp_path, [alike(number) for number in range(400)])
    found = statistics(prepared(recipe(tmp_path), tmp_path))
    assert {*found["leakage"]["shares"]["test"]} == {"0.7", "0.8", "0.9"}
    assert found["leakage"]["shares"]["test"]["0.9"] > 0.5
    assert any(warning.startswith("leakage: ") for warning in found["warnings"])
    assert "colleague" not in str(found["leakage"])


def test_near_prompts_stay_on_one_side_when_they_are_grouped(tmp_path: Path) -> None:
    write_rows(tmp_path, [alike(number) for number in range(400)])
    out = prepared(recipe(tmp_path, SOURCE + "split: {leakage: {near: group, threshold: 0.9}}\n"), tmp_path)
    sides = [entry["split"] for entry in ledger(out)]
    assert sides[::2] == sides[1::2]
    assert {*sides} == {"train", "validation", "test"}
    assert statistics(out)["leakage"]["near"]["test"]["0.9"] == 0


def test_a_given_split_that_leaks_word_for_word_is_refused(tmp_path: Path) -> None:
    rows = [row(number, split="test" if number % 5 == 0 else "train") for number in range(100)]
    rows[20]["prompt"] = "HOW do I do 1?"
    write_rows(tmp_path, rows)
    loaded = recipe(tmp_path, "data: {sources: [{path: rows.jsonl, fields: {split: split}}]}\nsplit: {by: split}\n")
    leaks = r"leakage: 1 of 20 test prompts is in training as well, such as rows\.jsonl:21"
    with pytest.raises(ResepError, match=leaks):
        prepared(loaded, tmp_path)
    rows[20]["prompt"] = "How do I do 20?"
    write_rows(tmp_path, rows)
    (tmp_path / "mended").mkdir()
    assert statistics(prepared(loaded, tmp_path / "mended"))["splits"] == {"train": 80, "validation": 0, "test": 20}


def test_files_can_be_named_for_a_split(tmp_path: Path) -> None:
    write_rows(tmp_path, [row(number) for number in range(80)], "train.jsonl")
    write_rows(tmp_path, [row(number) for number in range(80, 100)], "test.jsonl")
    text = """\
        data: {sources: [{path: train.jsonl}, {path: test.jsonl}]}
        split: {files: {test: test.jsonl}, fractions: {validation: 0.2}}
    """
    out = prepared(recipe(tmp_path, text), tmp_path)
    assert {entry["split"] for entry in ledger(out) if entry["file"] == "test.jsonl"} == {"test"}
    assert {entry["split"] for entry in ledger(out) if entry["file"] == "train.jsonl"} == {"train", "validation"}
    assert 5 <= statistics(out)["splits"]["validation"] <= 30


def test_the_newest_rows_are_the_test_rows(tmp_path: Path) -> None:
    write_rows(
        tmp_path, [row(number, when=f"2024-{1 + number // 28:02}-{1 + number % 28:02}") for number in range(300)]
    )
    text = "data: {sources: [{path: rows.jsonl, fields: {time: when}}]}\nsplit: {by: time}\n"
    out = prepared(recipe(tmp_path, text), tmp_path)
    assert [entry["split"] for entry in ledger(out)] == ["train"] * 240 + ["validation"] * 30 + ["test"] * 30


def test_a_text_without_a_question_is_never_a_test_row(tmp_path: Path) -> None:
    write_rows(tmp_path, [row(number) for number in range(100)])
    write_rows(tmp_path, [{"text": f"A long text about number {number}."} for number in range(100)], "texts.jsonl")
    text = "data: {sources: [{path: rows.jsonl}, {path: texts.jsonl, format: completion}]}\n"
    out = prepared(recipe(tmp_path, text), tmp_path)
    assert {entry["split"] for entry in ledger(out) if entry["file"] == "texts.jsonl"} == {"train", "validation"}
    assert all(example.messages[0].role == "user" for example in examples(out, "test"))


def test_the_format_that_auto_recognised_is_told(tmp_path: Path) -> None:
    turns = [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}]
    write_rows(tmp_path, [{"conversations": [{**turns[0], "value": f"Hi {n}"}, turns[1]]} for n in range(60)])
    events: list[Any] = []
    loaded = recipe(tmp_path, "data: {sources: [{path: rows.jsonl, format: auto}]}\n")
    prepared(loaded, tmp_path, events)
    (told,) = [event["message"] for event in events if event["event"] == "note"]
    assert told.startswith("rows.jsonl: format sharegpt")


def test_uneven_fields_are_counted_before_and_after(tmp_path: Path) -> None:
    rows = [row(number, category="rare" if number % 30 == 0 else "often") for number in range(300)]
    write_rows(tmp_path, [*rows, *rows[:50]])
    out = prepared(
        recipe(tmp_path, SOURCE + "preprocessing: [deduplicate]\nsplit: {stratify_by: category}\n"), tmp_path
    )
    (entry,) = statistics(out)["imbalance"]
    assert entry["before"]["counts"] == {"often": 338, "rare": 12}
    assert sum(entry["splits"]["train"]["counts"].values()) == statistics(out)["splits"]["train"]


def test_a_test_file_that_is_a_source_too_keeps_its_rows_and_takes_those_of_training(tmp_path: Path) -> None:
    write_rows(tmp_path, [row(number) for number in range(90)], "train.jsonl")
    write_rows(tmp_path, [row(number) for number in range(80, 110)], "test.jsonl")
    text = """\
        data: {sources: [{path: train.jsonl}, {path: test.jsonl}]}
        preprocessing: [{decontaminate: {files: [test.jsonl], threshold: 1.0, ngram: null}}]
        split: {files: {test: test.jsonl}, leakage: {near: ignore}}
    """
    found = statistics(prepared(recipe(tmp_path, text), tmp_path))
    assert found["splits"] == {"train": 80, "validation": 0, "test": 30}
