"""The resolved recipe, value by value, each with the file and line behind it; as text, readable at 100 columns."""

from __future__ import annotations

import os.path
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from resep.document.inline import inline
from resep.document.places import KeyPath, Place, dotted
from resep.paths import data_folder
from resep.recipe import Recipe
from resep.recipe.keys import merged, without_absent
from resep.recipe.schema import RecipeSchema, parts_at
from resep.recipe.values import value_at

WIDTH = 100
_COMMIT = re.compile(r"@([0-9a-f]{7})[0-9a-f]{33}")


@dataclass(frozen=True)
class Entry:
    """One value: a scalar, a list of scalars, or a map without keys. `origin` is None where it is a default."""

    path: KeyPath
    value: Any
    origin: Place | None


@dataclass(frozen=True)
class Line:
    """One line of the listing. `entry` is the value on it; the line that opens a section has none."""

    text: str
    entry: Entry | None = None


@dataclass(frozen=True)
class Listing:
    """A recipe, or one section of it, to be shown in the order of the recipe language."""

    recipe: Recipe
    schema: RecipeSchema
    path: KeyPath = ()

    def entries(self) -> list[Entry]:
        """Every value that is set. A step with options is shown with its origin, but it is its options."""
        found = [line.entry for line in self._lines(value_at(self._data, self.path), self.path, 0) if line.entry]
        return [entry for entry in found if entry.value != {} or not value_at(self._data, entry.path)]

    def __str__(self) -> str:
        lines = [*self._lines(value_at(self._data, self.path), self.path, 0)]
        labels = [label(self.recipe, line.entry.origin) for line in lines if line.entry]
        room = WIDTH - 2 - max(map(len, labels), default=0)
        column = min(room, max((len(line.text) for line in lines), default=0)) + 2
        return "\n".join(self._printed(line, column) for line in (lines if self.path else _with_gaps(lines)))

    @cached_property
    def _data(self) -> Any:
        return without_absent(self.recipe.data)

    def _printed(self, line: Line, column: int) -> str:
        if line.entry is None:
            return line.text
        return f"{shortened(line.text, column - 2):<{column}}{label(self.recipe, line.entry.origin)}"

    def _lines(self, node: Any, path: KeyPath, indent: int) -> Iterator[Line]:
        pad = " " * indent
        if isinstance(node, Mapping):
            for key in self._ordered(node, path):
                yield from self._named(f"{pad}{key}:", node[key], (*path, key), indent)
            return
        for index, item in enumerate(node):
            here = (*path, index)
            first, *rest = self._item(item, here, indent + 2)
            yield Line(f"{pad}- {first.text.lstrip()}", first.entry)
            yield from rest

    def _named(self, name: str, value: Any, path: KeyPath, indent: int) -> Iterator[Line]:
        if self._is_leaf(value, path, room=WIDTH - 25 - len(name)):
            yield Line(f"{name} {inline(value)}", self._entry(value, path))
        else:
            yield Line(name)
            yield from self._lines(value, path, indent + 2)

    def _item(self, item: Any, path: KeyPath, indent: int) -> Sequence[Line]:
        """An item of a list. A step that is used as it comes is its name, and what it defaults to."""
        if not isinstance(item, Mapping):
            return [Line(inline(item), self._entry(item, path))]
        [*names] = item
        if len(names) > 1 or item[names[0]]:
            first, *rest = self._lines(item, path, indent)
            is_step = len(names) == 1
            return [Line(first.text, self._entry({}, (*path, names[0]))) if is_step else first, *rest]
        return [Line(names[0], self._entry({}, (*path, names[0])))]

    def _is_leaf(self, value: Any, path: KeyPath, room: int) -> bool:
        """A list of scalars takes one line where it fits there and comes from one file."""
        if isinstance(value, Mapping):
            return not value
        if not isinstance(value, list) or not value:
            return True
        if any(isinstance(item, Mapping | list) for item in value) or len(inline(value)) > room:
            return False
        whole = self.recipe.origin(dotted(path))
        items = (self.recipe.origin(dotted((*path, index))) for index in range(len(value)))
        return {item.file for item in items if item} <= {whole.file if whole else ""}

    def _ordered(self, node: Mapping[str, Any], path: KeyPath) -> list[str]:
        """Keys of the recipe language in its order, the user's own in theirs."""
        whole = merged(parts_at(self.schema, self._data, path))
        order = list(whole.get("properties", ())) if whole.get("additionalProperties") is False else []
        return sorted(node, key=lambda key: order.index(key) if key in order else len(order))

    def _entry(self, value: Any, path: KeyPath) -> Entry:
        return Entry(path, value, self.recipe.origin(dotted(path)))


def _with_gaps(lines: Sequence[Line]) -> Iterator[Line]:
    """An empty line before and after each section."""
    for before, line in zip([None, *lines], lines, strict=False):
        starts = not line.text.startswith(" ")
        if before and starts and (line.entry is None or before.text.startswith(" ")):
            yield Line("")
        yield line


def label(recipe: Recipe, origin: Place | None) -> str:
    """`recipe.yaml:12`, `base/small.yaml:7`, `--set #1` or `default`: a place as short as it can be understood."""
    if origin is None:
        return "default"
    file = Path(origin.file).absolute()
    if origin.typed or not file.is_file():
        return _COMMIT.sub(r"@\1", str(origin))
    shipped = data_folder("recipes").absolute()
    is_ours = file.is_relative_to(shipped) and not file.is_relative_to(recipe.folder)
    return f"{os.path.relpath(file, shipped if is_ours else recipe.folder)}:{origin.line}"


def shortened(text: str, room: int) -> str:
    """The text on one line of at most `room` characters."""
    return text if len(text) <= room else text[: max(1, room - 1)] + "…"
