"""Show a recipe as it is understood, with the file and line behind every value; or everything about one key of it."""

from __future__ import annotations

import argparse
import json
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from resep.commands.loading import load_recipe, recipe_arguments
from resep.commands.rehearsing import as_rehearsed, rehearse_argument
from resep.printable import printable

if TYPE_CHECKING:
    from resep.document.places import Place
    from resep.explanation import Explanation
    from resep.influence import Rendered
    from resep.recipe import Recipe
    from resep.recipe.keys import KeyHelp

_WIDTH = 100
_FIRST_COLUMN = 13


def arguments(parser: argparse.ArgumentParser) -> None:
    recipe_arguments(parser)
    parser.add_argument("key", nargs="?", help="a key or a section, e.g. training.learning_rate (default: all values)")
    parser.add_argument("--json", action="store_true", help="for programs: the same as JSON")
    rehearse_argument(parser, "the recipe as `resep run --rehearse` changes it")


def main(args: argparse.Namespace) -> int:
    from resep.explanation import explain, schema_of
    from resep.recipe.listing import Listing

    recipe = load_recipe(args)
    if args.rehearse:
        recipe, _ = as_rehearsed(args, recipe)
    if not args.key:
        listing = Listing(recipe, schema_of(recipe))
        print(json.dumps(_values_as_json(listing), indent=1) if args.json else printable(listing))
        return 0
    explanation = explain(recipe, args.key)
    if args.json:
        print(json.dumps(_as_json(explanation), indent=1))
    else:
        print(printable("\n".join(_as_text(recipe, explanation))))
    return 0


def _values_as_json(listing: Any) -> dict[str, Any]:
    from resep.document.places import dotted

    values = [
        {"key": dotted(entry.path), "value": entry.value, "origin": place_as_json(entry.origin)}
        for entry in listing.entries()
    ]
    return {"recipe": str(listing.recipe.path), "values": values}


def _as_json(explanation: Explanation) -> dict[str, Any]:
    from resep.recipe.values import ABSENT

    help_ = explanation.help
    return {
        "key": help_.name,
        "is_set": explanation.value is not ABSENT,
        "value": None if explanation.value is ABSENT else explanation.value,
        "origin": place_as_json(explanation.origin),
        "replaces": [{"value": value, "origin": place_as_json(place)} for value, place in explanation.replaced],
        "description": help_.description,
        "type": help_.type,
        "bounds": help_.bounds,
        "required": help_.required,
        **({"default": help_.default} if help_.has_default else {}),
        "keys": list(help_.keys),
        "other_names": list(help_.also),
        "becomes": [{"key": one.key, "values": dict(one.values)} for one in explanation.rendered],
        "runs_again": None if explanation.stages is None else list(explanation.stages),
    }


def place_as_json(place: Place | None) -> dict[str, Any] | None:
    return {"file": place.file, "line": None if place.typed else place.line} if place else None


def _as_text(recipe: Recipe, explanation: Explanation) -> Iterator[str]:
    yield from _value(recipe, explanation)
    help_ = explanation.help
    if help_.description:
        yield ""
        yield from _wrapped("  ", help_.description)
    yield ""
    yield from _row("type", f"{help_.type}{', ' * bool(help_.bounds)}{help_.bounds}")
    yield from _row("default", _default(help_))
    if help_.also:
        yield from _row("elsewhere", f"called {', '.join(help_.also)}")
    for number, one in enumerate(explanation.rendered):
        yield from _row(recipe["training.trainer"] if number == 0 else "", _rendered(one))
    yield from _row("runs again", _stages(explanation))
    if help_.keys:
        yield ""
        yield from _keys(explanation)


def _value(recipe: Recipe, explanation: Explanation) -> Iterator[str]:
    from resep.document.inline import inline
    from resep.explanation import schema_of
    from resep.recipe.listing import Listing, label
    from resep.recipe.values import ABSENT

    help_, value = explanation.help, explanation.value
    if value is ABSENT:
        yield f"{help_.name}: not set"
    elif value and any(isinstance(item, dict) for item in (value if isinstance(value, list) else [value])):
        yield f"{help_.name}:"
        yield textwrap.indent(str(Listing(recipe, schema_of(recipe), help_.path)), "  ")
    else:
        yield f"{help_.name}: {inline(value)}    {label(recipe, explanation.origin)}"
    for other, place in explanation.replaced:
        yield f"  in place of {inline(other)}    {label(recipe, place)}"


def _keys(explanation: Explanation) -> Iterator[str]:
    """The keys of a section, each with the first sentence of its description."""
    nodes = explanation.help.node["properties"]
    width = max(map(len, nodes)) + 2
    for name, node in nodes.items():
        first, _, _ = node.get("description", "").partition(". ")
        yield from _wrapped(f"  {name:<{width}}", first.rstrip("."))


def _row(name: str, text: str) -> Iterator[str]:
    return _wrapped(f"  {name:<{_FIRST_COLUMN}}", text)


def _wrapped(start: str, text: str) -> Iterator[str]:
    yield from textwrap.wrap(
        text or "-", _WIDTH, initial_indent=start, subsequent_indent=" " * len(start), break_on_hyphens=False
    )


def _default(help_: KeyHelp) -> str:
    from resep.document.inline import inline

    if help_.has_default:
        return inline(help_.default)
    return "none: this key has to be given" if help_.required else "none"


def _rendered(one: Rendered) -> str:
    from resep.document.inline import inline

    shown = {machine: "left out" if value is None else inline(value) for machine, value in one.values.items()}
    if not shown:
        return f"{one.key}: follows from the rows and the machine as well"
    if len(shown) == 2 and len(set(shown.values())) == 1:
        return f"{one.key}: {next(iter(shown.values()))}"
    return f"{one.key}: " + ", ".join(f"{text} on {machine}" for machine, text in shown.items())


def _stages(explanation: Explanation) -> str:
    from resep.ripple import in_words

    if explanation.stages is None:
        return f"cannot be told: {explanation.note}"
    if explanation.stages == ("report",):
        return "report alone: as this recipe stands, nothing else depends on it"
    return in_words(explanation.stages) or "nothing"
