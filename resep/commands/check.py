"""Read recipes and say everything that is wrong with them. Nothing is run, no data or model is opened."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from resep.commands.loading import environment_argument, let_through
from resep.errors import Problem, RecipeError


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recipes", type=Path, nargs="+", metavar="recipe", help="recipes, YAML files")
    parser.add_argument("--set", dest="overrides", metavar="KEY=VALUE", action="append", default=[])
    parser.add_argument(
        "--format",
        choices=("text", "json", "github"),
        default="text",
        help="text for people, json for programs, github for annotations of a pull request",
    )
    environment_argument(parser)
    parser.add_argument("--strict", action="store_true", help="warnings are errors")


def main(args: argparse.Namespace) -> int:
    from resep.problems import as_errors

    environment = let_through(args.allow_env)
    problems = [problem for path in args.recipes for problem in _problems(path, args.overrides, environment)]
    if args.strict:
        problems = as_errors(problems)
    _show(problems, args.format, len(args.recipes))
    return 2 if any(problem.severity == "error" for problem in problems) else 0


def _show(problems: Sequence[Problem], form: str, recipes: int) -> None:
    """Answers for programs go to standard output alone; for people, problems go to standard error."""
    from resep.problems import as_github, as_json, format_problems, palette

    if form == "json":
        print(as_json(problems))
    elif form == "github" and problems:
        print(as_github(problems))
    elif problems:
        print(format_problems(problems, palette(sys.stderr)), file=sys.stderr)
    elif form == "text":
        print(f"{recipes} recipe{'s' * (recipes > 1)} checked: nothing wrong")


def _problems(path: Path, overrides: Sequence[str], environment: Mapping[str, str]) -> tuple[Problem, ...]:
    from resep.recipe import load

    try:
        return load(path, overrides, environment=environment).warnings
    except RecipeError as error:
        return error.problems
