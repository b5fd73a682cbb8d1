"""Rows as columns: whatever is done to a table is what is done to its rows."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resep.formats import (
    BadRowError,
    Mapped,
    Table,
    as_table,
    chosen,
    empty_part,
    empty_parts,
    example_lines,
    has_question,
    has_questions,
    rows_with_texts,
    texts_of,
    texts_of_rows,
    to_example,
    to_fields,
    to_table,
    with_texts,
)
from resep.formats.table import LazyRows
from resep.records import Origin, Row, to_bytes
from resep.splits.keys import normalised, normalised_all, position, positions, split_key, split_keys

TEXT = st.text(alphabet="aB \t.\u00e9\u03a3\x01\ud83d", max_size=4)
VALUE = TEXT | st.lists(TEXT, max_size=3) | st.none() | st.lists(TEXT | st.lists(TEXT, max_size=2), max_size=2)
ANSWER = TEXT | st.lists(TEXT, min_size=1, max_size=3)
MORE = st.dictionaries(st.sampled_from(["kind", "system"]), TEXT, max_size=2)
CONVERSATION = st.builds(
    lambda asked, said: {
        "messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": said}],
        "kind": 1,
    },
    TEXT,
    TEXT,
)
QUESTION = st.builds(lambda asked, said, more: {"prompt": asked, "response": said, **more}, TEXT, ANSWER, MORE)
STEPS = st.builds(
    lambda asked, said: {"prompt": asked, "response": said, "kind": "k"}, TEXT, st.lists(TEXT, min_size=1, max_size=3)
)
COMPLETION = st.builds(lambda said: {"response": said}, TEXT)
ANY = st.lists(QUESTION | STEPS | COMPLETION | CONVERSATION, max_size=4) | st.lists(STEPS, max_size=30)


@given(ANY)
def test_a_table_holds_its_rows(rows: list[dict[str, Any]]) -> None:
    table = as_table(rows)
    assert isinstance(table, Table) == (len({tuple(each) for each in rows}) == 1)
    assert list(table) == rows
    assert [list(each) for each in table] == [list(each) for each in rows]
    assert [table[at] for at in range(len(table))] == rows
    assert list(table[1:]) == rows[1:]
    alive = [at % 2 == 0 for at in range(len(rows))]
    assert list(chosen(table, alive)) == rows[::2]


@given(ANY, st.sampled_from(["prompt", "response", "kind", "system"]), st.sampled_from(["", "!"]))
def test_texts_come_out_of_all_rows_and_go_back_as_of_each(rows: list[dict[str, Any]], field: str, new: str) -> None:
    table = as_table(rows)
    texts = texts_of_rows(table, field)
    assert texts == [texts_of(each, field) for each in rows]
    changed = [[text + new if new else "" for text in part] for part in texts]
    expected = [with_texts(each, field, part) if part else each for each, part in zip(rows, changed, strict=True)]
    assert list(rows_with_texts(table, field, changed)) == expected
    assert list(table) == rows  # which it was made from stays as it was
    assert empty_parts(as_table(expected)) == list(map(empty_part, expected))


@given(ANY, st.sampled_from([None, "Be."]), st.sampled_from(["numbered_steps", "json", "text"]))
def test_lines_of_examples_are_those_of_each_row(rows: list[dict[str, Any]], system: str | None, form: str) -> None:
    made = [Row(f"r{at}", each, Origin("x", at)) for at, each in enumerate(rows)]
    lines = [to_bytes(to_example(each, system, form)) for each in made]
    assert example_lines([each.id for each in made], as_table(rows), system, form) == lines
    assert has_questions(as_table(rows)) == list(map(has_question, made))
    assert split_keys(as_table(rows)) == list(map(split_key, made))
    files, lines_of = ["x"] * len(rows), list(range(len(rows)))
    lazy = LazyRows([each.id for each in made], as_table(rows), files, lines_of)
    assert list(lazy) == [lazy[at] for at in range(len(lazy))] == made
    assert list(lazy[1:]) == made[1:]


@given(st.lists(st.text(max_size=6), max_size=30))
def test_keys_of_many_are_those_of_each(texts: list[str]) -> None:
    assert normalised_all(texts) == list(map(normalised, texts))
    assert positions(texts, "1").tolist() == [position(text, "1") for text in texts]


FIELD = st.dictionaries(
    st.sampled_from(["q", "a", "k"]), TEXT | st.lists(TEXT, max_size=2) | st.none() | st.floats(), max_size=3
)
PLAIN = st.builds(lambda asked, said: {"q": f"q{asked}", "a": [f"a{said}"], "k": 1}, TEXT, TEXT)


@given(st.lists(FIELD, max_size=3) | st.lists(PLAIN, max_size=5))
def test_what_is_read_at_once_is_what_is_read_one_by_one(rows: list[dict[str, Any]]) -> None:
    mapped = Mapped("prompt_response", {"prompt": "q", "response": "a", "kind": "k"})
    if (table := to_table(rows, mapped)) is None:
        if rows and all(isinstance(each.get("a"), list) and each.get("k") == 1 for each in rows):
            with pytest.raises(BadRowError):
                [to_fields(each, mapped) for each in rows]
    else:
        assert list(table) == [to_fields(each, mapped) for each in rows]
