"""Steps are read from every form that models write, and rendering is undone by parsing."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resep.steps import parse_steps, render_steps, split_marker, target_steps, target_text

OPEN_CLOSE = ("Open it", "Close it")


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("json", '["Open it", "Close it"]'),
        ("json", '```json\n["Open it", "Close it"]\n```'),
        ("json", 'Here you are:\n```\n{"steps": ["Open it", "Close it"]}\n```\nGood luck!'),
        ("json", '{"title": "x", "steps": [{"step": "Open it"}, {"n": 2, "text": "Close it"}]}'),
        ("json", '["1. Open it", "2. Close it"]'),
        ("json", '[{"instruction": "Open it"}, {"action": "Close it"}]'),
        ("numbered", "1. Open it\n2. Close it"),
        ("numbered", "1) Open it\n2) Close it"),
        ("numbered", "1.Open it\n2.Close it"),
        ("numbered", "Step 1: Open it\nStep 2: Close it"),
        ("numbered", "Langkah 1: Open it\nLangkah 2: Close it"),
        ("numbered", "**1. Open it**\n**2. Close it**"),
        ("numbered", "**1.** Open it\n**2.** Close it"),
        ("numbered", "**Step 1:** Open it\n**Step 2:** Close it"),
        ("numbered", "### Step 1\nOpen it\n### Step 2\nClose it"),
        ("numbered", "- 1. Open it\n- 2. Close it"),
        ("numbered", "1. Open it\n1. Close it"),
        ("numbered", "Sure, here is how:\n\n1. Open it\n2. Close it\n\nThat is all, enjoy!"),
        ("numbered", "1. Open\n   it\n2. Close\nit"),
        ("numbered", "  1. Open it\n  2. Close it"),
        ("numbered", "1. **Open** it\r\n2. `Close` it"),
        ("inline", "1. Open it 2. Close it"),
        ("inline", "Do this: 1) Open it 2) Close it"),
        ("bulleted", "- Open it\n- Close it"),
        ("bulleted", "Do this:\n* Open it\n* Close it\n\nDone."),
        ("bulleted", "• Open it\n• Close it"),
        ("lines", "Open it\n\nClose it\n"),
    ],
)
def test_every_form_gives_the_same_steps(form: str, text: str) -> None:
    parsed = parse_steps(text)
    assert (parsed.form, parsed.steps) == (form, OPEN_CLOSE)


def test_sub_items_join_their_step() -> None:
    text = "1. Open it\n   - by hand\n   - or by voice\n2. Close it\n- gently"
    assert parse_steps(text).steps == ("Open it by hand or by voice", "Close it gently")


def test_a_numbered_sub_list_joins_its_step() -> None:
    assert parse_steps("1. Open\n    1. left\n    2. right\n2. Close").steps == ("Open left right", "Close")


def test_notes_after_a_list_are_no_steps() -> None:
    text = "1. Open it\n2. Close it\n\nTips:\n- be quick\n- be kind"
    assert parse_steps(text).steps == OPEN_CLOSE


def test_a_paragraph_between_two_items_is_no_step() -> None:
    assert parse_steps("1. Open it\n\nNow breathe.\n\n2. Close it").steps == OPEN_CLOSE


@pytest.mark.parametrize("text", ["", " \n\t\n"])
def test_an_empty_text_has_no_steps(text: str) -> None:
    assert parse_steps(text).form == "empty"
    assert parse_steps(text).steps == ()


def test_an_empty_json_list_has_no_steps() -> None:
    assert parse_steps("[]").form == "json"
    assert parse_steps("[]").steps == ()


@pytest.mark.parametrize(
    "text", ["Add 1.5 litres", "At 12:30 leave", "Dial 911. Then wait", "2024. A year", "[EMAIL] wrote", "{name}"]
)
def test_numbers_and_brackets_within_a_sentence_start_no_list(text: str) -> None:
    assert parse_steps(text).form == "lines"
    assert parse_steps(text).steps == (text,)


def test_json_nested_too_deep_is_text() -> None:
    assert parse_steps("[" * 100_000).form == "lines"


def test_a_single_numbered_line_is_a_list_of_one() -> None:
    assert parse_steps("1. Open it").form == "numbered"
    assert parse_steps("1. Open it").steps == ("Open it",)


def test_an_unknown_response_format_is_refused() -> None:
    with pytest.raises(ValueError, match="roman"):
        render_steps(["a"], "roman")


def test_a_reference_is_read_like_an_output_whether_text_or_list() -> None:
    assert target_steps(("**Open** it", " Close  it ")) == target_steps("1. Open it\n2. Close it") == OPEN_CLOSE
    assert target_text(OPEN_CLOSE) == "1. Open it\n2. Close it"
    assert target_text(OPEN_CLOSE, "text") == "Open it\nClose it"


@pytest.mark.parametrize(
    ("line", "marker", "rest"),
    [
        ("1. Open", "1. ", "Open"),
        ("  - Open", "  - ", "Open"),
        ("Open 1. now", "", "Open 1. now"),
        ("1.5 l", "", "1.5 l"),
    ],
)
def test_a_marker_is_split_from_its_line(line: str, marker: str, rest: str) -> None:
    assert split_marker(line) == (marker, rest)


def is_plain(step: str) -> bool:
    """A step that is nothing but text: alone it is one line, and no number in it could start an item."""
    parsed = parse_steps(step)
    return (
        parsed.form == "lines"
        and parsed.steps == (step,)
        and not re.search(r"\d[.):]", step)
        and not step.startswith(("```", "[", "{"))
    )


plain_steps = st.lists(st.text(max_size=25).filter(is_plain), max_size=8).map(tuple)


@given(plain_steps, st.sampled_from(["numbered_steps", "bulleted_steps", "json", "text"]))
def test_parsing_undoes_rendering(steps: tuple[str, ...], response_format: str) -> None:
    assert parse_steps(render_steps(steps, response_format)).steps == steps


@given(
    plain_steps.filter(lambda steps: len(steps) > 1),
    st.sampled_from(["{}) {}", "Step {}: {}", "**{}. {}**", "- {}. {}"]),
)
def test_other_numberings_are_read_alike(steps: tuple[str, ...], pattern: str) -> None:
    text = "\n".join(pattern.format(number, step) for number, step in enumerate(steps, 1))
    assert parse_steps(text).steps == steps


@given(st.text())
def test_any_text_is_read_without_an_error(text: str) -> None:
    assert all(step.strip() == step and step for step in parse_steps(text).steps)
