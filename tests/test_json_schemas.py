"""JSON Schemas of a recipe: applied, refused where they reach out or could run away, and never telling a value."""

from typing import Any

import pytest

from resep.json_schemas import compile_schema
from tests.scoring import HUGE


@pytest.mark.parametrize(
    ("schema", "value", "fault"),
    [
        ({"type": "object"}, {}, None),
        ({"type": "object"}, [], "(all): type"),
        ({"required": ["a"]}, {}, "(all): required"),
        ({"properties": {"a": {"type": "integer"}}}, {"a": "secret"}, "a: type"),
        ({"items": {"required": ["name"]}}, [{"name": 1}, {}], "[]: required"),
        ({"properties": {"a": {"items": {"properties": {"b": {"enum": [1]}}}}}}, {"a": [{"b": 2}]}, "a[].b: enum"),
        ({"pattern": "^[a-z]*$"}, "abc", None),
        ({"pattern": "^[a-z]*$"}, "aBc", "(all): pattern"),
        ({"properties": {"pattern": {"type": "string"}}}, {"pattern": "(a+)+"}, None),
        ({"uniqueItems": True}, [1, True, "1"], None),
        ({"uniqueItems": True}, [{"a": 1}, {"a": 1.0}], "(all): uniqueItems"),
        ({"additionalProperties": False, "properties": {"a": {}}}, {"b": 1}, "(all): additionalProperties"),
        ({"$ref": "#/$defs/whole", "$defs": {"whole": {"type": "integer"}}}, "x", "(all): type"),
        (
            {"$schema": "http://json-schema.org/draft-04/schema#", "maximum": 1, "exclusiveMaximum": True},
            1,
            "(all): maximum",
        ),
    ],
)
def test_a_schema_is_applied(schema: Any, value: Any, fault: str | None) -> None:
    assert compile_schema(schema).fault(value) == fault


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"$ref": "https://example.org/schema.json"}, "leads elsewhere"),
        ({"properties": {"a": {"$ref": "file:///etc/passwd"}}}, "leads elsewhere"),
        ({"$ref": "other.json"}, "leads elsewhere"),
        ({"$ref": "#/$defs/nothing"}, "leads nowhere"),
        ({"type": "objekt"}, "not a JSON Schema: type"),
        ({"items": {"pattern": "(a+)+$"}}, "itself repeats"),
        ({"patternProperties": {"^a": {}}}, "name the keys in properties"),
        ([], "an object is needed"),
        ("object", "an object is needed"),
    ],
)
def test_a_schema_that_cannot_be_applied_is_explained(schema: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        compile_schema(schema)


def test_long_lists_and_texts_take_no_quadratic_time() -> None:
    """Compared each with each, these items would take 300 million comparisons."""
    unique, pattern = compile_schema({"uniqueItems": True}), compile_schema({"pattern": "^[a-z]+[0-9]+x"})
    assert unique.fault([{"a": number} for number in range(HUGE // 4)]) is None
    assert pattern.fault("a" * (HUGE // 2) + "1" * (HUGE // 2) + "y x") == "(all): pattern"


def test_a_schema_may_refer_to_itself() -> None:
    schema = compile_schema({"type": "array", "items": {"$ref": "#"}})
    assert schema.fault([[[]], []]) is None
    assert schema.fault([[[1]]]) == "[][][]: type"
