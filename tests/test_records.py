"""Records on disk: what is written is read back, and one record is one line."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resep import Example, Message, Row, Sample, Score
from resep.records import Origin, from_json, read_jsonl, to_line, write_jsonl

TEXT = st.text(max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT, lambda inner: st.lists(inner, max_size=3), max_leaves=4
)
METADATA = st.dictionaries(TEXT, JSON, max_size=3)
MESSAGES = st.lists(st.builds(Message, TEXT, TEXT), max_size=3).map(tuple)
TARGETS = TEXT | st.lists(TEXT, max_size=3).map(tuple)
NUMBERS = st.dictionaries(TEXT, st.none() | st.integers(0, 9).map(float), max_size=3)
RECORDS = (
    st.builds(Row, TEXT, METADATA, st.builds(Origin, TEXT, st.integers(1)), st.none() | TEXT)
    | st.builds(Example, TEXT, MESSAGES, TARGETS, METADATA)
    | st.builds(Sample, TEXT, TEXT, TARGETS, TEXT, MESSAGES, TEXT, st.none() | st.integers(), st.none(), METADATA)
    | st.builds(Score, TEXT, TEXT, NUMBERS, st.just({"bleu": (1.0, 2.0)}), METADATA, st.none() | TEXT)
)


@given(RECORDS)
def test_a_record_is_one_line_and_comes_back_whole(record: Row | Example | Sample | Score) -> None:
    line = to_line(record)
    assert line.count("\n") == 1
    assert json.loads(line) == json.loads(json.dumps(vars(record), default=vars))
    assert from_json(type(record), json.loads(line)) == record  # type: ignore[type-var]


def test_a_file_of_records_says_how_many_it_holds(tmp_path: Path) -> None:
    samples = [Sample(str(number), "base", "t", "é") for number in range(3)]
    assert write_jsonl(tmp_path / "samples.jsonl", samples) == 3
    assert list(read_jsonl(tmp_path / "samples.jsonl", Sample)) == samples


def test_a_key_that_a_record_does_not_have_is_refused() -> None:
    with pytest.raises(TypeError, match="outputt"):
        from_json(Sample, {"id": "1", "arm": "base", "target": "", "outputt": ""})


def test_half_a_character_is_read_back_as_it_was(tmp_path: Path) -> None:
    sample = Sample("1", "base", "\ud800", "caf\u00e9 \udfff", metadata={"n": 2**70})
    write_jsonl(tmp_path / "samples.jsonl", [sample])
    assert list(read_jsonl(tmp_path / "samples.jsonl", Sample)) == [sample]
