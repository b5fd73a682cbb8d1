from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from referencing import Registry
from referencing.jsonschema import DRAFT7

from resep.errors import ResepError
from resep.expectations import parse
from resep.models.embedded import EMBEDDED
from resep.paths import data_folder
from resep.plugins import schema as plugin_schema
from resep.recipe.checks.data import EMBEDDED_MODELS
from tests.conftest import Golden

SCHEMA: dict[str, Any] = json.loads((data_folder("schemas") / "recipe.schema.json").read_text(encoding="utf-8"))
# Maps whose keys are the user's own, or Axolotl's.
OPEN_MAPS = {
    "variables",
    "training.axolotl",
    "evaluation.evaluators",
    "expect",
    "source.fields",
    "source.lookup.by",
    "source.values",
}


def nodes(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every key of the recipe language that the schema describes, by dotted path."""
    for name, child in schema.get("properties", {}).items():
        here = f"{path}.{name}".lstrip(".")
        if set(child) - {"default", "properties", "required"}:  # a branch adds to a key that is described elsewhere
            yield here, child
        yield from nodes(child, here)
    branches = [schema[branch] for branch in ("then", "else", "items") if branch in schema]
    for part in [*branches, *schema.get("allOf", ())]:
        yield from nodes(part, path)


KEYS = [*nodes(SCHEMA), *nodes(SCHEMA["definitions"]["source"], "source")]


def validator(schema: dict[str, Any]) -> Draft7Validator:
    plugins = DRAFT7.create_resource(plugin_schema.build())
    registry: Registry[Any] = Registry().with_resource(plugin_schema.FILE_NAME, plugins)
    return Draft7Validator(schema, registry=registry)


def test_the_schema_is_valid_draft_07() -> None:
    Draft7Validator.check_schema(SCHEMA)
    Draft7Validator.check_schema(plugin_schema.build())
    assert len(KEYS) > 70


@pytest.mark.parametrize(("path", "node"), KEYS, ids=[path for path, _ in KEYS])
def test_every_key_is_described_and_typed_and_its_default_is_valid(path: str, node: dict[str, Any]) -> None:
    assert node["description"].endswith("."), path
    assert "type" in node or "enum" in node, path
    if "default" in node:
        with_definitions = {**node, "definitions": SCHEMA["definitions"]}
        assert list(validator(with_definitions).iter_errors(node["default"])) == []


@pytest.mark.parametrize(("path", "node"), KEYS, ids=[path for path, _ in KEYS])
def test_every_map_is_closed_unless_its_keys_are_the_users(path: str, node: dict[str, Any]) -> None:
    if node.get("type") == "object":
        assert (node.get("additionalProperties") is False) == (path not in OPEN_MAPS)


@pytest.mark.parametrize("word", ["oneOf", "anyOf", "$id"])
def test_alternatives_are_branches_on_a_key_so_that_a_mistake_is_reported_where_it_is(word: str) -> None:
    assert f'"{word}"' not in json.dumps(SCHEMA)


def test_a_key_is_not_both_supported_and_for_later() -> None:
    for section in [SCHEMA, SCHEMA["definitions"]["source"], *(node for _, node in KEYS)]:
        assert not set(section.get("x-later", ())) & set(section.get("properties", ()))


def test_the_checked_in_options_of_plugins_are_those_of_the_signatures(golden: Golden) -> None:
    golden("../../schemas/plugins.schema.json", json.dumps(plugin_schema.build(), indent=2, ensure_ascii=False) + "\n")


def test_every_default_of_a_plugin_is_valid() -> None:
    definitions = plugin_schema.build()["definitions"]
    options = [
        option
        for kind in ("evaluators", "converters", "preprocessing")
        for plugin in definitions[kind]["properties"].values()
        for option in plugin["properties"].values()
    ]
    assert options
    for option in options:
        assert list(Draft7Validator(option).iter_errors(option["default"])) == []


@given(st.from_regex(r"[ <>=]{0,4}[-+]?[0-9.eE]{0,6}[ %]{0,2}", fullmatch=True))
def test_the_schema_and_the_judge_agree_on_what_an_expectation_is(condition: str) -> None:
    try:
        parse("exact_match.delta", condition)
        is_condition = True
    except ResepError:
        is_condition = False
    comparison = SCHEMA["properties"]["expect"]["additionalProperties"]
    assert Draft7Validator(comparison).is_valid(condition) == is_condition


def test_the_embedded_models_are_those_that_the_schema_offers() -> None:
    assert list(EMBEDDED_MODELS) == SCHEMA["properties"]["model"]["properties"]["base"]["examples"]
    assert set(EMBEDDED_MODELS) <= set(EMBEDDED)
