"""What a violation of the schema means to the person who wrote the recipe, and where it is to be mended."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from resep.document import Document
from resep.document.places import KeyPath
from resep.errors import Problem
from resep.recipe.habits import Accepts, habit_of, habit_of_value, instruction, plain, spelling
from resep.recipe.key_suggestions import accepts, explain_unknown_key, meant_keys
from resep.suggest import did_you_mean, listed

_MANY_HABITS = 3  # keys of one other tool, at the top of what should be a recipe
_MOST_EXPLAINED = 50  # unknown keys of one section: finding what each may have meant takes half a millisecond
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
        unknown = [key for key in error.instance if key not in error.schema["properties"]]
        for key in unknown[:_MOST_EXPLAINED]:
            value = error.instance[key]
            message = explain_unknown_key(key, error.schema, recipe_schema, value=value, scope=plain(path))
            yield document.problem((*path, key), message, of_key=True)
        for key in unknown[_MOST_EXPLAINED : _MOST_EXPLAINED + 1]:
            message = f"unknown key, and {len(unknown) - _MOST_EXPLAINED - 1} more here: is this a recipe?"
            yield document.problem((*path, key), message, of_key=True)
    elif error.validator == "uniqueItems":
        items = error.instance
        second = next(index for index, item in enumerate(items) if item in items[:index])
        yield document.problem((*path, second), f"{_shown(items[second])} stands in this list already")
    elif error.validator == "required":
        yield from _missing(error, path, document)
    else:
        yield document.problem(path, _message(error, path, accepts(recipe_schema)))


def _missing(error: Any, path: KeyPath, document: Document) -> Iterator[Problem]:
    """A key that is missing only because its name is misspelt beside it was reported as such."""
    properties: Mapping[str, Any] = error.schema.get("properties", {})
    misspelt = meant_keys(error.instance, error.schema, plain(path))
    for key in error.validator_value:
        if key not in error.instance and key not in misspelt:
            message = _foreign(error.instance) if key == "resep" and not path else ""
            hint = properties.get(key, {}).get("description", "")
            yield document.problem((*path, key), message or f"this key is missing; add it{f'. {hint}' if hint else ''}")


def _foreign(recipe: Mapping[str, Any]) -> str:
    """What to say at the head of a whole config of another tool; an empty text where it is none."""
    found = (habit_of(key, value, "") for key, value in recipe.items())
    tools = Counter(tool for habit in found if habit for tool in habit.tools.split(", ") if tool[0].isupper())
    tool, count = tools.most_common(1)[0] if tools else ("", 0)
    if count < _MANY_HABITS:
        return ""
    what = f"this looks like a config of {tool}; a recipe begins with 'resep: 1'"
    return f"{what}, and has its keys where the lines below say"


def _message(error: Any, path: KeyPath, is_accepted: Accepts) -> str:
    """What is wrong with a value, and what was meant by it where a habit says so."""
    validator, wanted, value = str(error.validator), error.validator_value, error.instance
    habit = habit_of_value(path, value) if validator in _CANNOT and value is not None else None
    if habit is not None:
        is_item = isinstance(path[-1], int) and habit.key == plain(path)
        order = f"write {habit.ours}" if is_item else instruction(habit, value, plain(path[:-1]), is_accepted)
        return f"{_CANNOT[validator](wanted, value)}; {order}"
    explain = _EXPLAIN.get(validator)
    return explain(wanted, value, error.schema) if explain else str(error.message)


def _wrong_type(wanted: Any, value: Any, schema: Any) -> str:
    types = wanted if isinstance(wanted, list) else [wanted]
    expected = _expected_type(wanted)
    if value is None:
        return f"{expected}, but there is no value{'; write {} for all defaults' if types == ['object'] else ''}"
    if isinstance(value, str):
        return expected + _hint_for_text(value, types, schema)
    if isinstance(value, bool | int | float) and not _fits(str(value), schema):
        return f"{expected}, not {_shown(value)}; {schema['patternErrorMessage']}"
    if isinstance(value, bool | int | float) and "string" in types:
        return f'{expected}, not {_shown(value)}; write it in quotes: "{_shown(value)}"'
    if types == ["array"]:
        return f"{expected}, not {_shown(value)}; begin each item with '- ', or write [...]"
    return f"{expected}, not {_shown(value)}"


def _expected_type(wanted: Any) -> str:
    return f"expected {listed(_TYPES[name] for name in (wanted if isinstance(wanted, list) else [wanted]))}"


def _hint_for_text(value: str, types: list[str], schema: Any) -> str:
    is_number = bool({"number", "integer"} & set(types))
    if is_number and _is_number(value):
        plain_text = value.strip().replace("_", "")
        return f", not the text '{value}'; write {plain_text} without quotes" + (" or '_'" if "_" in value else "")
    if is_number and (share := _percentage(value)) is not None and "integer" not in types:
        return f", not '{value}'; a share is written {share:g}" + ("" if _is_share(schema) else " (of 1)")
    if is_number and re.fullmatch(r"[0-9]+,[0-9]+", value.strip()):
        return f", not the text '{value}'; write {value.strip().replace(',', '.')} with a decimal point"
    if types == ["boolean"] and (meant := spelling(value)) in {"true", "false"}:
        return f", not '{value}'; write {meant}{' without quotes' if value.lower() == meant else ''}"
    if types == ["array"]:
        return f", not the text {_shown(value)}; write [{value}]" if len(value) <= 40 else ", not a text"
    return f", not the text {_shown(value)}"


def _fits(text: str, schema: Any) -> bool:
    """Whether a value would do if it were written as a text."""
    return "patternErrorMessage" not in schema or re.search(schema["pattern"], text) is not None


def _percentage(value: str) -> float | None:
    """`10%` -> 0.1, None for any other text."""
    text = value.strip()
    return float(text[:-1]) / 100 if text.endswith("%") and _is_number(text[:-1]) else None


def _is_share(schema: Any) -> bool:
    return "share of" in schema.get("description", "").lower()


def _is_number(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True


def _not_a_choice(choices: Any, value: Any, schema: Any) -> str:  # noqa: ARG001
    names = [choice if isinstance(choice, str) else _shown(choice) for choice in choices]
    hint = did_you_mean(value, names) if isinstance(value, str) else ""
    if isinstance(value, str) and (meant := spelling(value)) in {"true", "false"} and meant in names:
        hint = f"; write {meant}{' without quotes' if value.lower() == meant else ''}"
    return f"{_expected_choice(choices)}, not {_shown(value)}{hint}"


def _expected_choice(choices: Any) -> str:
    return f"expected {listed(choice if isinstance(choice, str) else _shown(choice) for choice in choices)}"


def _too_large(bound: Any, value: Any, schema: Any) -> str:
    """A share of more than 1 was meant as a percentage."""
    hint = f"; a share is written {value / 100:g}" if _is_share(schema) and bound == 1 and value <= 100 else ""
    return f"must be at most {bound}, not {_shown(value)}{hint}"


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
    "maximum": _too_large,
    "exclusiveMinimum": lambda bound, value, _: f"must be above {bound}, not {_shown(value)}",
    "exclusiveMaximum": lambda bound, value, _: f"must be below {bound}, not {_shown(value)}",
    "minLength": lambda *_: "must not be empty",
    "minItems": lambda *_: "must not be an empty list",
    "minProperties": lambda *_: "must not be empty",
}

# The first half of a message whose second half, what to write, is known from a habit.
_CANNOT: Mapping[str, Callable[[Any, Any], str]] = {
    "type": lambda wanted, value: f"{_expected_type(wanted)}, not {_shown(value)}",
    "enum": lambda choices, value: f"{_expected_choice(choices)}, not {_shown(value)}",
    "minimum": lambda bound, value: f"must be at least {bound}, not {_shown(value)}",
    "exclusiveMinimum": lambda bound, value: f"must be above {bound}, not {_shown(value)}",
}
