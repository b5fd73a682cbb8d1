"""What commands on a recipe share: their arguments, loading it, and consent to code that lies beside it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from resep.errors import ResepError
from resep.user_settings import user_settings

if TYPE_CHECKING:
    from resep.recipe import Recipe


def recipe_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recipe", type=Path, help="the recipe, a YAML file")
    parser.add_argument(
        "--set",
        dest="overrides",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help="replace a value, e.g. training.learning_rate=1e-4 (may be repeated)",
    )


def store_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--store",
        type=Path,
        default=user_settings().store,
        help="where finished stages are kept (default: runs/.store, or what your own config.yaml says)",
    )
    parser.add_argument(
        "--trust",
        type=Path,
        metavar="PATH",
        action="append",
        default=[],
        help="run this plug-in from beside the recipe: it is code (remembered for its exact content)",
    )


def load_recipe(args: argparse.Namespace) -> Recipe:
    """The recipe that the arguments name, its warnings printed; RecipeError if it has problems."""
    from resep.problems import format_problems
    from resep.recipe import load

    recipe = load(args.recipe, args.overrides)
    if recipe.warnings:
        print(format_problems(recipe.warnings), file=sys.stderr)
    return recipe


def require_trust(recipe: Recipe, trusted: list[Path]) -> None:
    """Refuse to run plug-ins from beside the recipe unless the person at the keyboard said so."""
    from resep.plugins.trust import is_trusted, trust

    for path in trusted:
        trust(path)
    strangers = [path for path in recipe.foreign_plugins if not is_trusted(path)]
    if strangers:
        options = " ".join(f"--trust {path}" for path in strangers)
        raise ResepError(
            "this recipe brings code of its own, which runs only if you say so. Read it, then add: " + options
        )
