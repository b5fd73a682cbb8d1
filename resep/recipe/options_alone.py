"""The options of evaluators without a recipe around them, judged as a recipe's are: `resep score`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from resep.document import Document
from resep.document.places import KeyPath, Place, dotted
from resep.errors import Problem
from resep.plugins import Plugin
from resep.recipe.checks import EVALUATOR_CHECKS, problem_of
from resep.recipe.draft import Draft
from resep.recipe.paths import Folder, Grounds
from resep.recipe.schema import recipe_schema, schema_problems, with_absent_keys, with_defaults

_ABOVE = ("evaluation", "evaluators")


def option_problems(given: Mapping[str, Mapping[str, Any]], plugins: Sequence[Plugin]) -> list[Problem]:
    """What a recipe with these evaluators would be told of them, each problem under `--set NAME.OPTION`.

    Paths were typed: they may lead anywhere from the current folder.
    """
    schema = recipe_schema(plugins)
    data = {"evaluation": {"evaluators": {name: dict(options) for name, options in given.items()}}}
    document = Document("--with", data, dict(_places(given)))
    here = Folder(Path.cwd(), Path.cwd())
    grounds = Grounds(here, {}, {dotted(path): place for path, place in document.values.items()})
    draft = Draft(document, data, with_absent_keys(schema, with_defaults(schema, data)), tuple(plugins), grounds)
    found = schema_problems(schema, document, data)
    found += [problem_of(document, finding) for check in EVALUATOR_CHECKS for finding in check(draft)]
    return [problem for problem in found if problem.where.startswith(f"{dotted(_ABOVE)}.")]


def _places(given: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[KeyPath, Place]]:
    for name, options in given.items():
        yield (*_ABOVE, name), Place(f"--with {name}", 0, 0, "", typed=True)
        yield from ((path, Place(f"--set {said}", 0, 0, "", typed=True)) for path, said in _inside(name, options))


def _inside(name: str, options: Mapping[str, Any]) -> Iterator[tuple[KeyPath, str]]:
    """Every option, and what is inside it, with the option's name."""
    waiting: list[tuple[KeyPath, Any, str]] = [
        ((*_ABOVE, name, option), value, f"{name}.{option}") for option, value in options.items()
    ]
    for path, value, said in waiting:
        yield path, said
        inner = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
        waiting += [((*path, key), each, said) for key, each in inner]
