"""A recipe: loaded, judged, every default filled in, or refused with everything that is wrong with it.

    text -> document (strict YAML, places) -> laid over its parents (extends) -> --set laid over -> variables replaced
    -> the user's text judged by the schema, the options of plug-ins by their signatures -> defaults filled in
    -> the whole judged again -> checks across keys -> Recipe

Every problem is collected on the way, so that a person mends a recipe in one go. Every value remembers the file and
line that it came from. A Recipe is a value: stages take from it what steers them (`pick`) and that becomes their key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from resep.document import Document
from resep.document.places import KeyPath, Place, dotted
from resep.errors import Problem, RecipeError
from resep.recipe.checks import cross_checks
from resep.recipe.draft import Draft
from resep.recipe.extends import Lineage, gather
from resep.recipe.files import Fetch, RecipeFile, read_recipe, recipe_file
from resep.recipe.lock import lock_problems
from resep.recipe.named_plugins import NamedPlugins, named_plugins
from resep.recipe.overrides import Override, overlay, read_overrides
from resep.recipe.paths import Grounds
from resep.recipe.resolved import DEFAULT_FIELDS, Recipe, StepSpec
from resep.recipe.schema import parts_at, recipe_schema, schema_problems, with_absent_keys, with_defaults
from resep.recipe.variables import MARK, substitute

__all__ = ["DEFAULT_FIELDS", "Recipe", "StepSpec", "load"]


def load(
    path: Path,
    overrides: Sequence[str] = (),
    *,
    environment: Mapping[str, str] | None = None,
    fetch: Fetch | None = None,
    rehearsal: Sequence[str] = (),
) -> Recipe:
    """The recipe in a file with all that it extends, and `--set` overrides laid over.

    `environment`: the variables of the environment that the person let through, with their values. `fetch` brings
    recipes of other repositories here; without it, only those are read that were fetched before. `rehearsal`: further
    overrides, over all others, whose origin is the rehearsal. Raises RecipeError with every problem found.
    """
    typed, problems = read_overrides(overrides)
    rehearsed, further = read_overrides(rehearsal, "rehearsal")
    typed, problems = [*typed, *rehearsed], [*problems, *further]
    lineage = _lineage(recipe_file(path), [one for one in typed if one.path[0] == "extends"], fetch)
    if lineage.document.data is None:
        raise RecipeError([lineage.explained(problem) for problem in (*problems, *lineage.document.problems)])
    document = overlay(lineage.document, (one for one in typed if one.path[0] != "extends"))
    named = named_plugins(document, lineage)
    draft, found = _judge(document, named, lineage, environment or {})
    problems += [*draft.document.problems, *named.problems, *found, *lock_problems(path.parent, lineage.files)]
    problems = [lineage.explained(problem) for problem in _without_echoes(problems)]
    if any(problem.severity == "error" for problem in problems):
        raise RecipeError(problems)
    folder = draft.grounds.home.path
    files = {key: plugin.path for key, plugin in named.plugins.items()}
    return Recipe(path, folder, draft.data, tuple(problems), draft.grounds, lineage.files, files)


def _lineage(file: RecipeFile, typed: Sequence[Override], fetch: Fetch | None) -> Lineage:
    document, sha256 = read_recipe(file)
    if not isinstance(document.data, dict):
        return Lineage(document, (file,))
    return gather(replace(file, sha256=sha256), overlay(document, typed), fetch)


def _judge(
    document: Document, named: NamedPlugins, lineage: Lineage, environment: Mapping[str, str]
) -> tuple[Draft, list[Problem]]:
    """The recipe with defaults filled in, and what the schema and the checks across keys have to say."""
    plugins = tuple(named.plugins.values())
    schema = recipe_schema(plugins)

    def is_marked(path: KeyPath) -> bool:
        return any(part.get(MARK) for part in parts_at(schema, document.data, path))

    substitution = substitute(document, is_marked, environment)
    document = substitution.document
    folders = {file.file: file.folder for file in lineage.files}
    grounds = Grounds(lineage.files[-1].folder, folders, _places(document), substitution.leads)
    problems = schema_problems(schema, document, document.data)
    given = _with_step_maps(document.data)
    filled = with_defaults(schema, given)
    if not problems:
        problems = schema_problems(schema, document, filled)
    draft = Draft(document, given, with_absent_keys(schema, filled), plugins, grounds)
    return draft, [*problems, *cross_checks(draft)]


def _places(document: Document) -> dict[str, Place]:
    """The place of every value by its dotted key; a step without options stands also for itself with none."""
    places = {dotted(path): document.place(path) for path in document.values if path}
    steps = document.data.get("preprocessing")
    for index, step in enumerate(steps if isinstance(steps, list) else []):
        if isinstance(step, str):
            places[f"preprocessing[{index}].{step}"] = document.place(("preprocessing", index))
    return places


def _without_echoes(problems: Sequence[Problem]) -> list[Problem]:
    """Each problem once, and no warning about a value that is wrong anyway."""
    wrong = {at for p in problems if p.severity == "error" for at in ((p.file, p.line, p.column), (p.file, p.where))}
    return [
        p
        for p in dict.fromkeys(problems)
        if p.severity == "error" or not {(p.file, p.line, p.column), (p.file, p.where)} & wrong
    ]


def _with_step_maps(data: Mapping[str, Any]) -> dict[str, Any]:
    """A step without options (`- lowercase`) in the form of one with options, so that these can be filled in."""
    steps = data.get("preprocessing")
    if not isinstance(steps, list):
        return dict(data)
    return {**data, "preprocessing": [{step: {}} if isinstance(step, str) else step for step in steps]}
