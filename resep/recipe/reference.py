"""`docs/recipe.md`: the users' reference of the recipe language, from the schema, the plug-ins and the quickstart."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from typing import Any

from resep import plugins
from resep.document.inline import inline
from resep.paths import data_folder
from resep.plugins import Plugin
from resep.recipe.keys import KeyHelp, describe, merged
from resep.recipe.schema import RecipeSchema, all_parts, recipe_schema
from resep.records import Metric

Schema = Mapping[str, Any]

_INTRODUCTION = """\
# The recipe, key by key

A recipe is one YAML file. Its sections stand in the order of the pipeline; only `resep`, `name`, `model.base`, `data`
and `evaluation` have to be given. `resep explain recipe.yaml training.learning_rate` says the same of one key for your
recipe, with the place that its value comes from and what it becomes for the trainer.

*Written by `make docs` from `schemas/recipe.schema.json` and the plug-ins; a test fails where it is out of date.*
"""
_TABLE = "| key | value | default | what it does |\n|---|---|---|---|"
_PLUGINS = {"preprocessing": ("preprocessing", "step"), "evaluation": ("evaluators", "evaluator")}


def reference() -> str:
    """The whole page, Markdown."""
    schema = recipe_schema(_shipped("preprocessing") + _shipped("evaluators"))
    whole = merged(all_parts(schema, schema.recipe))
    sections = {name: node for name, node in whole["properties"].items() if _is_section(schema, node)}
    top = {**whole, "properties": {name: node for name, node in whole["properties"].items() if name not in sections}}
    return (
        "\n\n".join(
            [
                _INTRODUCTION,
                "\n".join(["- [At the top](#at-the-top)", *(f"- [`{name}`](#{name})" for name in sections)]),
                "## At the top",
                _example("resep", {}),
                _table(schema, top),
                *(part for name, node in sections.items() for part in _section(schema, name, node)),
            ]
        ).replace("\n\n\n", "\n\n")
        + "\n"
    )


def _is_section(schema: RecipeSchema, node: Schema) -> bool:
    """Whether a key has keys below it, or a list of maps."""
    parts = list(all_parts(schema, node))
    return any(part.get("type") == "object" or "object" in part.get("items", {}).get("type", ()) for part in parts)


def _section(schema: RecipeSchema, name: str, node: Schema) -> Iterator[str]:
    whole = merged(all_parts(schema, node))
    yield f"## `{name}`"
    yield _escaped(whole["description"])
    yield _example(name, whole)
    if "properties" in whole or "additionalProperties" in whole:
        yield _table(schema, whole)
    if name in _PLUGINS:
        kind, called = _PLUGINS[name]
        yield from (part for plugin in _shipped(kind) for part in _plugin(schema, plugin, called))


def _table(schema: RecipeSchema, whole: Schema) -> str:
    return "\n".join([_TABLE, *_rows(schema, whole, "")])


def _rows(schema: RecipeSchema, whole: Schema, prefix: str) -> Iterator[str]:
    """A row for every key of a map, those of maps within it after their own."""
    for name, node in whole.get("properties", {}).items():
        inner = merged(all_parts(schema, node))
        key = f"{prefix}{name}"
        yield _row(key, describe((key,), inner, is_required=name in whole.get("required", ())))
        if "items" in inner and "object" in (item := merged(all_parts(schema, inner["items"]))).get("type", ()):
            yield from _rows(schema, item, f"{key}[].")
        elif "$ref" not in str(inner.get("allOf")):  # the options of plug-ins have tables of their own
            yield from _rows(schema, inner, f"{key}.")
    others = whole.get("additionalProperties")
    if isinstance(others, Mapping) and "title" in others:
        inner = merged(all_parts(schema, others))
        yield _row(f"{prefix}{others['title']}", describe((prefix,), inner, is_required=False))
        yield from _rows(schema, inner, f"{prefix}{others['title']}.")


def _row(key: str, said: KeyHelp) -> str:
    default = f"`{inline(said.default)}`" if said.has_default else "**required**" if said.required else ""
    value = f"{said.type}{', ' * bool(said.bounds)}{said.bounds}"
    return "| " + " | ".join([f"`{key}`", value, default, _escaped(said.description)]) + " |"


def _escaped(text: str) -> str:
    """The text as Markdown that shows it: `<name>` and `*` outside code would be taken for markup."""
    parts = text.replace("|", "\\|").split("`")
    return "`".join(re.sub(r"([<*])", r"\\\1", part) if at % 2 == 0 else part for at, part in enumerate(parts))


def _plugin(schema: RecipeSchema, plugin: Plugin, called: str) -> Iterator[str]:
    yield f"### The {called} `{plugin.name}`"
    yield _escaped(_docstring(plugin))
    if plugin.metrics:
        yield "Metrics: " + "; ".join(f"`{metric.name}`{_direction(metric)}" for metric in plugin.metrics) + "."
    node = schema.plugins["definitions"][plugin.kind]["properties"][plugin.name]
    yield _table(schema, node) if node["properties"] else "It has no options."


def _docstring(plugin: Plugin) -> str:
    """What a plug-in says of itself, without the lines about its options: these have a table."""
    said = ast.get_docstring(ast.parse(plugin.path.read_text(encoding="utf-8"))) or ""
    kept, is_option = [], False
    for line in said.splitlines():
        is_option = line.partition(":")[0] in plugin.options or (is_option and line.startswith(" "))
        kept += [] if is_option else [line]
    return "\n".join(kept).rstrip()


def _direction(metric: Metric) -> str:
    return {"higher": ", higher is better", "lower": ", lower is better"}.get(metric.direction, "")


def _example(name: str, node: Schema) -> str:
    """The section as the quickstart writes it, comments and all; else the first example of the schema."""
    quickstart = (data_folder("recipes") / "quickstart.yaml").read_text(encoding="utf-8")
    found = re.search(rf"^{name}:.*\n(?:\S.*\n|[ ]+.*\n)*", quickstart, re.M)
    text = found[0].rstrip() if found else f"{name}: {inline(node['examples'][0])}"
    return f"```yaml\n{text}\n```"


def _shipped(kind: str) -> list[Plugin]:
    return [plugins.describe(plugins.find(kind, name)) for name in plugins.names(kind)]
