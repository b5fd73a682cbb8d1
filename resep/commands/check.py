"""Read recipes and say everything that is wrong with them. Nothing is run, no data or model is opened."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from resep.errors import Problem, RecipeError


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recipes", type=Path, nargs="+", metavar="recipe", help="recipes, YAML files")
    parser.add_argument("--set", dest="overrides", metavar="KEY=VALUE", action="append", default=[])


def main(args: argparse.Namespace) -> int:
    from resep.problems import format_problems

    problems = [problem for path in args.recipes for problem in _problems(path, args.overrides)]
    if problems:
        print(format_problems(problems), file=sys.stderr)
    if any(problem.severity == "error" for problem in problems):
        return 2
    count = len(args.recipes)
    print(f"{count} recipe{'s' * (count > 1)} checked: nothing wrong")
    return 0


def _problems(path: Path, overrides: list[str]) -> tuple[Problem, ...]:
    from resep.recipe import load

    try:
        return load(path, overrides).warnings
    except RecipeError as error:
        return error.problems
