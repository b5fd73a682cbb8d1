"""The plug-ins that a recipe names, found and described; a name that means none is a problem at its place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from resep.document import Document
from resep.document.places import KeyPath
from resep.errors import Problem, ResepError
from resep.plugins import Plugin, describe, find


@dataclass(frozen=True)
class NamedPlugins:
    plugins: tuple[Plugin, ...]
    problems: tuple[Problem, ...]


def named_plugins(document: Document, folder: Path) -> NamedPlugins:
    """Find every plug-in that the recipe names, beside it (`folder`) or among ours."""
    plugins: dict[Path, Plugin] = {}
    problems = []
    for kind, name, path in _names(document.data):
        try:
            file = find(kind, name, folder)
            plugins.setdefault(file, describe(file))
        except ResepError as error:
            problems.append(document.problem(path, str(error), of_key=True))
    return NamedPlugins(tuple(plugins.values()), tuple(problems))


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
