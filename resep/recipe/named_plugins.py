"""The plug-ins that a recipe names, found and described; a name that means none is a problem at its place.

A plug-in is looked for beside the file that names it and beside that file's parents, then among ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from resep.document import Document
from resep.document.places import KeyPath
from resep.errors import Problem, ResepError
from resep.plugins import Plugin, describe, find
from resep.recipe.extends import Lineage
from resep.recipe.habits import habit_of

_SECTIONS = {"preprocessing": "preprocessing", "evaluators": "evaluation.evaluators"}


@dataclass(frozen=True)
class NamedPlugins:
    """By kind and name: `("evaluators", "bertscore")`."""

    plugins: Mapping[tuple[str, str], Plugin]
    problems: tuple[Problem, ...]


def named_plugins(document: Document, lineage: Lineage) -> NamedPlugins:
    """Find every plug-in that the recipe or its parents name."""
    plugins: dict[tuple[str, str], Plugin] = {}
    problems = []
    for kind, name, path in _names(document.data):
        folders = _folders(document.place(path, of_key=True).file, lineage)
        try:
            found = describe(find(kind, name, *folders))
        except ResepError as error:
            problems.append(document.problem(path, _with_habit(kind, name, str(error)), of_key=True))
            continue
        known = plugins.setdefault((kind, name), found)
        if known.path != found.path:
            message = f"'{name}' means {known.path} elsewhere and {found.path} here; give one of them another name"
            problems.append(document.problem(path, message, of_key=True))
    return NamedPlugins(plugins, tuple(problems))


def _with_habit(kind: str, name: str, message: str) -> str:
    """The message, with the name that people mean by one of another tool in place of the nearest spelling."""
    habit = habit_of(name, None, _SECTIONS[kind])
    return f"{message.partition(';')[0]}; write '{habit.key.rpartition('.')[2]}'" if habit and habit.key else message


def _folders(file: str, lineage: Lineage) -> list[Path]:
    return list(dict.fromkeys(ancestor.folder.path for ancestor in lineage.ancestry(file)))


def _names(data: Any) -> Iterator[tuple[str, str, KeyPath]]:
    """(kind, name, where the name stands), whatever else is wrong with the recipe."""
    steps = data.get("preprocessing")
    for index, step in enumerate(steps if isinstance(steps, list) else []):
        if isinstance(step, str):
            yield "preprocessing", step, ("preprocessing", index)
        elif isinstance(step, dict) and len(step) == 1:
            name = next(iter(step))
            yield "preprocessing", name, ("preprocessing", index, name)
    evaluation = data.get("evaluation")
    evaluators = evaluation.get("evaluators") if isinstance(evaluation, dict) else None
    for name in evaluators if isinstance(evaluators, dict) else {}:
        yield "evaluators", name, ("evaluation", "evaluators", name)
