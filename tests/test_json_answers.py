"""JSON that a model wrote: strict and lenient reading, fields, and equality."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resep.json_answers import MAX_DEPTH, Json, fields, read_lenient, read_strict, same, spelt
from tests.scoring import ANY_TEXT

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(st.text(max_size=4), anything, max_size=4)
PROSE = st.text("abc .,'!?\n", max_size=20)


@given(anything, st.sampled_from([None, 2]))
def test_what_is_json_is_read_as_json_reads_it(value: Any, indent: int | None) -> None:
    text = json.dumps(value, indent=indent)
    assert read_strict(text) == read_strict(f" \n{text}\t") == read_lenient(text) == Json(json.loads(text))


@given(objects, PROSE, PROSE)
def test_an_object_is_found_between_words_and_out_of_a_fence(value: dict[str, Any], before: str, after: str) -> None:
    text = json.dumps(value)
    assert read_lenient(f"{before} {text} {after}") == Json(value)
    assert read_lenient(f"{before}\n```json\n{text}\n```\n{after}") == Json(value)
    assert read_strict(f"x{before} {text} {after}") is None


@given(objects.filter(bool))
def test_what_breaks_off_is_no_answer_nor_is_a_part_of_it(value: dict[str, Any]) -> None:
    text = json.dumps(value)
    for length in range(1, len(text)):
        assert read_lenient(text[:length]) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": [1, 2,],}', {"a": [1, 2]}),
        ('{"a": "x,}"}', {"a": "x,}"}),
        ('{"a": "x,}",}', {"a": "x,}"}),
        ('{"a": 1, "a": 2}', {"a": 2}),
        ('\ufeff{"a": 1}', {"a": 1}),
        ('I saw [1], so {"a": 1}', {"a": 1}),
        ('[don\'t] {"a": 1}', {"a": 1}),
        ('he said "x {"a": "}"} y', {"a": "}"}),
        ('{"a": 1} or rather {"b": [2, 3]}', {"b": [2, 3]}),
        ("1e999", float("inf")),
        ("null", None),
        ('"yes"', "yes"),
        ("{}", {}),
    ],
)
def test_what_is_forgiven(text: str, value: Any) -> None:
    assert read_lenient(text) == Json(value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "yes",
        "{'a': 1}",
        '{"a": None}',
        "{a: 1}",
        '{"a": NaN}',
        "NaN",
        "-Infinity",
        '{"a": 1',
        '{"a": {"b": 1}, "c": ',
        "[1,, 2]",
        '{"a": 1 /* one */}',
        "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1),
    ],
)
def test_what_is_not_repaired(text: str) -> None:
    assert read_lenient(text) is None


def test_the_deepest_value_that_is_read() -> None:
    assert read_strict("[" * MAX_DEPTH + "]" * MAX_DEPTH) is not None


@pytest.mark.parametrize("text", ANY_TEXT, ids=lambda text: ascii(text[:6]))
def test_any_text_is_read_or_not_in_a_moment(text: str) -> None:
    assert read_lenient(text) is None or text.startswith("9")
    assert read_lenient(f'{{"a": {json.dumps(text)}}}') == Json({"a": text})


def test_nested_objects_are_taken_apart_and_lists_are_not() -> None:
    value = {"a": {"b": 1, "c": {}}, "d": [{"e": 1}], "": 0, "x.y": 2}
    assert fields(value) == {("a", "b"): 1, ("a", "c"): {}, ("d",): [{"e": 1}], ("",): 0, ("x.y",): 2}
    assert fields([1]) == {(): [1]}
    assert fields({}) == {(): {}}


def test_a_field_is_spelt_for_people() -> None:
    assert [spelt(path) for path in (("a", "b"), (), ("\ud800",))] == ["a.b", "(all)", "?"]


@given(anything)
def test_a_value_is_the_same_as_itself_in_any_order_of_keys(value: Any) -> None:
    turned = dict(reversed(value.items())) if isinstance(value, dict) else value
    assert same(value, turned)


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        (1, 1.0, True),
        (1, True, False),
        (0, False, False),
        ("1", 1, False),
        (None, "null", False),
        ([1, 2], [2, 1], False),
        ({"a": [1]}, {"a": [1.0]}, True),
        (["bool", True], True, False),
        ("A  b", "a B", False),
    ],
)
def test_what_is_the_same(one: Any, other: Any, equal: bool) -> None:
    assert same(one, other) is equal


def test_case_and_white_space_of_texts_may_be_left_aside() -> None:
    assert same({"a": ["New  York"]}, {"a": ["new york"]}, ignore_case=True)
    assert not same({"A": 1}, {"a": 1}, ignore_case=True)
