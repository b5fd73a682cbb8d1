"""The evaluator `contains`: given texts, texts of the row, and the reference, looked for in the output."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.scoring import ANY_TEXT, LIGHT, plugin, sample, scores, values

words = st.lists(st.sampled_from(["open", "pin", "tab", "opinion"]), min_size=1, max_size=5).map(" ".join)


@pytest.mark.parametrize(
    ("output", "options", "holds", "share"),
    [
        ("Open the PIN\n tab", {"texts": ["pin tab", "open"]}, 1, 1),
        ("Open the PIN", {"texts": ["pin", "tab"]}, 0, 0.5),
        ("Open the PIN", {"texts": ["pin", "tab"], "need": "any"}, 1, 0.5),
        ("Open the PIN", {"texts": ["pin"], "ignore_case": False}, 0, 0),
        ("my opinion", {"texts": ["pin"]}, 1, 1),
        ("my opinion", {"texts": ["pin"], "whole_words": True}, 0, 0),
        ("my (pin)", {"texts": ["pin", "(pin)"], "whole_words": True}, 1, 1),
        ("a+b", {"texts": ["A+B"], "whole_words": True}, 1, 1),
        ("cafe\u0301", {"texts": ["caf\u00e9"]}, 1, 1),
        ("STRASSE", {"texts": ["stra\u00dfe"]}, 1, 1),
        ("", {"texts": ["pin"]}, 0, 0),
        ("a pin", {"texts": ["pin", "pin", " "]}, 1, 1),
    ],
)
def test_texts_are_looked_for(output: str, options: dict[str, Any], holds: int, share: float) -> None:
    assert values("contains", output, "x", **options) == {"contains": holds, "contains_share": share}


def test_without_texts_the_reference_is_looked_for() -> None:
    assert values("contains", "The answer is 42.", "42")["contains"] == 1
    assert values("contains", "open, then close", ("open", "close", "tap"))["contains_share"] == pytest.approx(2 / 3)
    assert values("contains", "anything", " ") == {"contains": None, "contains_share": None}


@pytest.mark.parametrize(
    ("metadata", "holds"),
    [
        ({"facts": "open"}, 1),
        ({"facts": ["open", 5]}, 0),
        ({"facts": 7}, 1),
        ({"facts": []}, None),
        ({"facts": None}, None),
        ({"facts": {"a": "open"}}, None),
        ({}, None),
    ],
)
def test_a_field_of_the_row_says_what_to_look_for(metadata: dict[str, Any], holds: float | None) -> None:
    row = sample("open 7", "x", metadata=metadata)
    assert scores("contains", row, field="facts")[0].values["contains"] == holds


def test_a_field_that_rows_lack_is_told_with_the_nearest_name() -> None:
    row = sample("open", "x", metadata={"facts": "open"})
    found = plugin("contains").summarise([row], [], LIGHT, texts=[], field="fact", ignore_case=True)
    assert found["warnings"] == [
        "contains: answers of rows with nothing in the field 'fact': 1 of 1; did you mean 'facts'?"
    ]


def test_a_text_that_nobody_could_say_is_told() -> None:
    """The recipe strips punctuation of outputs and references, but not of its own options."""
    rows = [sample("the email", "the email")]
    options = {"field": None, "ignore_case": True}
    found = plugin("contains").summarise(rows, [], LIGHT, texts=["e-mail", "email"], **options)["warnings"]
    assert len(found) == 1
    assert "'e-mail' is in no output and in no reference" in found[0]


@given(words, words)
def test_a_text_contains_each_of_its_parts(before: str, after: str) -> None:
    whole = f"{before} {after}"
    assert values("contains", whole, "x", texts=[before, after], whole_words=True)["contains"] == 1


@given(words, st.lists(words, min_size=1, max_size=4))
def test_any_asks_for_less_than_all(output: str, texts: list[str]) -> None:
    every, some = (values("contains", output, "x", texts=texts, need=need) for need in ("all", "any"))
    assert (some["contains"] or 0) >= (every["contains"] or 0)
    assert every["contains"] == float(every["contains_share"] == 1)


@pytest.mark.parametrize("text", ANY_TEXT, ids=lambda text: ascii(text[:6]))
def test_any_text_has_a_score(text: str) -> None:
    assert values("contains", text, "open", texts=["w5", "never said"], whole_words=True)["contains"] == 0
    assert values("contains", text, text)["contains"] == (1 if text.strip() else None)
