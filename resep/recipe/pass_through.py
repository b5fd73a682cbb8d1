"""`training.axolotl`: which options of Axolotl's a recipe may pass through, and why not the others.

Read without Axolotl (its import takes six seconds) from the schema that was generated from the pinned version.
Axolotl itself drops unknown keys in silence.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from resep.errors import ResepError
from resep.paths import data_folder
from resep.recipe.axolotl_options import ATTENTION, HARMLESS, OWNED, PATTERNS, REFUSED
from resep.suggest import did_you_mean

__all__ = ["OWNED", "SCHEMA", "check", "describe", "require_sound"]

SCHEMA = "axolotl-0.19.0.schema.json"

_TEXT_LENGTH = 200  # characters of a text within an option; the names of modules are shorter


def check(options: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(key, message) for every option that cannot be passed through, in their order. Empty: all are sound."""
    found = ((key, _complaint(key, value)) for key, value in options.items())
    return [(key, message) for key, message in found if message]


def require_sound(options: Mapping[str, Any]) -> None:
    """Raises ResepError with every complaint of `check`."""
    if complaints := check(options):
        raise ResepError("\n".join(f"training.axolotl.{key}: {message}" for key, message in complaints))


def describe(key: str) -> tuple[str, str]:
    """(what an option does, what it takes) in Axolotl's own words. Raises ResepError where none has this name."""
    schema = _schema()["properties"].get(key)
    if schema is None:
        raise ResepError(f"training.axolotl.{key}: {_complaint(key, None)}")
    return schema.get("description", ""), _expected(schema)


def _complaint(key: str, value: Any) -> str:
    schema = _schema()
    if key not in schema["properties"]:
        return f"Axolotl 0.19.0 has no such option{did_you_mean(key, schema['properties'])}"
    if owner := _owners().get(key):
        return f"it is decided by {owner}; set it there"
    if reason := _refused().get(key):
        return f"a recipe cannot set it: {reason}"
    if key not in HARMLESS.split():
        return "a recipe cannot set it: nobody has looked at what it can do yet"
    return _text_complaint(key, value) or _type_complaint(key, value)


def _text_complaint(key: str, value: Any) -> str:
    """Why a text within a harmless option is not: it could be a path, an address, or an expression that never ends."""
    from resep.patterns import require_bounded

    if key == "attn_implementation" and value not in ATTENTION:
        return f"{value!r} would be downloaded code; known are {', '.join(sorted(ATTENTION))}"
    for text in _texts(value):
        if "/" in text or "__" in text or text.startswith("~") or len(text) > _TEXT_LENGTH:
            return f"{text[:40]!r} is refused: an option's texts name parts of a model, not files, addresses or code"
        if key in PATTERNS:
            try:
                require_bounded(text)
            except ValueError as error:
                return str(error)
    return ""


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from (*_texts(key), *_texts(inner))
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def _type_complaint(key: str, value: Any) -> str:
    import jsonschema

    schema = {**_schema()["properties"][key], "$defs": _schema()["$defs"]}
    error = next(jsonschema.Draft202012Validator(schema).iter_errors(value), None)
    return f"{value!r} does not fit: Axolotl expects {_expected(schema)}" if error else ""


def _expected(schema: Mapping[str, Any]) -> str:
    choices = schema.get("anyOf", [schema])
    words = [_word(choice) for choice in choices if choice.get("type") != "null"]
    return " or ".join(dict.fromkeys(words))


def _word(choice: Mapping[str, Any]) -> str:
    if "$ref" in choice:
        definition = _schema()["$defs"][choice["$ref"].rpartition("/")[2]]
        return ", ".join(map(str, definition["enum"])) if "enum" in definition else "a mapping"
    if "const" in choice:
        return repr(choice["const"])
    if "enum" in choice:
        return ", ".join(map(str, choice["enum"]))
    return str(choice.get("type", "another value"))


@cache
def _owners() -> Mapping[str, str]:
    return {key: owner for owner, keys in OWNED.items() for key in keys.split()}


@cache
def _refused() -> Mapping[str, str]:
    return {key: reason for reason, keys in REFUSED.items() for key in keys.split()}


@cache
def _schema() -> Mapping[str, Any]:
    schema: Mapping[str, Any] = json.loads((data_folder("schemas") / SCHEMA).read_text(encoding="utf-8"))
    return schema
