"""`schemas/part.schema.json`, for editors: the recipe's schema without required keys.

A recipe that extends another, or is there to be extended, is a part: what it leaves out stands in another file, which
an editor does not see. The loader judges the merged whole by the recipe's own schema.
"""

from __future__ import annotations

import json
from typing import Any

from resep.paths import data_folder

FILE_NAME = "part.schema.json"


def build() -> dict[str, Any]:
    """The content of `schemas/part.schema.json`."""
    whole = json.loads((data_folder("schemas") / "recipe.schema.json").read_text(encoding="utf-8"))
    about = {
        "title": "Part of a Resep recipe",
        "description": "For recipes that extend others, or are extended: no key is required, null deletes. Generated "
        "from recipe.schema.json; `pytest --update-golden` writes it anew.",
    }
    return {**_without_required(whole), **about}


def _without_required(node: Any) -> Any:
    """The schema less what it requires, with null, which deletes, for any value; a condition (`if`) stays as it is."""
    if isinstance(node, list):
        return [_without_required(item) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {key: value for key, value in node.items() if not (key == "required" and isinstance(value, list))}
    part = {key: value if key == "if" else _without_required(value) for key, value in kept.items()}
    if isinstance(properties := part.get("properties"), dict):
        part["properties"] = {name: _or_null(value) for name, value in properties.items()}
    return part


def _or_null(value: dict[str, Any]) -> dict[str, Any]:
    types = value.get("type", [])
    listed = [types] if isinstance(types, str) else types
    return {
        **value,
        **({"type": [*listed, "null"]} if listed and "null" not in listed else {}),
        **({"enum": [*value["enum"], None]} if "enum" in value and None not in value["enum"] else {}),
    }
