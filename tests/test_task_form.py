"""The form of a task's answers is told from the answers, and recognised in others."""

import pytest

from resep.task_form import TaskForm, task_form

STEPS = ["1. open it\n2. tap it", "1. find it\n2. read it\n3. close it"] * 5


@pytest.mark.parametrize(
    ("answers", "name"),
    [
        (STEPS, "numbered"),
        (["- open it\n- tap it"] * 6 + ["- a\n- b\n- c"], "bulleted"),
        ([f'{{"order": {number}}}' for number in range(9)], "json"),
        (["Positive.", "negative"] * 10, "label"),
        (["It is open.", "It is not open, and nobody knows why.", "Ask again."], None),
        ([*STEPS, *["It is open."] * 5], None),
        (["yes", "no", "maybe"], None),
        ([], None),
        (["", "  "], None),
    ],
)
def test_the_form_is_what_most_answers_have(answers: list[str], name: str | None) -> None:
    assert task_form(answers).name == name


def test_an_answer_to_anything_else_in_that_form_is_recognised() -> None:
    assert task_form(STEPS).has("1. paris is\n2. the capital")
    assert not task_form(STEPS).has("Paris is the capital of France.")
    assert task_form(["positive", "negative"] * 10).has("Positive.")
    assert not task_form(["positive", "negative"] * 10).has("I feel positive about it")


def test_without_a_form_nothing_is_in_it() -> None:
    assert not TaskForm(None).has("1. a\n2. b")
