from __future__ import annotations

import math
import time
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from resep.document import Document, parse, read_document
from resep.document.places import dotted
from resep.document.reader import MOST_LEVELS, MOST_NODES


def read(text: str) -> Any:
    """The data of a text that has no errors."""
    document = parse(text, "recipe.yaml")
    assert [p for p in document.problems if p.severity == "error"] == []
    return document.data


def errors(document: Document) -> list[tuple[int, int, str]]:
    return [(p.line, p.column, p.message) for p in document.problems if p.severity == "error"]


def only_error(text: str | bytes) -> tuple[int, int, str]:
    document = read_document(text.encode() if isinstance(text, str) else text, "recipe.yaml")
    (found,) = errors(document)
    return found


@pytest.mark.parametrize(
    ("scalar", "value"),
    [
        ("1e-4", 0.0001),
        ("1E5", 100000.0),
        (".5e-3", 0.0005),
        ("1.", 1.0),
        ("-12", -12),
        ("+12", 12),
        ("017", 17),
        ("0o17", 15),
        ("0x1F", 31),
        ("08", 8),
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("off", "off"),
        ("true", True),
        ("False", False),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("0b11", "0b11"),
        ("2024-01-01", "2024-01-01"),
        ("2024-13-45", "2024-13-45"),
        ("None", "None"),
        ("nan", "nan"),
        ("~", None),
        ("null", None),
        ("", None),
        ("'1e-4'", "1e-4"),
        ('"true"', "true"),
    ],
)
def test_scalars_are_read_by_the_yaml_1_2_core_schema(scalar: str, value: object) -> None:
    data = read(f"key: {scalar}")["key"]
    assert data == value
    assert type(data) is type(value)


@pytest.mark.parametrize(
    "scalar", ["yes", "no", "on", "Off", "1_000", "017", "0o17", "08", "1:30", "2024-01-01", "0b1"]
)
def test_a_scalar_that_yaml_1_1_tools_read_otherwise_is_warned_about(scalar: str) -> None:
    (problem,) = parse(f"key: {scalar}", "recipe.yaml").problems
    assert (problem.severity, problem.line, problem.column, problem.where) == ("warning", 1, 6, "key")
    assert scalar in problem.message


@pytest.mark.parametrize("scalar", ["1e-4", "0", "007", "0x1F", "1.5", "true", "null", "text", "'yes'", "12", "-0.0"])
def test_a_scalar_that_means_the_same_everywhere_is_not_warned_about(scalar: str) -> None:
    assert parse(f"key: {scalar}", "recipe.yaml").problems == ()


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_finite_number_is_read_back(number: float) -> None:
    assert read(f"key: {number!r}")["key"] == number


@given(st.text())
def test_a_text_in_double_quotes_is_read_back(text: str) -> None:
    assert read(yaml.safe_dump({"key": text}, default_style='"', allow_unicode=False))["key"] == text


@pytest.mark.parametrize("scalar", [".nan", ".inf", "-.INF", "1e400", "9" * 5000, "9223372036854775808"])
def test_a_number_that_is_not_finite_or_too_large_is_refused(scalar: str) -> None:
    line, column, _ = only_error(f"key: {scalar}")
    assert (line, column) == (1, 6)


def test_a_repeated_key_names_the_line_of_the_first() -> None:
    document = parse("a: 1\nb: 2\na: 3\n", "recipe.yaml")
    assert errors(document) == [(3, 1, "this key stands already on line 1; keep one of the two")]
    assert document.data == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("a: &x {b: 1}\nc:\n  <<: *x\n", 3, 3, "merge keys"),
        ("a: !!python/object:os.system x", 1, 4, "!!python/object:os.system"),
        ("a: !!str 5", 1, 4, "!!str"),
        ("a: !foo 5", 1, 4, "!foo"),
        ("a: !e!foo 5", 1, 4, "tags"),
        ("1: x", 1, 1, "'1' in quotes"),
        ("null: x", 1, 1, "'null' in quotes"),
        ("[a, b]: x", 1, 1, "a key is a text"),
        ("a: {{ name }}", 1, 5, "needs quotes"),
        ("a: 1\n---\nb: 2\n", 2, 1, "one document"),
        ("a:\n\tb: 1\n", 2, 1, "a tab"),
        ("a: 1\nb: 'open\nc: 2\n", 2, 4, "never closed"),
        ("a: [1, 2\nb: 3\n", 1, 4, "not closed"),
        ("a: {b: 1\nc: 2\n", 1, 4, "not closed"),
        ("a: b: c", 1, 5, "in quotes"),
        ("a: 1\nword\nb: 2", 2, 1, "missing"),
        ("a: > 0", 1, 4, "needs quotes"),
        ("a: *", 1, 4, "needs quotes"),
        ("a: *x", 1, 4, "names no anchor"),
        ("a: @x", 1, 4, "needs quotes"),
        ('a: "\\d+"', 1, 6, "single quotes"),
        ("a: &x [1, *x]", 1, 4, "contains itself"),
        ("a: \x1b[31m", 1, 4, "U+001B"),
        ("a: b\r\nc: \x07", 2, 4, "U+0007"),
        ("a: b\u2028c", 1, 5, "U+2028"),
        ("", 1, 1, "nothing"),
        ("# only a comment\n", 1, 1, "nothing"),
        (b"\xff\xfea\x00", 1, 1, "UTF-16"),
        (b"a: 1\nb: caf\xe9", 2, 7, "0xe9"),
        (b"a: 1\nb\x00: 2", 2, 2, "zero byte"),
        (b"\x1f\x8b\x08\x00gzip", 1, 4, "zero byte"),
    ],
)
def test_a_mistake_is_one_problem_at_its_place(text: str | bytes, line: int, column: int, words: str) -> None:
    found_line, found_column, message = only_error(text)
    assert words in message
    assert (found_line, found_column) == (line, column)


@pytest.mark.parametrize("opening", ["[", "{a: ", "- "])
def test_nesting_ends_at_the_budget_and_not_in_a_recursion_error(opening: str) -> None:
    _, column, message = only_error(opening * 2000)
    assert "nested deeper" in message
    assert column <= len(opening) * MOST_LEVELS + 1


def test_a_byte_order_mark_is_only_a_warning() -> None:
    document = read_document(b"\xef\xbb\xbfa: 1", "recipe.yaml")
    assert document.data == {"a": 1}
    assert [p.severity for p in document.problems] == ["warning"]


def test_a_data_file_given_as_a_recipe_is_refused_by_its_size() -> None:
    assert "data file" in only_error(b"a: 1\n" * 300_000)[2]


def test_anchors_may_be_used_within_the_budget() -> None:
    assert read("a: &x [1, 2]\nb: *x\n") == {"a": [1, 2], "b": [1, 2]}


def test_a_few_lines_of_anchors_cannot_unfold_into_millions_of_nodes() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    start = time.process_time()
    _, _, message = only_error("\n".join(lines))
    assert f"{MOST_NODES:,}" in message
    assert time.process_time() - start < 5


def test_every_key_and_value_has_its_place() -> None:
    document = parse("a:\n  - b: 1\n    cc: [x, yy]\n", "recipe.yaml")
    assert (document.keys[("a", 0, "cc")].line, document.keys[("a", 0, "cc")].column) == (3, 5)
    assert (document.values[("a", 0, "cc", 1)].line, document.values[("a", 0, "cc", 1)].column) == (3, 13)
    assert document.values[("a", 0, "b")].source == "  - b: 1"


def test_a_missing_key_stands_where_its_section_begins() -> None:
    document = parse("a:\n  b: 1\n", "recipe.yaml")
    assert (document.place(("a", "missing")).line, document.place(("a", "missing")).column) == (1, 1)


def test_a_path_is_written_with_dots_and_brackets() -> None:
    assert dotted(("data", "sources", 0, "path")) == "data.sources[0].path"


@given(st.text() | st.text("ab:-[]{}&*!|>'\"%@`#,? \n\t\\0123.eE~<\r\ufeff\x85"))
def test_any_text_becomes_data_or_problems_and_never_an_exception(text: str) -> None:
    document = parse(text, "recipe.yaml")
    assert document.data is not None or document.problems or document.values
    assert all(problem.line >= 1 and problem.column >= 1 for problem in document.problems)


@given(st.binary())
def test_any_bytes_become_data_or_problems_and_never_an_exception(raw: bytes) -> None:
    document = read_document(raw, "recipe.yaml")
    assert document.data is not None or document.problems or document.values


@given(st.text("ab: -\n'\"#[]{},", max_size=60))
def test_no_value_is_ever_infinite_or_not_a_number(text: str) -> None:
    def numbers(value: Any) -> list[float]:
        if isinstance(value, dict):
            return [n for inner in value.values() for n in numbers(inner)]
        if isinstance(value, list):
            return [n for inner in value for n in numbers(inner)]
        return [value] if isinstance(value, float) else []

    assert all(math.isfinite(number) for number in numbers(parse(text, "recipe.yaml").data))
