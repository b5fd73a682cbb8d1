"""The options of plug-ins as JSON Schema: `schemas/plugins.schema.json` for editors, and the same for one recipe.

The signatures are the source. The checked-in file describes the shipped plug-ins; the loader builds the definitions
anew from the plug-ins that a recipe names, those beside it included, and judges the recipe with them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from resep import plugins
from resep.plugins import Plugin
from resep.plugins.option_types import schema_of
from resep.plugins.source import RESERVED, TEXT_SHAPES, Option

FILE_NAME = "plugins.schema.json"
_SUBSTITUTED = {"encoder", "endpoint", "model"}  # options that name a model or a server: ${name} is replaced in them
_FIELDS = {
    "description": "The fields of a row that this step changes.",
    "type": "array",
    "items": {"type": "string"},
    "minItems": 1,
    "uniqueItems": True,
    "default": ["prompt", "response"],
}


def build() -> dict[str, Any]:
    """The content of `schemas/plugins.schema.json`: every shipped plug-in."""
    shipped = (plugins.find(kind, name) for kind in plugins.KINDS for name in plugins.names(kind))
    return build_for([plugins.describe(path) for path in shipped])


def build_for(described: Iterable[Plugin]) -> dict[str, Any]:
    """Definitions for the given plug-ins. A name that is not among them stays open: the loader judges names."""
    by_kind: dict[str, dict[str, Any]] = {kind: {} for kind in plugins.KINDS}
    for plugin in described:
        by_kind[plugin.kind][plugin.name] = _plugin_schema(plugin)
    steps = by_kind["preprocessing"]
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Options of Resep's plug-ins",
        "description": "Generated from the plug-ins' signatures; `pytest --update-golden` writes it anew.",
        "definitions": {
            "preprocessing_name": {"type": "string", "examples": sorted(steps)},
            "preprocessing": {"type": "object", "minProperties": 1, "maxProperties": 1, "properties": steps},
            "evaluators": {"type": "object", "properties": by_kind["evaluators"]},
            "converters": {"type": "object", "properties": by_kind["converters"]},
        },
    }


def _plugin_schema(plugin: Plugin) -> dict[str, Any]:
    properties = {name: _option_schema(name, option) for name, option in plugin.options.items()}
    if plugin.shape in TEXT_SHAPES:
        properties[RESERVED] = _FIELDS
    return {"description": plugin.help, "type": "object", "properties": properties, "additionalProperties": False}


def _option_schema(name: str, option: Option) -> dict[str, Any]:
    described = {"description": option.help} if option.help else {}
    substituted = {"x-substitutes": True} if name in _SUBSTITUTED else {}
    return {**described, **schema_of(option.type), **substituted, "default": option.default}
