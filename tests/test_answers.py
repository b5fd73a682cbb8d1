"""`answer`: the response of a row made of its fields, as a JSON object."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resep.errors import RecipeError, ResepError
from resep.formats import BadRowError, Mapped, mapping_of, to_fields, to_table
from resep.recipe import load
from tests.preparing import examples, ledger, prepared, recipe, write_rows
from tests.recipe_texts import SMALLEST, write_recipe

SOURCE = """\
data:
  sources: [{path: rows.jsonl, fields: {prompt: q, primary: p, secondary: s}, answer: [secondary, primary]}]
  max_dropped: 1
"""
FIELDS = {"prompt": "q", "kind": "k", "more": "m"}
VALUE = st.text(max_size=3) | st.integers() | st.booleans() | st.none()
ROW = st.fixed_dictionaries(
    {"q": st.text(max_size=2)}, optional={"k": VALUE | st.floats() | st.lists(VALUE, max_size=2), "m": VALUE}
)
WHOLE_ROW = st.fixed_dictionaries({"q": st.just("so?"), "k": VALUE, "m": VALUE})


def mapped(**source: Any) -> Mapped:
    return mapping_of({"path": "rows.jsonl", "fields": FIELDS, "answer": ["more", "kind"], **source})


def test_the_answer_is_the_fields_as_json_in_the_order_of_the_recipe_and_with_their_types(tmp_path: Path) -> None:
    values = ["kartu ✓", 'say "no"', 3, 2.5, True, None, ""]
    write_rows(tmp_path, [{"q": f"how {n}", "p": values[n % 7], "s": "x"} for n in range(42)])
    made = examples(prepared(recipe(tmp_path, SOURCE), tmp_path))
    answers = {json.dumps({"secondary": "x", "primary": value}, ensure_ascii=False) for value in values}
    assert {each.target for each in made} == {each.messages[-1].content for each in made} == answers
    assert all(each.metadata.keys() == {"primary", "secondary"} for each in made)


def test_what_a_csv_file_says_is_text(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("q,p,s\n" + "".join(f"how {n},007,\n" for n in range(40)))
    made = examples(prepared(recipe(tmp_path, SOURCE.replace("rows.jsonl", "rows.csv")), tmp_path))
    assert {each.target for each in made} == {'{"secondary": "", "primary": "007"}'}


@given(st.lists(ROW, max_size=3) | st.lists(WHOLE_ROW, max_size=5))
def test_answers_made_at_once_are_those_made_one_by_one(rows: list[dict[str, Any]]) -> None:
    if (table := to_table(rows, mapped())) is not None:
        assert list(table) == [to_fields(each, mapped()) for each in rows]
        assert [list(each) for each in table] == [list(to_fields(each, mapped())) for each in rows]
    elif rows and all(each["q"] == "so?" and {"k", "m"} <= each.keys() for each in rows):
        assert any(isinstance(each["k"], float | list) for each in rows)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"q": "so?", "k": 1}, "field 'm' is missing"),
        ({"k": 1, "m": 1}, "field 'q' is missing"),
        ({"q": " ", "k": 1, "m": 1}, "field 'q' is empty"),
        ({"q": ["so?"], "k": 1, "m": 1}, "field 'q' is a list"),
        ({"q": "so?", "k": float("nan"), "m": 1}, "field 'k' is a number: write it as a text or a number"),
    ],
)
def test_a_row_that_lacks_a_part_is_a_bad_row(row: dict[str, Any], words: str) -> None:
    assert to_table([row], mapped()) is None
    with pytest.raises(BadRowError, match=words):
        to_fields(row, mapped())


def test_the_rows_own_system_text_and_condition_hold_beside_an_answer() -> None:
    found = to_fields({"q": "a", "k": 1, "m": 2, "s": "Be."}, mapped(fields={**FIELDS, "system": "s"}, where="k == 1"))
    assert found == {"prompt": "a", "system": "Be.", "kind": 1, "more": 2, "response": '{"more": 2, "kind": 1}'}


@pytest.mark.parametrize(("choice", "status"), [("skip", "dropped"), ("quarantine", "quarantined")])
def test_bad_rows_go_where_bad_rows_go(choice: str, status: str, tmp_path: Path) -> None:
    write_rows(tmp_path, [{"q": "why", "p": "a"}, *({"q": f"how {n}", "p": "a", "s": "b"} for n in range(40))])
    found = ledger(prepared(recipe(tmp_path, SOURCE, f"data.on_bad_row={choice}"), tmp_path))
    assert [(each["status"], each["reason"]) for each in found] == [
        (status, "bad row: field 's' is missing"),
        *[("kept", None)] * 40,
    ]
    (tmp_path / "again").mkdir()
    with pytest.raises(ResepError, match=r"rows\.jsonl:1: field 's' is missing"):
        prepared(recipe(tmp_path, SOURCE), tmp_path / "again")


def test_a_recipe_with_an_answer_maps_no_response_unless_it_says_so(tmp_path: Path) -> None:
    loaded = load(write_recipe(tmp_path, SMALLEST), ["data.sources[0].fields={a: b}", "data.sources[0].answer=[a]"])
    assert loaded["data.sources[0].fields"] == {"a": "b", "prompt": "prompt"}
    assert mapping_of(loaded["data.sources[0]"]).fields == mapping_of({"fields": {"a": "b"}, "answer": ["a"]}).fields


# (fields, answer, further override, where, words)
WRONG = [
    ("{a: x}", "[b]", "", "answer[0]", "'fields' maps a: add 'b: <its name in the file>'"),
    ("{category: x}", "[catgory]", "", "answer[0]", "did you mean 'category'?"),
    ("{}", "[b]", "", "answer[0]", "'fields' maps no further field: add 'b: "),
    ("{a: x}", "[a, prompt]", "", "answer[1]", "map its column under another name"),
    ("{a: x, id: n}", "[a, id]", "", "answer[1]", "map its column under another name"),
    ("{a: x, response: r}", "[a]", "", "fields.response", "made of a ('answer'); leave one of the two out"),
    ("{a: x}", "[a]", "format=messages", "format", "write 'format: prompt_response', or leave 'answer' out"),
    ("{a: x}", "[a]", "format=auto", "format", "is read as auto"),
    ("{a: x, messages: m}", "[a]", "", "fields.messages", "does not read 'messages'"),
    ("{a: x}", "[]", "", "answer", "must not be an empty list"),
    ("{a: x}", "[a, a]", "", "answer[1]", "'a' stands in this list already"),
    ("{a: x}", "[3]", "", "answer[0]", "expected"),
]


@pytest.mark.parametrize(("fields", "answer", "further", "where", "words"), WRONG)
def test_what_cannot_be_an_answer_is_said_at_its_place(
    fields: str, answer: str, further: str, where: str, words: str, tmp_path: Path
) -> None:
    overrides = [f"data.sources[0].{each}" for each in (f"fields={fields}", f"answer={answer}", further) if each]
    with pytest.raises(RecipeError) as caught:
        load(write_recipe(tmp_path, SMALLEST), overrides)
    found = {problem.where: problem for problem in caught.value.problems}[f"data.sources[0].{where}"]
    assert words in found.message
    assert found.line
