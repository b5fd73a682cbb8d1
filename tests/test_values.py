"""`values`: further fields that are the same in all rows of a source, which its file has no column for."""

from __future__ import annotations

from pathlib import Path

import pytest

from resep.errors import RecipeError, ResepError
from resep.formats import mapping_of, to_fields, to_table
from resep.preflight.data import data_findings
from resep.recipe import Recipe, load
from tests.preparing import examples, prepared, recipe, write_rows
from tests.recipe_texts import SMALLEST, write_recipe

TWO = """\
data:
  sources:
    - {path: rows.jsonl, values: {subset: cendol, level: 3}}
    - {path: others.jsonl, format: auto, values: {subset: help, level: 1}, where: subset == "help"}
"""


@pytest.fixture
def two(tmp_path: Path) -> Recipe:
    write_rows(tmp_path, [{"prompt": f"how {n}", "response": "so"} for n in range(40)])
    write_rows(tmp_path, [{"prompt": f"why {n}", "response": "so"} for n in range(40)], "others.jsonl")
    return recipe(tmp_path, TWO)


def test_every_row_of_a_source_has_its_values_with_their_types(two: Recipe, tmp_path: Path) -> None:
    made = examples(prepared(two, tmp_path))
    assert len(made) == 80
    for each in made:
        is_own = each.messages[0].content.startswith("how")
        assert each.metadata == ({"subset": "cendol", "level": 3} if is_own else {"subset": "help", "level": 1})


def test_rows_read_at_once_and_one_by_one_have_them() -> None:
    mapped = mapping_of({"path": "rows.jsonl", "values": {"subset": "cendol"}})
    row = mapped.joined({"prompt": "how", "response": "so"})
    table = to_table([row], mapped)
    assert table is not None
    assert [*table] == [to_fields(row, mapped)] == [{"prompt": "how", "response": "so", "subset": "cendol"}]


def test_a_column_of_the_file_is_never_covered(tmp_path: Path) -> None:
    write_rows(tmp_path, [{"prompt": f"how {n}", "response": "so", "subset": "own"} for n in range(40)])
    loaded = recipe(tmp_path, "data: {sources: [{path: rows.jsonl, values: {subset: cendol}}]}\n")
    words = "the rows have a column 'subset' of their own: map it in `fields`, or take another name"
    (found,) = data_findings(loaded)
    assert (found.path, words in found.message) == (("data", "sources", 0, "values"), True)
    with pytest.raises(ResepError, match="the rows have a column 'subset' of their own"):
        prepared(loaded, tmp_path)


@pytest.mark.parametrize(
    ("source", "where", "words"),
    [
        ("values: {prompt: x}", "values.prompt", "'prompt' differs from row to row: map it in 'fields'"),
        ("fields: {kind: k}, values: {kind: x}", "values.kind", "'fields' maps 'kind' already"),
        ("values: {kind: [x]}", "values.kind", "expected"),
        ("values: {}", "values", "must not be empty"),
    ],
)
def test_what_cannot_be_a_value_is_said_at_its_place(source: str, where: str, words: str, tmp_path: Path) -> None:
    text = SMALLEST.replace("- path: rows.jsonl", f"- {{path: rows.jsonl, {source}}}")
    assert text != SMALLEST
    with pytest.raises(RecipeError) as refused:
        load(write_recipe(tmp_path, text))
    assert [(each.where, words in each.message) for each in refused.value.problems] == [
        (f"data.sources[0].{where}", True)
    ]


def test_a_recognised_format_with_a_table_passes_the_look_at_the_data(tmp_path: Path) -> None:
    write_rows(tmp_path, [{"question": f"so {n}?", "category": "fee"} for n in range(60)])
    (tmp_path / "table.csv").write_text("label,answer\nfee,It is free.\n")
    source = "{path: rows.jsonl, format: auto, values: {set: a}, lookup: {path: table.csv, by: {category: label}}}"
    assert not [*data_findings(recipe(tmp_path, f"data: {{sources: [{source}]}}\n"))]


def test_splits_and_answers_may_go_by_them(tmp_path: Path) -> None:
    text = "data: {sources: [{path: rows.jsonl, fields: {prompt: p}, values: {kind: faq}, answer: [kind]}]}\n"
    write_rows(tmp_path, [{"p": f"how {n}"} for n in range(40)])
    made = examples(prepared(recipe(tmp_path, text + "split: {stratify_by: kind}\n"), tmp_path))
    assert {each.target for each in made} == {'{"kind": "faq"}'}
