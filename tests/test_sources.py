"""Reading sources: what comes out of each format, and what is said of a file or row that cannot be read."""

import json
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resep.errors import ResepError
from resep.problems import format_problem
from resep.stages.prepare.json_faults import JsonFault, read_value
from resep.stages.prepare.raw import RawRow
from resep.stages.prepare.sources import read_source


def read(folder: Path, name: str, content: str | bytes) -> list[RawRow]:
    (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return list(read_source(folder / name, f"data/{name}"))


def refusal(folder: Path, name: str, content: str | bytes) -> str:
    with pytest.raises(ResepError) as caught:
        read(folder, name, content)
    return str(caught.value)


def places(rows: list[RawRow]) -> list[tuple[int, Any]]:
    return [(row.origin.line, dict(row.values)) for row in rows]


def test_a_jsonl_file_gives_its_lines_and_no_blank_ones(tmp_path: Path) -> None:
    rows = read(tmp_path, "a.jsonl", '\ufeff{"a": "1"}\r\n\n{"a": ["x", 2]}')
    assert places(rows) == [(1, {"a": "1"}), (3, {"a": ["x", 2]})]
    assert str(rows[1].origin) == "data/a.jsonl:3"


def test_a_line_separator_within_a_text_ends_no_row(tmp_path: Path) -> None:
    assert places(read(tmp_path, "a.jsonl", '{"a": "x\u2028y"}\n')) == [(1, {"a": "x\u2028y"})]


def test_a_json_file_is_a_list_and_knows_the_line_of_each_row(tmp_path: Path) -> None:
    assert places(read(tmp_path, "a.json", '[{"a": 1},\n\n {"a":\n 2}, {"a": 3}]\n')) == [
        (1, {"a": 1}),
        (3, {"a": 2}),
        (4, {"a": 3}),
    ]


def test_csv_values_stay_texts_and_may_hold_line_breaks(tmp_path: Path) -> None:
    rows = read(tmp_path, "a.csv", '\ufeffprompt,when\n"two\nlines",2024-01-01\n007,\n')
    assert places(rows) == [(2, {"prompt": "two\nlines", "when": "2024-01-01"}), (4, {"prompt": "007", "when": ""})]


def test_parquet_columns_keep_their_types(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    table = pyarrow.table({"prompt": ["a", "2024-01-01"], "response": [["x", "y"], None]})
    parquet.write_table(table, tmp_path / "a.parquet")
    rows = list(read_source(tmp_path / "a.parquet", "a.parquet"))
    assert places(rows) == [
        (1, {"prompt": "a", "response": ["x", "y"]}),
        (2, {"prompt": "2024-01-01", "response": None}),
    ]


def test_a_file_that_is_no_parquet_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    assert "not a Parquet file" in refusal(tmp_path, "a.parquet", "prompt,response\n")


def test_the_missing_comma_of_a_list_is_shown_at_its_place(tmp_path: Path) -> None:
    text = '[\n  {"prompt": "p", "response": ["open it" "close it"]}\n]'
    assert refusal(tmp_path, "a.json", text).splitlines() == [
        "data/a.json:2:42: a comma is missing between two texts",
        '      {"prompt": "p", "response": ["open it" "close it"]}',
        "                                             ^",
    ]


@pytest.mark.parametrize(
    ("line", "column", "message"),
    [
        ('{"a": ["x" "y"]}', 12, "a comma is missing between two texts"),
        ('{"a": 1 "b": 2}', 9, "a comma is missing before this"),
        ('{"a": "x" "b": "y"}', 11, "a comma is missing between two texts"),
        ('{"a": ["x", "y",]}', 17, "a comma too many before ']'"),
        ('{"a": "x",}', 11, "a comma too many before '}'"),
        ('{"a": "x', 7, "this text is never closed"),
        ('{"a": "x"', 10, "ends too early"),
        ("{'a': 1}", 2, "double quotes"),
        ('{"a" "x"}', 6, "a colon is missing"),
        ('{"a": "he said "hi" now"}', 17, "backslash"),
        ('{"a": "x\ty"}', 9, "a line break or tab inside a text"),
        ('{"a": "C:\\q"}', 10, "a backslash that means nothing"),
        ('{"a": None}', 7, "a value was expected, not 'None'"),
        ('{"a": NaN}', 7, "NaN is no JSON"),
        ('{"a": "NaN", "b": -Infinity}', 19, "-Infinity is no JSON"),
        ('{"a": 1, "a": 2}', 2, "the key 'a' stands twice"),
        ('{"a": "cut \\ud83d"}', 12, "half of a character"),
        ('{"a": 1} {"a": 2}', 9, "one row per line"),
        ("[1, 2]", 1, "a row is an object {...}; this is a list"),
        ("[" * 100_000, 1, "nested too deeply"),
        ('{"a": ' + "1" * 5000 + "}", 1, "Exceeds the limit"),
    ],
)
def test_broken_json_is_explained_in_plain_words(tmp_path: Path, line: str, column: int, message: str) -> None:
    fine, broken, after = read(tmp_path, "a.jsonl", f'{{"ok": 1}}\n{line}\n{{"ok": 2}}\n')
    assert fine.problem is None
    assert after.problem is None
    assert broken.problem is not None
    assert (broken.problem.line, broken.problem.column) == (2, column)
    assert message in broken.problem.message
    assert format_problem(broken.problem).startswith(f"data/a.jsonl:2:{column}: ")


def test_a_json_list_in_a_jsonl_file_is_recognised(tmp_path: Path) -> None:
    first = read(tmp_path, "a.jsonl", '[\n{"a": 1}\n]')[0]
    assert first.problem is not None
    assert "name it .json" in first.problem.message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1}\n{"a": 2}', ":1:1: a JSON source is a list of rows"),
        ('[{"a": 1}\n {"a": 2}]', ":2:2: a comma is missing between two rows"),
        ('[{"a": 1},\n]', ":1:10: a comma too many before ']'"),
        ('[{"a": 1}', ":1:10: the data ends too early"),
        ("[", ":1:2: the data ends too early"),
        ('[{"a": 1}]\n]', ":2:1: the list has ended"),
        ('[{"a": 1},\n "x"]', ":2:2: a row is an object {...}; this is a text"),
        ("[]", "the file has no rows"),
        ("", "the file is empty"),
    ],
)
def test_a_broken_json_list_names_line_and_column(tmp_path: Path, text: str, message: str) -> None:
    assert message in refusal(tmp_path, "a.json", text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,a\n1,2\n", "two columns are called 'a'"),
        ("a,b\n", "the file has no rows"),
        ('a,b\n1,2\n3,"x\n4,5\n6,7\n', "a.csv:3: in the row that begins here: unexpected end of data (line 5)"),
        ('a,b\n1,2\n3,"x\n4,"y"\n', "a.csv:3: in the row that begins here: ',' expected after '\"' (line 4)"),
    ],
)
def test_a_broken_csv_is_refused(tmp_path: Path, text: str, message: str) -> None:
    assert message in refusal(tmp_path, "a.csv", text)


def test_a_csv_row_with_a_value_too_many_is_that_rows_problem(tmp_path: Path) -> None:
    bad, good = read(tmp_path, "a.csv", "a,b\n1,2,3\n4,5\n")
    assert bad.problem is not None
    assert bad.problem.message.startswith("3 values under 2 columns")
    assert dict(good.values) == {"a": "4", "b": "5"}


@pytest.mark.parametrize("name", ["a.json", "a.csv"])
def test_a_file_that_is_not_utf8_names_the_byte(tmp_path: Path, name: str) -> None:
    assert refusal(tmp_path, name, "x,y\né,é\n".encode("latin-1")).startswith(
        f"data/{name}:2:1: the byte 0xe9 is not UTF-8"
    )
    assert "UTF-16" in refusal(tmp_path, name, "x,y\n".encode("utf-16"))


def test_a_jsonl_row_that_is_not_utf8_is_that_rows_problem(tmp_path: Path) -> None:
    bad, good = read(tmp_path, "a.jsonl", b'{"a": "\xe9"}\n{"a": "b"}\n')
    assert bad.problem is not None
    assert bad.problem.column == 8
    assert good.problem is None


def test_a_missing_file_suggests_its_neighbour(tmp_path: Path) -> None:
    (tmp_path / "quickstart.jsonl").write_text("{}")
    message = f"data/quikstart.jsonl: no such file in {tmp_path}; did you mean 'quickstart.jsonl'?"
    with pytest.raises(ResepError, match=re.escape(message)):
        list(read_source(tmp_path / "quikstart.jsonl", "data/quikstart.jsonl"))


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    assert ".json, .jsonl, .csv or .parquet" in refusal(tmp_path, "a.xlsx", "x")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(
    st.lists(st.dictionaries(st.text(max_size=3), VALUES, max_size=3), min_size=1, max_size=4),
    st.sampled_from([None, 1]),
)
def test_what_json_wrote_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Any], indent: int | None
) -> None:
    folder = tmp_path_factory.mktemp("json")
    assert [dict(row.values) for row in read(folder, "a.json", json.dumps(rows, indent=indent))] == rows
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    assert [dict(row.values) for row in read(folder, "a.jsonl", lines)] == rows


@given(st.text(alphabet='{}[]",:ab1 \n\\', max_size=30))
def test_any_text_is_a_value_or_a_fault_with_its_place(text: str) -> None:
    with suppress(JsonFault):
        read_value(text, 0)
        return
    with pytest.raises(JsonFault, match=r"\w") as caught:
        read_value(text, 0)
    assert 0 <= caught.value.position <= len(text)
