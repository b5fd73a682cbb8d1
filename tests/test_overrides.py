from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resep.document import Document, parse
from resep.document.places import dotted
from resep.recipe.overrides import overlay, read_overrides

TEXT = """\
name: a
data:
  sources:
    - path: rows.jsonl
preprocessing: [lowercase]
evaluation:
  evaluators: {exact_match: {}, length: {}}
"""


def laid(*overrides: str) -> Document:
    read, problems = read_overrides(overrides)
    document = overlay(parse(TEXT, "recipe.yaml"), read)
    return replace(document, problems=(*problems, *document.problems))


def data(*overrides: str) -> Any:
    document = laid(*overrides)
    assert document.problems == ()
    return document.data


def test_a_value_is_read_as_the_recipe_is() -> None:
    assert data("training.learning_rate=1e-4")["training"] == {"learning_rate": 0.0001}
    assert data("name='1e-4'")["name"] == "1e-4"
    assert data("generation={arms: [base, tuned]}")["generation"] == {"arms": ["base", "tuned"]}


def test_a_value_may_hold_an_equals_sign() -> None:
    assert data("prompt.system=a = b")["prompt"] == {"system": "a = b"}


def test_an_item_of_a_list_is_addressed_by_its_number() -> None:
    assert data("data.sources[0].path=other.csv")["data"]["sources"] == [{"path": "other.csv"}]


def test_a_step_without_options_gets_some() -> None:
    assert data("preprocessing[0].lowercase.fields=[prompt]")["preprocessing"] == [
        {"lowercase": {"fields": ["prompt"]}}
    ]


def test_null_removes_a_key() -> None:
    assert data("evaluation.evaluators.length=null")["evaluation"]["evaluators"] == {"exact_match": {}}


def test_a_section_whose_keys_have_dots_takes_the_rest_as_one_key() -> None:
    assert data("expect.order_accuracy.delta='> 0'")["expect"] == {"order_accuracy.delta": "> 0"}


def test_the_last_of_several_overrides_wins() -> None:
    assert data("seed=1", "seed=2")["seed"] == 2


def test_the_document_that_is_laid_over_stays_as_it_was() -> None:
    document = parse(TEXT, "recipe.yaml")
    read, _ = read_overrides(["name=b", "data.sources[0].path=x", "preprocessing[0]=y"])
    overlay(document, read)
    assert document.data == parse(TEXT, "recipe.yaml").data


def test_a_problem_points_into_the_argument() -> None:
    document = laid("seed=1", "training.lora={r: 0}")
    place = document.place(("training", "lora", "r"))
    assert (place.file, place.line, place.column, place.source) == ("--set #2", 1, 19, "training.lora={r: 0}")
    assert document.place(("training", "lora"), of_key=True).column == 10


def test_the_rest_of_the_recipe_keeps_its_places() -> None:
    assert laid("data.sources[0].path=x").place(("name",)).file == "recipe.yaml"


def test_the_places_of_what_was_typed_say_so() -> None:
    document = laid("data.sources[0]={path: x.csv}", "training.seed=3")
    typed = {dotted(path) for path, place in document.values.items() if place.typed}
    assert typed == {"data.sources[0]", "data.sources[0].path", "training", "training.seed"}


@pytest.mark.parametrize(
    ("override", "column", "words"),
    [
        ("seed", 1, "KEY=VALUE"),
        ("=3", 1, "no key"),
        ("seed=", 6, "null removes"),
        ("a..b=1", 2, "written like"),
        (".a=1", 1, "written like"),
        ("[0]=1", 1, "written like"),
        ("a[x]=1", 2, "written like"),
        ("data.sources[7].path=x", 14, "1 item"),
        ("data.sources.path=x", 14, "no map"),
        ("name.first=x", 6, "no map"),
        ("data[0]=x", 6, "no list"),
        ("data.sources[0]=null", 14, "whole list"),
        ("evaluation.evaluators.lenght=null", 23, "nothing to remove"),
        ("seed=[1", 6, "not closed"),
        ("seed=!!int 3", 6, "!!int"),
        ("expect.f1.delta=> 0", 17, "needs quotes"),
    ],
)
def test_an_override_that_cannot_be_laid_over_is_a_problem_at_its_place(override: str, column: int, words: str) -> None:
    (problem,) = laid(override).problems
    assert words in problem.message
    assert (problem.file, problem.line, problem.column, problem.source) == ("--set #1", 1, column, override)


@given(st.lists(st.text("ab.[]0=:{} nuldatsorces'\"-\n", max_size=30), max_size=3))
def test_any_override_is_laid_over_or_a_problem(overrides: list[str]) -> None:
    document = laid(*overrides)
    assert isinstance(document.data, dict)
    for path in document.values:
        value = document.data
        for part in path:
            value = value[part]  # a place stands for something that is there
