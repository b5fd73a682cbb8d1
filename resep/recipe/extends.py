"""`extends:`: a recipe laid over the recipes that it builds on, each value with the file and line that it came from.

Later parents win over earlier ones, and a child over all of them. A file that is reached twice counts once, below
everything that extends it: two parents that build on a third do not undo each other with what the third says.
"""

from __future__ import annotations

import os.path
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any

from resep.document import Document
from resep.document.merging import merge, without_key
from resep.document.places import KeyPath, Place
from resep.errors import Problem
from resep.recipe.files import Fetch, RecipeFile, Refused, parent_file, read_recipe
from resep.recipe.remote import holds_credentials

MOST_LEVELS = 8
MOST_FILES = 32


@dataclass(frozen=True)
class Lineage:
    """A recipe and all that it extends. `document` is the whole, merged; its data is None where a file is missing.

    `files` are in the order in which they are laid over each other: the furthest parent first, the recipe last.
    """

    document: Document
    files: tuple[RecipeFile, ...]

    def explained(self, problem: Problem) -> Problem:
        """The problem; one that stands in a parent also says which recipe extends it."""
        chain = ", by ".join(map(str, _chain(self._by_name(), problem.file)))
        return replace(problem, message=f"{problem.message} (extended by {chain})") if chain else problem

    def ancestry(self, file: str) -> Iterator[RecipeFile]:
        """The file of this name and all that it extends, the nearest first. A name that is none means the recipe."""
        known = self._by_name()
        waiting, seen = [file if file in known else self.files[-1].file], set()
        while waiting:
            name = waiting.pop(0)
            if name not in seen and name in known:
                seen.add(name)
                yield known[name]
                waiting.extend(reversed(known[name].extends))

    def _by_name(self) -> dict[str, RecipeFile]:
        return {file.file: file for file in self.files}


def gather(recipe: RecipeFile, document: Document, fetch: Fetch | None = None) -> Lineage:
    """Read all that the recipe in `document` extends, and merge it. Everything wrong is a problem of the result."""
    walk = _Walk(fetch)
    walk.visit(recipe, document, ())
    documents = [without_key(document, "extends") for document in walk.documents if isinstance(document.data, dict)]
    problems = tuple(problem for document in walk.documents for problem in document.problems)
    if len(documents) < len(walk.documents) or any(problem.severity == "error" for problem in walk.problems):
        return Lineage(Document(recipe.file, None, problems=(*problems, *walk.problems)), tuple(walk.files.values()))
    return Lineage(reduce(merge, documents), tuple(walk.files.values()))


@dataclass
class _Walk:
    """What was read so far, each file after those it extends. Files are known by where they lie, links resolved."""

    fetch: Fetch | None
    files: dict[str, RecipeFile] = field(default_factory=dict)
    documents: list[Document] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def visit(self, file: RecipeFile, document: Document, above: Sequence[RecipeFile]) -> None:
        parents = [
            name
            for path, parent in _named(document, self.problems)
            if (name := self._parent(document, path, parent, (*above, file)))
        ]
        self.files[_identity(file)] = replace(file, extends=tuple(parents))
        self.documents.append(document)

    def _parent(self, document: Document, path: KeyPath, name: str, line: Sequence[RecipeFile]) -> str | None:
        """Read the parent and all above it, unless that was done; its name, or None with a problem reported."""
        try:
            parent = parent_file(name, line[-1], document.place(path), self.fetch)
            self._check(parent, line)
        except Refused as refused:
            problem = document.problem(path, str(refused))
            self.problems.append(replace(problem, source="") if holds_credentials(name) else problem)
            return None
        known = self.files.get(_identity(parent))
        if known is None:
            read, sha256 = read_recipe(parent)
            self.visit(replace(parent, sha256=sha256), read, line)
        return (known or parent).file

    def _check(self, parent: RecipeFile, line: Sequence[RecipeFile]) -> None:
        names = [file.file for file in line]
        for at, file in enumerate(line):
            if _identity(file) == _identity(parent):
                raise Refused(f"a circle of recipes that extend each other: {' -> '.join([*names[at:], names[at]])}")
        if len(line) > MOST_LEVELS:
            raise Refused(f"more than {MOST_LEVELS} levels of parents")
        if len(self.files) + len(line) > MOST_FILES:
            raise Refused(f"more than {MOST_FILES} files")


def _named(document: Document, problems: list[Problem]) -> Iterator[tuple[KeyPath, str]]:
    """(path, name) of every parent that the document names; what is no name is a problem."""
    data: Any = document.data if isinstance(document.data, dict) else {}
    if "extends" not in data:
        return
    given = data["extends"]
    if given == []:
        problems.append(document.problem(("extends",), "must not be an empty list; leave extends out"))
    if isinstance(given, list) and len(given) > MOST_FILES:
        problems.append(document.problem(("extends",), f"more than {MOST_FILES} files"))
        return
    names = enumerate(given) if isinstance(given, list) else [(None, given)]
    for index, name in names:
        at = ("extends",) if index is None else ("extends", index)
        if isinstance(name, str) and name:
            yield at, name
        else:
            message = "expected the name of a recipe: a path such as base.yaml, or one that came with resep"
            problems.append(document.problem(at, message))


def _identity(file: RecipeFile) -> str:
    return os.path.realpath(file.path)


def _chain(files: Mapping[str, RecipeFile], file: str) -> Iterator[Place]:
    """The entries of `extends` that led to a file, from the nearest to the recipe's own."""
    while file in files and (place := files[file].named):
        yield place
        file = place.file
