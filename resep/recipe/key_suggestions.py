"""Which key was meant by one that the recipe language does not know.

In this order: a key of a later version (`x-later`), the same name spelt a little differently (`learningrate`), a habit
from another tool (habits.py), a key of this name in another section, the key here whose name is nearest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from resep.recipe.habits import habit_of, instruction, names_in, spelling
from resep.suggest import listed, nearest

Schema = Mapping[str, Any]
_MOST_KEYS = 50  # beyond that it is no recipe


def explain_unknown_key(key: str, here: Schema, whole: Schema, *, value: Any = None, scope: str = "") -> str:
    """What to say of `key: value` in a map whose schema is `here` and whose place in the recipe is `scope` (dotted,
    without the numbers of list items); `whole` is the schema of the recipe.
    """
    known = here.get("properties", {})
    if key in here.get("x-later", ()):
        return "this version of resep does not support this key yet; leave it out"
    if same := _same_name(key, known):
        return f"unknown key; did you mean '{same}'?"
    if habit := habit_of(key, value, scope):
        return f"unknown key; {instruction(habit, value, scope, accepts(whole), origin=habit.origin)}"
    if sections := [section for section, keys in _sections(whole, "") if key in keys]:
        return f"unknown key here; it belongs {listed(_placed(section) for section in sections[:3])}"
    names = {**names_in(scope), **{name: name for name in known}}
    if meant := nearest(key, names):
        return f"unknown key; did you mean '{names[meant]}'?"
    return f"unknown key; known here: {', '.join(known) or 'none'}"


def meant_keys(given: Mapping[str, Any], here: Schema, scope: str = "") -> set[str]:
    """The keys of this map that the unknown ones were most likely meant to be, or to be a part of."""
    known = here.get("properties", {})
    meant: set[str] = set()
    for key in [key for key in given if key not in known][:_MOST_KEYS]:
        habit = habit_of(key, given[key], scope)
        if habit and habit.key:
            meant.add(habit.key.removeprefix(f"{scope}.").partition(".")[0])
        else:
            meant.add(nearest(key, known) or "")
    return meant


def accepts(whole: Schema) -> Any:
    """Whether a recipe may give this value to this key, as far as the schema alone can tell."""

    def is_accepted(key: str, value: Any) -> bool:
        from jsonschema import Draft7Validator

        node = _node(whole, key)
        return node is not None and Draft7Validator(node).is_valid(value)

    return is_accepted


def _same_name(key: str, known: Mapping[str, Any]) -> str | None:
    return next((name for name in known if spelling(name) == spelling(key)), None)


def _placed(section: str) -> str:
    return f"under {section}" if section else "at the top level, without indentation"


def _sections(node: Schema, path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every map of the recipe language as a dotted path, with its keys; items of a list stand under the list's name."""
    if keys := node.get("properties"):
        yield path, keys
    for name, child in node.get("properties", {}).items():
        yield from _sections(child, f"{path}.{name}".lstrip("."))


def _node(whole: Schema, key: str) -> Schema | None:
    """The schema of a dotted key; one without bounds for what plug-ins and Axolotl judge; None where there is none."""
    node: Schema = whole
    for part in key.split("."):
        properties = node.get("properties", {})
        if part not in properties:
            return {} if node.get("additionalProperties", True) is not False else None
        node = properties[part]
    return node
