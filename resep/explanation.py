"""What one key of a recipe means: its value and origin, what it replaced, what the schema says, what it leads to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from resep import plugins
from resep.document.places import KeyPath, Place
from resep.errors import ResepError
from resep.influence import Rendered, rendered, stages_steered
from resep.recipe import Recipe
from resep.recipe.files import read_recipe
from resep.recipe.keys import KeyHelp, key_help, option_help, read_path
from resep.recipe.schema import RecipeSchema, recipe_schema
from resep.recipe.values import ABSENT, value_at, with_value_at

_SPENT = ("extends", "variables")


@dataclass(frozen=True)
class Explanation:
    """`value` is ABSENT where the key is not set. `replaced`: what other files of the recipe say, the nearest first.

    `stages` are those that run again when the value changes; None where they could not be told, because of `note`.
    """

    help: KeyHelp
    value: Any
    origin: Place | None
    replaced: tuple[tuple[Any, Place], ...]
    rendered: tuple[Rendered, ...]
    stages: tuple[str, ...] | None
    note: str = ""


def explain(recipe: Recipe, key: str) -> Explanation:
    """Everything about one key or section. Raises ResepError, with a suggestion, for a key that there is not."""
    path = read_path(key, recipe.data)
    help_ = _help(recipe, path)
    if path[0] in _SPENT:
        return _spent(recipe, help_)
    value = value_at(recipe.data, path)
    steered = () if help_.keys else tuple(rendered(recipe, help_))
    try:
        stages, note = tuple(stages_steered(recipe, help_)), ""
    except ResepError as error:
        stages, note = None, str(error)
    said = reversed([*_said(recipe, path)])
    origin = recipe.origin(help_.name)
    replaced = tuple((other, place) for other, place in said if other != value and str(place) != str(origin))
    return Explanation(help_, ABSENT if value is None else value, origin, replaced, steered, stages, note)


def schema_of(recipe: Recipe) -> RecipeSchema:
    """The recipe language with the options of every shipped plug-in and of those that the recipe brings."""
    shipped = {(kind, name): plugins.find(kind, name) for kind in plugins.KINDS for name in plugins.names(kind)}
    return recipe_schema([plugins.describe(path) for path in {**shipped, **recipe.plugins}.values()])


def _help(recipe: Recipe, path: KeyPath) -> KeyHelp:
    if path[:2] == ("training", "axolotl") and len(path) == 3:
        return option_help(path)
    if kind := _kind_of_plugin(path):
        recipe.plugin(kind, str(path[2]))  # raises, with the nearest name, where there is none
    data = recipe.data
    if path[:1] == ("preprocessing",) and len(path) > 2 and value_at(data, path[:2]) is ABSENT:
        data = with_value_at(data, path[:2], {path[2]: {}})  # a step that the recipe does not use, as if it did
    return key_help(schema_of(recipe), data, path)


def _kind_of_plugin(path: KeyPath) -> str | None:
    """The kind of the plug-in that a key belongs to; its name is the third part of the path."""
    if len(path) < 3:
        return None
    return "evaluators" if path[:2] == ("evaluation", "evaluators") else "preprocessing" * (path[0] == "preprocessing")


def _spent(recipe: Recipe, help_: KeyHelp) -> Explanation:
    """A key whose only use is to bring others into the recipe; `extends` itself is gone when that is done."""
    value, place = value_at(recipe.data, help_.path), recipe.origin(help_.name)
    if value is ABSENT or value is None:
        value, place = next(reversed([*_said(recipe, help_.path)]), (ABSENT, None))
    note = "it depends on the values that come from it; `resep diff` tells for two recipes"
    return Explanation(help_, value, place, (), (), None, note)


def _said(recipe: Recipe, path: KeyPath) -> Iterator[tuple[Any, Place]]:
    """What each file of the recipe says of this key, the furthest parent first."""
    for file in recipe.files:
        document, _ = read_recipe(file)
        if (value := value_at(document.data, path)) is not ABSENT:
            yield value, document.place(path)
