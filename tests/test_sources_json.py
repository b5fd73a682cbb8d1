"""JSONL and JSON: what comes out of them, what is said of a broken row, and that the fast way hides nothing."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resep.errors import ResepError
from resep.problems import format_problem
from resep.sources import json_list, jsonl
from resep.sources.json_faults import JsonFault, read_value
from resep.sources.jsonl import strict_object
from resep.sources.quarantine import REASON
from resep.sources.raw import MOST_BYTES
from tests.reading import places, read, refusal


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


def test_rows_of_a_list_on_one_line_are_told_apart_by_their_numbers(tmp_path: Path) -> None:
    text = '[{"a": 1}, {"a": 2}, {"a": 3},\n{"a": 4}]'
    assert places(read(tmp_path, "a.json", text)) == [(number, {"a": number}) for number in (1, 2, 3, 4)]


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


def test_a_jsonl_row_that_is_not_utf8_is_that_rows_problem(tmp_path: Path) -> None:
    bad, good = read(tmp_path, "a.jsonl", b'{"a": "\xe9"}\n{"a": "b"}\n')
    assert bad.problem is not None
    assert bad.problem.column == 8
    assert good.problem is None


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


# What people and programs write that JSON does not have, or that orjson reads otherwise than the strict parser.
ODD = st.sampled_from(
    [
        *("NaN", "-Infinity", "1e400", "-0", "1.0", "01", "1" * 25, "18446744073709551616", "-9223372036854775809"),
        *("{}", "[]", "'x'", '"é"', r'"\ud83d"', r'"\ud83d\ude00"', '"a :b"', r'"say \"k\": 1"'),
        *('{"a": 1, "a" : 2}', '{"b": {"c": 1, "c": 2}}'),
    ]
)
KEYS = st.sampled_from(['"a"', '"b"', '"a" ', '"b"\t', '"c"  ', '"k:"', r'"\u0061"'])
ODD_LINES = st.lists(st.tuples(KEYS, ODD | ODD.map(lambda inner: f"[{inner}]")), max_size=4).map(
    lambda pairs: "{" + ", ".join(f"{key}:{value}" for key, value in pairs) + "}"
)


@given(st.lists(ODD_LINES | st.just(""), max_size=5), st.booleans())
def test_whatever_is_accepted_is_what_the_strict_parser_reads(lines: list[str], is_much: bool) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jsonl, "_FEW_BYTES", 0 if is_much else 2**20)  # keys are counted in another way in much text
        content = "\n".join(lines).encode()
        found = {row.origin.line: row for row in jsonl.jsonl_rows(content, "f", 1)}
        at_once = jsonl.jsonl_objects(content, 1)
    if at_once is not None:
        assert not any(row.problem for row in found.values())
        assert list(map(repr, at_once[1])) == [repr(dict(row.values)) for row in found.values()]
        assert at_once[0] == list(found)
    assert {number: outcome(dict(row.values), row.problem) for number, row in found.items()} == {
        number: strictly(line) for number, line in enumerate(lines, 1) if line
    }


def test_plain_rows_are_read_at_once_and_others_are_not() -> None:
    plain = b'{"a": 1}\n\n{"a": 2}\n'
    assert jsonl.jsonl_objects(plain, 7) == ([7, 9], [{"a": 1}, {"a": 2}])
    for line in (b'{"a": 1, "a": 2}', b"{broken", b"[1]", json.dumps({REASON: "mended"}).encode()):
        assert jsonl.jsonl_objects(plain + line, 1) is None


def outcome(values: Any, problem: Any) -> str:
    """As text, because 1 == 1.0 == True, and -0.0 == 0.0."""
    return problem.message if problem else repr(values)


def strictly(line: str) -> str:
    try:
        return repr(strict_object(line))
    except JsonFault as fault:
        return str(fault)


@pytest.mark.parametrize(
    "line",
    [
        '{"a": 1, "a": 2}',
        '{"a": 1, "a" : 2}',
        '{"a": 1, "a"\t: 2}',
        '{"m": [{"r": 1, "r":2}]}',
        '{"a": "x\\": y", "a": 2}',
    ],
)
def test_a_key_that_stands_twice_is_found_however_it_is_written(tmp_path: Path, line: str) -> None:
    fine, broken = read(tmp_path, "a.jsonl", f'{{"ok": "x : y"}}\n{line}\n')
    assert fine.problem is None
    assert broken.problem is not None
    assert "stands twice" in broken.problem.message


def test_a_number_keeps_all_its_digits(tmp_path: Path) -> None:
    (row,) = read(tmp_path, "a.jsonl", '{"id": 12345678901234567890123}')
    assert row.values == {"id": 12345678901234567890123}


def test_rows_may_differ_in_their_keys_and_types(tmp_path: Path) -> None:
    rows = read(tmp_path, "a.jsonl", '{"a": "x", "id": 1}\n{"a": ["x"], "id": "A-1", "late": null}\n')
    assert places(rows) == [(1, {"a": "x", "id": 1}), (2, {"a": ["x"], "id": "A-1", "late": None})]


def test_what_looks_like_a_date_stays_a_text(tmp_path: Path) -> None:
    for name, text in (
        ("a.jsonl", '{"a": "2024-01-01"}'),
        ("a.json", '[{"a": "2024-01-01"}]'),
        ("a.csv", "a\n2024-01-01"),
    ):
        assert read(tmp_path, name, text)[0].values == {"a": "2024-01-01"}


def test_a_line_that_is_no_row_of_text_is_refused_and_the_others_are_read(tmp_path: Path) -> None:
    before, long, after = read(tmp_path, "a.jsonl", b'{"a": 1}\n{"a": "' + b"x" * MOST_BYTES + b'"}\n{"a": 2}\n')
    assert places([before, after]) == [(1, {"a": 1}), (3, {"a": 2})]
    assert long.problem is not None
    assert long.problem.message.startswith("this line is longer than 32 MiB")
    assert len(long.text) <= 1000


def test_a_line_of_megabytes_is_a_row(tmp_path: Path) -> None:
    text = "x" * (MOST_BYTES // 4)
    rows = read(tmp_path, "a.jsonl", f'{{"a": "{text}"}}\n{{"a": 2}}\n')
    assert [row.values["a"] for row in rows] == [text, 2]


def test_a_json_list_is_read_in_pieces_and_its_places_are_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [{"number": number, "text": "é" * (number % 50)} for number in range(300)]
    text = json.dumps(rows, ensure_ascii=False, indent=1)
    expected = places(read(tmp_path, "a.json", text))
    monkeypatch.setattr(json_list, "_PIECE", 7)
    assert places(read(tmp_path, "a.json", text)) == expected
    assert [values for _, values in expected] == rows
    for line, values in expected[::50]:
        assert f'"number": {values["number"]}' in text.splitlines()[line]


@given(st.data())
def test_a_fault_of_a_json_list_is_the_same_however_the_file_arrives(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    whole = '[{"a": "x", "b": [1, -2.5e3, true]},\n {"a": "\\ud83d\\ude00 y"},\n{"c": null}]\n'
    at = data.draw(st.integers(0, len(whole) - 1))
    broken = whole[:at] + data.draw(st.sampled_from(["", "]", '"', ",", "x", "\\", "\n"])) + whole[at + 1 :]
    folder = tmp_path_factory.mktemp("json")

    def outcome() -> str:
        try:
            return repr(places(read(folder, "a.json", broken)))
        except ResepError as error:
            return str(error).splitlines()[0]

    expected = outcome()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_list, "_PIECE", data.draw(st.integers(1, 30)))
        assert outcome() == expected


def test_a_row_without_an_end_is_refused_before_memory_is_full(tmp_path: Path) -> None:
    said = refusal(tmp_path, "a.json", b'[{"a": 1},\n{"a": "' + b"x" * (MOST_BYTES + 2**21))
    assert said.startswith("data/a.json:2:1: the row that begins here has no end within 32 MiB")


@pytest.mark.parametrize(("text", "column"), [(b'[{"a": "\xff"}]', 9), (b'[{"a": "\xc3\xa9"},{"a": "\xff"}]', 20)])
def test_a_byte_that_is_not_utf8_is_found_in_one_long_line(tmp_path: Path, text: bytes, column: int) -> None:
    assert refusal(tmp_path, "a.json", text).startswith(f"data/a.json:1:{column}: the byte 0xff is not UTF-8")
