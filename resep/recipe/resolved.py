"""A recipe as a value: what stages and commands read, and where each of its values was written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from resep.document.places import Place
from resep.errors import Problem
from resep.plugins import find, is_shipped
from resep.plugins.source import RESERVED
from resep.recipe.arms import arms
from resep.recipe.files import RecipeFile
from resep.recipe.paths import Grounds

DEFAULT_FIELDS = ("prompt", "response")
_PART = re.compile(r"\[(\d+)\]|\.?([^.\[\]]+)")


@dataclass(frozen=True)
class StepSpec:
    """One preprocessing step: all its options, and the fields of a row that it changes.

    `file` is the plug-in where one beside the recipe is meant; None: the shipped one of this name.
    """

    name: str
    options: Mapping[str, Any]
    fields: tuple[str, ...] = DEFAULT_FIELDS
    file: Path | None = None


@dataclass(frozen=True)
class Recipe:
    """A recipe without problems. `data` is resolved: every default is filled in, an absent optional key is None.

    `folder` is the recipe's (absolute), `files` the recipe and all that it extends, the furthest parent first.
    `foreign_plugins` are the code that came with them and that the reader has to trust before it runs.
    """

    path: Path
    folder: Path
    data: Mapping[str, Any]
    warnings: tuple[Problem, ...]
    grounds: Grounds
    files: tuple[RecipeFile, ...] = ()
    plugins: Mapping[tuple[str, str], Path] = field(default_factory=dict)

    def __getitem__(self, dotted: str) -> Any:
        """The value of a key: `seed`, `data.sources[0].path`. A KeyError is our bug, not the user's."""
        value: Any = self.data
        for index, name in _PART.findall(dotted):
            try:
                value = value[int(index) if index else name]
            except (KeyError, IndexError, TypeError):
                raise KeyError(dotted) from None
        return value

    @property
    def steps(self) -> tuple[StepSpec, ...]:
        """The preprocessing steps, in their order."""
        return tuple(_steps(self.data["preprocessing"], self.plugins))

    @property
    def evaluators(self) -> Mapping[str, Mapping[str, Any]]:
        """Name of an evaluator -> all its options."""
        evaluators: Mapping[str, Mapping[str, Any]] = self.data["evaluation"]["evaluators"]
        return evaluators

    @property
    def arms(self) -> Mapping[str, Mapping[str, Any]]:
        """Name of an arm -> its options, those of `base` and its like spelt out (resep/recipe/arms.py)."""
        return arms(self.data["generation"]["arms"])

    @property
    def parents(self) -> tuple[RecipeFile, ...]:
        """The files that this recipe extends, directly or not, the furthest first."""
        return self.files[:-1]

    @property
    def foreign_plugins(self) -> tuple[Path, ...]:
        """The plug-ins that came with the recipe or its parents: code, which runs only if the person says so."""
        return tuple(dict.fromkeys(path for path in self.plugins.values() if not is_shipped(path)))

    def pick(self, *dotted: str) -> dict[str, Any]:
        """`{"training.learning_rate": 0.001, ...}`: what steers a stage. A section becomes all keys below it."""
        return dict(leaf for name in dotted for leaf in _leaves(name, self[name]))

    def origin(self, dotted: str) -> Place | None:
        """Where the value of a key was written: in this file, in a parent, in a `--set`. None: it is a default."""
        return self.grounds.places.get(dotted)

    def locate(self, dotted: str) -> Path:
        """The file or folder that the path at a key means, for example at `data.sources[0].path`.

        It is relative to the file that names it, and below it; one that was typed is relative to the current folder
        and may be anywhere. Raises ResepError for a path that leads out of its folder.
        """
        return self.grounds.locate(dotted, str(self[dotted]))

    def plugin(self, kind: str, name: str) -> Path:
        """The file of a plug-in that the recipe names: beside the file that names it or its parents, else ours."""
        return self.plugins.get((kind, name)) or find(kind, name)


def _steps(
    preprocessing: Sequence[Mapping[str, Mapping[str, Any]]], plugins: Mapping[tuple[str, str], Path]
) -> Iterator[StepSpec]:
    for step in preprocessing:
        for name, options in step.items():
            own = {option: value for option, value in options.items() if option != RESERVED}
            file = plugins.get(("preprocessing", name))
            fields = tuple(options.get(RESERVED, DEFAULT_FIELDS))
            yield StepSpec(name, own, fields, None if file is None or is_shipped(file) else file)


def _leaves(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if not isinstance(value, Mapping) or not value:
        yield name, value
        return
    for key, inner in value.items():
        yield from _leaves(f"{name}.{key}", inner)
