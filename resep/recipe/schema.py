"""The recipe's JSON Schema: judging a recipe's text by it, and filling in the defaults that stand in it.

`schemas/recipe.schema.json` is written by hand and is the user's reference; the part about plug-ins is generated from
the signatures of those that the recipe names (plugin_schema.py). Alternatives are `if/then/else` on one key, so that a
mistake is reported where it is and not as "matches none of these".
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from resep.document import Document
from resep.document.places import KeyPath
from resep.errors import Problem
from resep.paths import data_folder
from resep.plugins import Plugin
from resep.plugins import schema as plugin_schema
from resep.recipe.schema_messages import problems_of

if TYPE_CHECKING:
    from jsonschema import Draft7Validator


@dataclass(frozen=True)
class RecipeSchema:
    """The schema of one recipe: the hand-written part, and the plug-ins that this recipe names."""

    recipe: Mapping[str, Any]
    plugins: Mapping[str, Any]
    validator: Draft7Validator


def recipe_schema(plugins: Iterable[Plugin]) -> RecipeSchema:
    """The schema for a recipe that names these plug-ins."""
    from jsonschema import Draft7Validator
    from referencing import Registry
    from referencing.jsonschema import DRAFT7

    recipe, definitions = _read_schema(), plugin_schema.build_for(plugins)
    resource = DRAFT7.create_resource(definitions)
    registry: Registry[Any] = Registry().with_resource(plugin_schema.FILE_NAME, resource)
    return RecipeSchema(recipe, definitions, Draft7Validator(recipe, registry=registry))


def schema_problems(schema: RecipeSchema, document: Document, data: Any) -> list[Problem]:
    """Everything in `data` that the schema refuses, each with its place in `document`."""
    errors = list(schema.validator.iter_errors(data))
    # Options that stand beside the name of their step: what is inside them is wrong only because of that.
    misplaced = [list(error.absolute_path) for error in errors if error.validator == "maxProperties"]
    return [
        problem
        for error in errors
        if list(error.absolute_path)[:-1] not in misplaced
        for problem in problems_of(error, document, schema.recipe)
    ]


def with_defaults(schema: RecipeSchema, data: Any) -> Any:
    """A copy of `data` with the default of every key that has one. What is of a wrong type is left as it is.

    Numbers take the schema's type, so that `1` and `1.0` are one value (and one key of the store): JSON Schema lets a
    whole number be written as 8.0, code that counts with it does not.
    """
    return _filled(schema, schema.recipe, deepcopy(data))


def with_absent_keys(schema: RecipeSchema, data: Any) -> Any:
    """A copy of `data` in which every key that is still absent is None: a reader asks for a value, not for a key."""
    whole = deepcopy(data)
    _blank(schema, schema.recipe, whole)
    return whole


def parts_at(schema: RecipeSchema, data: Any, path: KeyPath) -> list[Mapping[str, Any]]:
    """The parts of the schema that describe what stands, or could stand, at `path` of `data`, the most telling first.

    Which branches of the schema hold is decided by `data`. Empty where the recipe language has no such key.
    """
    parts = list(_applicable(schema, schema.recipe, data))
    for name in path:
        nodes = [*_named_nodes(parts, name), *_open_nodes(parts, name)]
        data = data.get(name) if isinstance(data, dict) else data[name] if _has_item(data, name) else None
        parts = [part for node in nodes for part in _applicable(schema, node, data)]
    return parts


def all_parts(schema: RecipeSchema, node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The node and every part of it, whatever a recipe says: references, allOf, both branches of an `if`."""
    yield node
    inner = [_resolve(schema, node["$ref"])] if "$ref" in node else []
    for part in [*inner, *node.get("allOf", ()), *(node[word] for word in ("then", "else") if word in node)]:
        yield from all_parts(schema, part)


def _named_nodes(parts: Iterable[Mapping[str, Any]], name: str | int) -> Iterator[Mapping[str, Any]]:
    """What the parts say of the key by its name, or of the items of a list."""
    for part in parts:
        node = part.get("items") if isinstance(name, int) else part.get("properties", {}).get(name)
        if node is not None:
            yield node


def _open_nodes(parts: Iterable[Mapping[str, Any]], name: str | int) -> Iterator[Mapping[str, Any]]:
    """What they say of a key that the user named: general, and so after what is said of it by name."""
    for part in parts:
        is_named = isinstance(name, int) or name in part.get("properties", {})
        if not is_named and part.get("additionalProperties"):
            yield part["additionalProperties"]


def _has_item(data: Any, index: str | int) -> bool:
    return isinstance(data, list) and isinstance(index, int) and index < len(data)


def _filled(schema: RecipeSchema, node: Mapping[str, Any], value: Any) -> Any:
    parts = list(_applicable(schema, node, value))
    if isinstance(value, dict):
        for part in parts:
            for name, child in part.get("properties", {}).items():
                if name not in value and "default" in child:
                    value[name] = deepcopy(child["default"])
    for child, at in _children(parts, value):
        value[at] = _filled(schema, child, value[at])
    return _typed(parts, value)


def _typed(parts: Iterable[Mapping[str, Any]], value: Any) -> Any:
    types = {part.get("type") if isinstance(part.get("type"), str) else None for part in parts}
    if isinstance(value, float) and "integer" in types and value.is_integer():
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool) and "number" in types:
        return float(value)
    return value


def _blank(schema: RecipeSchema, node: Mapping[str, Any], value: Any) -> None:
    parts = list(_applicable(schema, node, value))
    for child, at in _children(parts, value):
        _blank(schema, child, value[at])
    if isinstance(value, dict):
        for part in parts:
            if part.get("additionalProperties") is False:
                value.update({name: None for name in part["properties"] if name not in value})


def _applicable(schema: RecipeSchema, node: Mapping[str, Any], value: Any) -> Iterator[Mapping[str, Any]]:
    """The node and every part of it that holds for this value: references, allOf, the branch that `if` takes."""
    yield node
    if "$ref" in node:
        yield from _applicable(schema, _resolve(schema, node["$ref"]), value)
    for part in node.get("allOf", ()):
        yield from _applicable(schema, part, value)
    if "if" in node:
        branch = "then" if schema.validator.evolve(schema=node["if"]).is_valid(value) else "else"
        yield from _applicable(schema, node.get(branch, {}), value)


def _children(parts: Iterable[Mapping[str, Any]], value: Any) -> Iterator[tuple[Mapping[str, Any], Any]]:
    """(schema, key or index) of everything directly inside `value` that one of the parts describes."""
    for part in parts:
        if isinstance(value, dict):
            properties, others = part.get("properties", {}), part.get("additionalProperties") or {}
            yield from ((properties.get(name, others), name) for name in value)
        elif isinstance(value, list) and "items" in part:
            yield from ((part["items"], index) for index in range(len(value)))


def _resolve(schema: RecipeSchema, reference: str) -> Mapping[str, Any]:
    file, _, pointer = reference.partition("#")
    found: Any = schema.plugins if file else schema.recipe
    for name in pointer.strip("/").split("/"):
        found = found[name]
    return dict(found)


@cache
def _read_schema() -> dict[str, Any]:
    schema: dict[str, Any] = json.loads((data_folder("schemas") / "recipe.schema.json").read_text(encoding="utf-8"))
    return schema
