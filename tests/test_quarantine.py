"""Quarantined rows: lines that a person can mend, and that are the rows they were when they are read again."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resep.records import Origin
from resep.sources import RawRow, quarantine_line
from resep.sources.jsonl import jsonl_rows
from tests.preparing import ledger, prepared, recipe, row, write_rows
from tests.reading import read

ORIGIN = Origin("rows.jsonl", 7)


def fed_back(line: bytes) -> RawRow:
    (row,) = jsonl_rows(line, "quarantined.jsonl", 1)
    return row


def test_a_row_that_could_be_read_stands_as_it_was_with_its_place_and_the_reason() -> None:
    line = quarantine_line(RawRow(ORIGIN, {"prompt": "p", "n": 2**70}), "field 'response' is missing")
    assert line.endswith(b"\n")
    assert json.loads(line) == {
        **{"prompt": "p", "n": 2**70, "_file": "rows.jsonl", "_line": 7},
        "_reason": "field 'response' is missing",
    }


def test_a_row_that_could_not_be_read_is_its_text() -> None:
    (row,) = jsonl_rows(b'{"prompt": "p" "response": "r"}', "rows.jsonl", 7)
    assert row.problem is not None
    assert json.loads(quarantine_line(row, row.problem.message)) == {
        "_text": '{"prompt": "p" "response": "r"}',
        "_file": "rows.jsonl",
        "_line": 7,
        "_reason": "a comma is missing between two texts",
    }


def test_a_text_that_was_mended_is_the_row_again() -> None:
    (row,) = jsonl_rows(b'{"prompt": "p" "response": "r"}', "rows.jsonl", 7)
    mended = quarantine_line(row, "broken").replace(rb"\"p\" \"resp", rb"\"p\", \"resp")
    assert fed_back(mended).values == {"prompt": "p", "response": "r"}


def test_a_text_that_was_not_mended_still_says_what_is_wrong() -> None:
    (row,) = jsonl_rows(b'{"prompt": "p" "response": "r"}', "rows.jsonl", 7)
    again = fed_back(quarantine_line(row, "broken"))
    assert again.problem is not None
    assert again.problem.message == "a comma is missing between two texts"
    assert again.text == row.text
    assert again.origin == Origin("quarantined.jsonl", 1)


def test_a_row_may_be_written_in_place_of_the_line() -> None:
    assert fed_back(b'{"prompt": "p", "response": "r"}').values == {"prompt": "p", "response": "r"}


def test_a_line_that_is_not_utf8_can_be_mended(tmp_path: Path) -> None:
    (row,) = read(tmp_path, "a.jsonl", b'{"a": "caf\xe9"}')
    line = quarantine_line(row, "not UTF-8")
    assert json.loads(line)["_text"] == r'{"a": "caf\xe9"}'
    assert fed_back(line.replace(rb"\\xe9", "é".encode())).values == {"a": "café"}


def test_a_row_of_a_table_is_the_list_of_its_values(tmp_path: Path) -> None:
    row = read(tmp_path, "a.csv", 'a,b\n"x ""y""",2,3\n')[0]
    assert json.loads(json.loads(quarantine_line(row, "3 values"))["_text"]) == ['x "y"', "2", "3"]


@pytest.mark.parametrize("own", [{"_file": "mine", "a": 1}, {"_text": "mine"}, {"_reason": 1, "_line": 2, "_file": 3}])
def test_keys_of_its_own_that_are_called_like_ours_survive(own: dict[str, Any]) -> None:
    assert fed_back(quarantine_line(RawRow(ORIGIN, own), "r")).values == own


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(["a", "_file", "_line", "_reason", "_text"]), VALUES), st.text())
def test_what_was_quarantined_is_read_back_as_it_was(values: dict[str, Any], reason: str) -> None:
    assert fed_back(quarantine_line(RawRow(ORIGIN, values), reason)).values == values


def test_what_a_run_quarantined_goes_on_as_a_source_when_it_is_mended(tmp_path: Path) -> None:
    fine = [row(number) for number in range(40)]
    broken = json.dumps(row(40)).replace('", "response', '" "response')
    source = "data: {sources: [{path: '*rows.jsonl', fields: {category: category}}], max_dropped: 1"
    write_rows(tmp_path, [*fine, broken, {**row(41), "response": None}])
    quarantined = prepared(recipe(tmp_path, f"{source}, on_bad_row: quarantine}}\n"), tmp_path) / "quarantined.jsonl"
    text = quarantined.read_text(encoding="utf-8")
    assert [json.loads(line)["_line"] for line in text.splitlines()] == [41, 42]
    answer = json.dumps(row(41)["response"])
    mended = text.replace(r"\" \"response", r"\", \"response").replace('"response":null', f'"response":{answer}')

    write_rows(tmp_path, fine)
    write_rows(tmp_path, mended.splitlines(), "mended-rows.jsonl")
    (tmp_path / "out" / "quarantined.jsonl").unlink()
    fed = {entry["id"]: entry for entry in ledger(prepared(recipe(tmp_path, f"{source}}}\n"), tmp_path))}
    assert [entry["file"] for entry in fed.values()].count("mended-rows.jsonl") == 2

    write_rows(tmp_path, [*fine, row(40), row(41)])
    (tmp_path / "mended-rows.jsonl").unlink()
    assert {entry["id"] for entry in ledger(prepared(recipe(tmp_path, f"{source}}}\n"), tmp_path))} == fed.keys()
