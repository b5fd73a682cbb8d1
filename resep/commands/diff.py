"""Say what differs in meaning between two recipes, or between a recipe and itself with --set; and what runs again."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resep.commands.loading import load_recipe, recipe_arguments
from resep.printable import printable

if TYPE_CHECKING:
    from resep.comparison import Change, Comparison
    from resep.document.places import Place
    from resep.recipe import Recipe

_WIDTH = 100
_LONGEST_KEY = 44
_LONGEST_VALUE = 36
_MOST_REASONS = 2
_DIGEST = "recipe_sha256"  # says that something differs, not what
_HEADINGS = {"configure": "configure, train"}  # what the trainer's config says is what training does


def arguments(parser: argparse.ArgumentParser) -> None:
    recipe_arguments(parser)
    parser.add_argument("other", type=Path, nargs="?", help="another recipe; --set is for this one (default: the same)")
    parser.add_argument("--json", action="store_true", help="for programs: the same as JSON")


def main(args: argparse.Namespace) -> int:
    from resep.comparison import compare

    old = load_recipe(argparse.Namespace(**{**vars(args), "overrides": []}))
    new = load_recipe(argparse.Namespace(**{**vars(args), "recipe": args.other or args.recipe}))
    comparison = compare(old, new)
    if args.json:
        print(json.dumps(_as_json(old, new, comparison), indent=1))
    else:
        print(printable("\n".join(_as_text(old, new, comparison))))
    return 0


def _as_json(old: Recipe, new: Recipe, comparison: Comparison) -> dict[str, Any]:
    from resep.commands.explain import place_as_json

    changes = [
        {
            **{"key": change.key, "stage": change.stage or None, "old": change.old, "new": change.new},
            "old_origin": place_as_json(change.old_origin),
            "new_origin": place_as_json(change.new_origin),
        }
        for change in comparison.changes
    ]
    stages = comparison.stages
    return {
        **{"old": str(old.path), "new": str(new.path), "changes": changes, "note": comparison.note},
        "runs_again": None if stages is None else {name: list(reasons) for name, reasons in stages.items()},
    }


def _as_text(old: Recipe, new: Recipe, comparison: Comparison) -> Iterator[str]:
    if not comparison.changes:
        yield "no difference in meaning"
        return
    yield f"{old.path} -> {new.path if new.path != old.path else 'the same with --set'}"
    for kind, changes in groupby(comparison.changes, key=lambda change: change.stage.partition(":")[0]):
        group = list(changes)
        width = min(_LONGEST_KEY, max(len(change.key) for change in group))
        yield from ("", _HEADINGS.get(kind, kind))
        for change in group:
            yield from _change_lines(old, new, change, width)
    yield from ("", *_stage_lines(comparison))


def _change_lines(old: Recipe, new: Recipe, change: Change, width: int) -> Iterator[str]:
    values = f"  {change.key:<{width}}  {_shown(change.key, change.old)} -> {_shown(change.key, change.new)}"
    origins = " -> ".join(_origins(old, new, change))
    gap = _WIDTH - len(values) - len(origins)
    if gap >= 2 or not origins:
        yield values + " " * gap * bool(origins) + origins
    else:
        yield values
        yield f"{origins:>{_WIDTH}}"


def _origins(old: Recipe, new: Recipe, change: Change) -> list[str]:
    from resep.recipe.listing import label

    sides: list[tuple[Recipe, Any, Place | None]] = [
        (old, change.old, change.old_origin),
        (new, change.new, change.new_origin),
    ]
    if str(change.old).startswith("sha256:"):
        return []
    return ["-" if value is None else label(recipe, place) for recipe, value, place in sides]


def _shown(key: str, value: Any) -> str:
    from resep.document.inline import inline
    from resep.recipe.keys import without_absent
    from resep.recipe.listing import shortened

    if value is None:
        return "not set"
    if key == "preprocessing":
        value = [next(iter(step)) for step in value]
    return shortened(inline(without_absent(value)), _LONGEST_VALUE)


def _stage_lines(comparison: Comparison) -> Iterator[str]:
    from resep.ripple import GONE, in_words

    if comparison.stages is None:
        yield f"Which stages would run again cannot be told: {comparison.note}"
        return
    due = {name: reasons for name, reasons in comparison.stages.items() if reasons and reasons != (GONE,)}
    width = max(map(len, due), default=0) + 2
    yield "After a run of the first, the second would run:"
    yield from (f"  {name:<{width}}{_because(reasons, comparison)}" for name, reasons in due.items())
    reused = in_words(name for name, reasons in comparison.stages.items() if not reasons)
    yield f"and reuse: {reused or 'nothing'}."
    yield "A stage that gives the same bytes again spares those after it."


def _because(reasons: tuple[str, ...], comparison: Comparison) -> str:
    """What the stage says for itself, or else the stages that it follows from."""
    from resep.ripple import in_words

    stages = comparison.stages or {}
    own = [reason for reason in reasons if reason not in stages]
    shown = [reason for reason in own if reason != _DIGEST] or own
    if not shown:
        return f"follows from {in_words(reasons)}"
    more = f" and {len(shown) - _MOST_REASONS} more" * (len(shown) > _MOST_REASONS)
    return ", ".join(shown[:_MOST_REASONS]) + more
