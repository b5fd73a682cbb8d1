"""Prompts in a file, as a person writes them, become what the model is asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from resep.errors import ResepError
from resep.predicting.questions import Question, asked, read_questions
from resep.recipe import StepSpec
from resep.records import Message

STEPS = (
    StepSpec("placeholders", {"detectors": ["email"], "numbering": "row"}),
    StepSpec("lowercase", {}),
    StepSpec("strip_punctuation", {}, ("prompt",)),
    StepSpec("deduplicate", {}),
)


def file(folder: Path, name: str, content: str) -> Path:
    (folder / name).write_text(content, encoding="utf-8")
    return folder / name


def lines(folder: Path, *rows: Any) -> Path:
    return file(folder, "rows.jsonl", "".join(json.dumps(row) + "\n" for row in rows))


def prompts(questions: list[Question], system: str | None = None) -> list[list[tuple[str, str]]]:
    return [[(turn.role, turn.content) for turn in each.prompt] for each in asked(questions, STEPS, system)]


def test_a_text_file_has_a_prompt_on_each_line_that_says_something(tmp_path: Path) -> None:
    questions = read_questions(file(tmp_path, "new.txt", "\ufeffHow?\n\n  \nWhen, and  why? \n"))
    assert [(each.id, each.typed) for each in questions] == [
        ("1", (Message("user", "How?"),)),
        ("4", (Message("user", "When, and  why?"),)),
    ]


def test_rows_bring_their_id_and_a_system_message(tmp_path: Path) -> None:
    sheet = 'id,prompt,system\na,"How, then?",Be brief.\n,What?,\n'
    first, second = read_questions(file(tmp_path, "new.csv", sheet))
    assert (first.id, [turn.role for turn in first.typed]) == ("a", ["system", "user"])
    assert prompts([first, second], "The recipe's own.") == [
        [("system", "be brief"), ("user", "how then")],
        [("system", "The recipe's own."), ("user", "what")],
    ]


def test_the_recipes_text_steps_clean_what_is_typed_and_number_it_as_one_row(tmp_path: Path) -> None:
    turns = [
        {"role": "user", "content": "Mail A@b.example!"},
        {"role": "assistant", "content": "To A@b.example? Done."},
        {"role": "user", "content": "And c@d.example?"},
    ]
    ((question, answer, further),) = prompts(read_questions(lines(tmp_path, {"messages": turns})))
    assert question == ("user", "mail [EMAIL_1]")
    assert answer == ("assistant", "to [EMAIL_1]? done.")
    assert further == ("user", "and [EMAIL_2]")


def test_the_answer_at_the_end_of_a_conversation_is_not_shown_to_the_model(tmp_path: Path) -> None:
    whole = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "the answer"}]
    open_ended, ended = read_questions(lines(tmp_path, {"messages": whole[:1]}, {"messages": whole}))
    assert prompts([open_ended]) == prompts([ended]) == [[("user", "q")]]


def test_numbers_are_ids_and_without_one_the_line_is(tmp_path: Path) -> None:
    questions = read_questions(lines(tmp_path, {"id": 7, "prompt": "a"}, {"prompt": "b"}, {"id": True, "prompt": "c"}))
    assert [each.id for each in questions] == ["7", "2", "3"]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"promt": "x"}, "rename 'promt' to 'prompt'"),
        ({"prompt": ""}, "field 'prompt' is empty"),
        ({"prompt": 3}, "field 'prompt' is a number: a text was expected"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "assistant", "content": "x"}]}, "message 1"),
        ({"messages": "x"}, "a text"),
        ({}, "the row has nothing"),
    ],
)
def test_a_row_that_asks_nothing_is_told_with_its_place(tmp_path: Path, row: Any, words: str) -> None:
    with pytest.raises(ResepError, match=r"rows\.jsonl:2: ") as raised:
        read_questions(lines(tmp_path, {"prompt": "fine"}, row))
    assert words in str(raised.value)


def test_files_that_cannot_be_read_are_told_in_words(tmp_path: Path) -> None:
    with pytest.raises(ResepError, match="no such file"):
        read_questions(tmp_path / "missing.txt")
    with pytest.raises(ResepError, match="has no prompts"):
        read_questions(file(tmp_path, "empty.txt", "\n\n"))
    (tmp_path / "old.txt").write_bytes(b"caf\xe9\n")
    with pytest.raises(ResepError, match="not UTF-8"):
        read_questions(tmp_path / "old.txt")
    with pytest.raises(ResepError, match="the name must end in"):
        read_questions(file(tmp_path, "new.docx", "x"))


def test_a_prompt_of_which_the_steps_leave_nothing_is_named(tmp_path: Path) -> None:
    questions = read_questions(file(tmp_path, "new.txt", "fine\n?!\n"))
    with pytest.raises(ResepError, match=r"new\.txt:2: nothing is left of the prompt"):
        prompts(questions)
