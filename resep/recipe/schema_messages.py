"""What a violation of the schema means to the person who wrote the recipe, and where it is to be mended."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from resep.document import Document
from resep.document.places import KeyPath
from resep.errors import Problem
from resep.recipe.key_suggestions import explain_unknown_key, meant_keys
from resep.suggest import did_you_mean, listed

_TYPES = {
    "string": "a text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a map of keys",
    "null": "null",
}


def problems_of(error: Any, document: Document, recipe_schema: Mapping[str, Any]) -> Iterator[Problem]:
    """The problems that one ValidationError of jsonschema stands for: one per unknown or missing key, else one."""
    path: KeyPath = tuple(error.absolute_path)
    if error.validator == "additionalProperties" and error.validator_value is False:
        known = error.schema["properties"]
        for key in (key for key in error.instance if key not in known):
            here = (*path, key)
            message = explain_unknown_key(key, error.schema, recipe_schema)
            yield document.problem(here, message, of_key=True)
    elif error.validator == "uniqueItems":
        items = error.instance
        second = next(index for index, item in enumerate(items) if item in items[:index])
        yield document.problem((*path, second), f"{_shown(items[second])} stands in this list already")
    elif error.validator == "required":
        yield from _missing(error, path, document)
    else:
        yield document.problem(path, _message(error))


def _missing(error: Any, path: KeyPath, document: Document) -> Iterator[Problem]:
    """A key that is missing only because its name is misspelt beside it was reported as such."""
    properties: Mapping[str, Any] = error.schema.get("properties", {})
    misspelt = meant_keys(error.instance, error.schema)
    for key in error.validator_value:
        if key not in error.instance and key not in misspelt:
            hint = properties.get(key, {}).get("description", "")
            yield document.problem((*path, key), f"this key is missing{f'. {hint}' if hint else ''}")


def _message(error: Any) -> str:
    explain = _EXPLAIN.get(str(error.validator))
    return explain(error.validator_value, error.instance, error.schema) if explain else str(error.message)


def _wrong_type(wanted: Any, value: Any, schema: Any) -> str:  # noqa: ARG001
    types = wanted if isinstance(wanted, list) else [wanted]
    expected = f"expected {listed(_TYPES[name] for name in types)}"
    if value is None:
        return f"{expected}, but there is no value{'; write {} for all defaults' if types == ['object'] else ''}"
    if isinstance(value, str):
        return expected + _hint_for_text(value, types)
    if isinstance(value, bool | int | float) and "string" in types:
        return f'{expected}, not {_shown(value)}; write it in quotes: "{_shown(value)}"'
    if types == ["array"]:
        return f"{expected}, not {_shown(value)}; begin each item with '- ', or write [...]"
    return f"{expected}, not {_shown(value)}"


def _hint_for_text(value: str, types: list[str]) -> str:
    if {"number", "integer"} & set(types) and _is_number(value):
        plain = value.strip().replace("_", "")
        return f", not the text '{value}'; write {plain} without quotes" + (" or '_'" if "_" in value else "")
    if types == ["boolean"] and value.lower() in {"yes", "no", "on", "off", "true", "false", "y", "n"}:
        return f", not '{value}'; write {'true' if value.lower() in {'yes', 'on', 'true', 'y'} else 'false'}"
    if types == ["array"]:
        return f", not the text {_shown(value)}; write [{value}]" if len(value) <= 40 else ", not a text"
    return f", not the text {_shown(value)}"


def _is_number(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True


def _not_a_choice(choices: Any, value: Any, schema: Any) -> str:  # noqa: ARG001
    names = [choice if isinstance(choice, str) else _shown(choice) for choice in choices]
    hint = did_you_mean(value, names) if isinstance(value, str) else ""
    return f"expected {listed(names)}, not {_shown(value)}{hint}"


def _not_matching(pattern: Any, value: Any, schema: Any) -> str:
    return f"{_shown(value)}: {schema.get('patternErrorMessage', f'does not match {pattern}')}"


def _too_many_names(most: Any, value: Any, schema: Any) -> str:  # noqa: ARG001
    names = listed(f"'{name}'" for name in value).replace(" or ", " and ")
    return f"one name with its options was expected; {names} stand side by side: indent the options below the name"


def _shown(value: Any) -> str:
    """A value as it would stand in a recipe, shortened."""
    if isinstance(value, dict):
        return "a map of keys"
    if isinstance(value, list):
        return "a list"
    words = {True: "true", False: "false", None: "null"}
    if isinstance(value, bool) or value is None:
        return words[value]
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


_EXPLAIN: Mapping[str, Callable[[Any, Any, Any], str]] = {
    "type": _wrong_type,
    "enum": _not_a_choice,
    "pattern": _not_matching,
    "maxProperties": _too_many_names,
    "minimum": lambda bound, value, _: f"must be at least {bound}, not {_shown(value)}",
    "maximum": lambda bound, value, _: f"must be at most {bound}, not {_shown(value)}",
    "exclusiveMinimum": lambda bound, value, _: f"must be above {bound}, not {_shown(value)}",
    "exclusiveMaximum": lambda bound, value, _: f"must be below {bound}, not {_shown(value)}",
    "minLength": lambda *_: "must not be empty",
    "minItems": lambda *_: "must not be an empty list",
    "minProperties": lambda *_: "must not be empty",
}
