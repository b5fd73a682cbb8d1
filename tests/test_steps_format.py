"""The evaluator `steps_format`: lists of steps as the recipe writes them, and why outputs are none."""

import re
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from resep.records import Score
from resep.steps import parse_steps, render_steps
from tests.scoring import ANY_TEXT, LIGHT, plugin, sample, scores

FORMATS = ("numbered_steps", "bulleted_steps", "json", "text")
steps = st.lists(st.text("abc DE,.-12", min_size=1, max_size=12).filter(str.strip), min_size=1, max_size=6)


def judged(output: str, target: str | tuple[str, ...] = ("a", "b"), response_format: str = "numbered_steps") -> Score:
    (score,) = scores("steps_format", sample(output, target), context=replace(LIGHT, response_format=response_format))
    return score


@given(steps, st.sampled_from(FORMATS))
def test_what_the_recipe_writes_is_in_its_format(written: list[str], response_format: str) -> None:
    text = render_steps(written, response_format)
    assume(not any(re.fullmatch(r"\s*(?:\d+[.)]?|[-*])\s*", step) for step in written))  # a marker alone is no step
    assume(parse_steps(text).steps == parse_steps(render_steps(written, "json")).steps)
    assume(len(parse_steps(text).steps) == len(written))
    assert judged(text, tuple(written), response_format).values == {
        "steps_format": 1,
        "steps_form": 1,
        "step_count_right": 1,
        "output_steps": len(written),
    }


@given(st.text('ab 12.)-*[]"\n', max_size=30), st.sampled_from(FORMATS))
def test_the_format_holds_only_where_the_form_does(output: str, response_format: str) -> None:
    score = judged(output, ("a",), response_format)
    assert (score.values["steps_format"] or 0) <= (score.values["steps_form"] or 0)
    assert ("fault" in score.detail) == (score.values["steps_format"] == 0)


@pytest.mark.parametrize(
    ("output", "response_format", "fault"),
    [
        ("1. a\n\n2. b  \n", "numbered_steps", None),
        ("1. a", "numbered_steps", None),
        ("Sure:\n1. a\n2. b", "numbered_steps", "text before the list"),
        ("1. a\n2. b\nDone!", "numbered_steps", "text after or between steps"),
        ("1. a\n   more\n2. b", "numbered_steps", "text after or between steps"),
        ("1. a\n3. b", "numbered_steps", "numbers out of sequence"),
        ("1. a\n1. b", "numbered_steps", "numbers out of sequence"),
        ("2. a\n3. b", "numbered_steps", "does not begin at 1"),
        ("1) a\n2) b", "numbered_steps", "no numbers as asked"),
        ("**1. a**\n**2. b**", "numbered_steps", "no numbers as asked"),
        ("1.\n2.", "numbered_steps", "no numbers as asked"),
        ("1. a 2. b", "numbered_steps", "read as steps within a line"),
        ("- a\n- b", "numbered_steps", "no numbers as asked"),
        ('["a", "b"]', "numbered_steps", "no numbers as asked"),
        ("", "numbered_steps", "empty"),
        (" \n ", "json", "empty"),
        ("- a\n- b", "bulleted_steps", None),
        ("* a\n* b", "bulleted_steps", "no bullets as asked"),
        ("- a\nb", "bulleted_steps", "text after or between steps"),
        ('["a", "b"]', "json", None),
        ('```json\n["a"]\n```', "json", "not JSON"),
        ('{"steps": ["a"]}', "json", "JSON, but no list"),
        ('["a", 1]', "json", "a list of something else than texts"),
        ("[]", "json", "a list of something else than texts"),
        ("a\nb", "text", None),
        ("a\n2. b", "text", "numbers or bullets"),
    ],
)
def test_why_an_output_is_not_in_the_format(output: str, response_format: str, fault: str | None) -> None:
    score = judged(output, ("a", "b"), response_format)
    assert score.detail.get("fault") == fault
    assert score.values["steps_format"] == float(fault is None)


def test_the_right_kind_of_list_is_seen_among_words() -> None:
    values = judged("Sure:\n1. a\n2. b\n\nDone!").values
    assert (values["steps_format"], values["steps_form"], values["step_count_right"]) == (0, 1, 1)


@pytest.mark.parametrize(("target", "right"), [((), None), ("", None), (("a",), 0), (("a", "b"), 1), ("1. a\n2. b", 1)])
def test_the_count_is_that_of_the_reference(target: str | tuple[str, ...], right: float | None) -> None:
    assert judged("1. x\n2. y", target).values["step_count_right"] == right


def test_it_reads_what_the_arm_really_wrote() -> None:
    """The recipe's text steps would write JSON anew, and put steps within a line on lines of their own."""
    assert plugin("steps_format").TEXTS == "raw"


def test_the_report_gets_the_faults_for_each_arm() -> None:
    rows = [
        sample("", ("a",), "1", "base"),
        sample("Hm\n1. a", ("a",), "2", "base"),
        sample("1. a", ("a",), "1", "tuned"),
        sample("", ("a",), "2", "tuned"),
    ]
    (table,) = plugin("steps_format").summarise(rows, scores("steps_format", *rows), LIGHT)["tables"]
    assert table["columns"] == ["fault", "base", "tuned"]
    assert table["rows"] == [["empty", 1, 1], ["text before the list", 1, 0]]


@pytest.mark.parametrize("response_format", FORMATS)
@pytest.mark.parametrize("text", ANY_TEXT, ids=lambda text: ascii(text[:6]))
def test_any_text_has_a_score(text: str, response_format: str) -> None:
    assert judged(text, ("open",), response_format).values["steps_format"] in (0, 1)
