"""The evaluator `regex`: what matches, what is captured, and patterns that may not run."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resep.errors import ResepError
from tests.scoring import ANY_TEXT, plugin, sample, scores, values


@pytest.mark.parametrize(
    ("output", "pattern", "matches"),
    [
        ("42", "^[0-9]+$", 1),
        (" 42\n", "^[0-9]+$", 1),
        ("42 apples", "^[0-9]+$", 0),
        ("", "^[a-z]*$", 1),
        ("a\nb", "a$", 0),
        ("a\nb", "(?m:a$)", 1),
        ("Yes", "yes", 0),
        ("Yes", "(?i)yes", 1),
        ("", "a", 0),
    ],
)
def test_a_pattern_matches_or_does_not(output: str, pattern: str, matches: int) -> None:
    assert values("regex", output, "x", pattern=pattern) == {"regex_match": matches}


@pytest.mark.parametrize(
    ("output", "options", "right"),
    [
        ("so the answer: 12", {}, 1),
        ("so the answer: 13", {}, 0),
        ("answer: 13, no, answer: 12", {}, 0),
        ("answer: 13, no, answer: 12", {"take": "last"}, 1),
        ("I do not know", {}, 0),
        ("", {}, 0),
    ],
)
def test_what_the_group_holds_is_compared_with_the_reference(output: str, options: Any, right: int) -> None:
    found = values("regex", output, "12", pattern="answer: ([0-9]+)", **options)
    assert found["regex_captured"] == right


def test_a_field_of_the_row_may_be_compared_instead() -> None:
    row = sample("answer: 12", "because 12 is even", metadata={"number": 12})
    assert scores("regex", row, pattern="answer: ([0-9]+)", field="number")[0].values["regex_captured"] == 1
    (without,) = scores("regex", row, pattern="answer: ([0-9]+)", field="nothing")
    assert without.values == {"regex_match": 1, "regex_captured": None}


def test_case_and_white_space_of_what_was_captured_may_differ() -> None:
    pattern = "(?s)is (.+)[.]"
    assert values("regex", "It is  New\nYork.", "new york", pattern=pattern)["regex_captured"] == 1
    assert values("regex", "It is New York.", "new york", pattern=pattern, ignore_case=False)["regex_captured"] == 0


def test_a_group_without_a_part_in_the_match_holds_nothing() -> None:
    assert values("regex", "b", "a", pattern="(a)|b") == {"regex_match": 1, "regex_captured": 0}


def test_an_empty_reference_has_no_score_for_what_was_captured() -> None:
    assert values("regex", "a", " ", pattern="(a)") == {"regex_match": 1, "regex_captured": None}


def test_the_metric_of_captures_is_there_only_with_a_group() -> None:
    metrics = plugin("regex").metrics
    assert [metric.name for metric in metrics({"pattern": "(?:a)b"})] == ["regex_match"]
    assert [metric.name for metric in metrics({"pattern": "(a)b"})] == ["regex_match", "regex_captured"]
    assert len(metrics({"pattern": "("})) == 2


@pytest.mark.parametrize(("pattern", "words"), [("", "is missing"), ("(a+)+$", "itself repeats"), ("(", "compile")])
def test_a_pattern_that_cannot_run_is_explained(pattern: str, words: str) -> None:
    with pytest.raises(ResepError, match=words):
        values("regex", "a", "a", pattern=pattern)


@given(st.integers(min_value=0, max_value=10**9), st.text("abc :", max_size=10))
def test_a_number_is_found_wherever_it_stands(number: int, around: str) -> None:
    output = f"{around}{number}{around}"
    assert values("regex", output, str(number), pattern="([0-9]+)") == {"regex_match": 1, "regex_captured": 1}


@pytest.mark.parametrize("text", ANY_TEXT, ids=lambda text: ascii(text[:6]))
def test_any_text_has_a_score(text: str) -> None:
    found = values("regex", text, "x", pattern="(never said)|[a-z]+[0-9]+never")
    assert found == {"regex_match": 0, "regex_captured": 0}
