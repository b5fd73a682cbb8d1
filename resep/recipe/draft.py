"""A recipe on its way to being one, and what a check across its keys finds."""

from __future__ import annotations

import os.path
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from resep.document import Document
from resep.document.places import KeyPath, dotted
from resep.plugins import Plugin
from resep.recipe.paths import Grounds

Number = (int, float)


@dataclass(frozen=True)
class Draft:
    """A recipe on its way: `given` is what the user wrote, `data` the same with every default filled in."""

    document: Document
    given: Mapping[str, Any]
    data: Mapping[str, Any]
    plugins: tuple[Plugin, ...]
    grounds: Grounds

    def value(self, dotted: str, kind: type | tuple[type, ...] = object) -> Any:
        """The value of a key, defaults included; None where it is absent or not of this kind."""
        return _value(self.data, dotted, kind)

    def sources(self) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """(index, source) of every source that is written as one."""
        for index, source in enumerate(self.value("data.sources", list) or []):
            if isinstance(source, dict):
                yield index, source

    def steps(self) -> Iterator[tuple[int, tuple[str, Mapping[str, Any]]]]:
        """(index, (name, options)) of every step that is written as one."""
        for index, step in enumerate(self.value("preprocessing", list) or []):
            if isinstance(step, dict) and len(step) == 1:
                name, options = next(iter(step.items()))
                yield index, (name, options if isinstance(options, dict) else {})

    def escape(self, path: KeyPath) -> str | None:
        """Why the path that stands at this key leads where a recipe may not, or None where it does not."""
        text = _at(self.data, path)
        return self.grounds.complaint(dotted(path), text) if isinstance(text, str) else None

    def is_folder(self, path: KeyPath) -> bool:
        """Whether the path that stands at this key is a folder on this machine."""
        text = _at(self.data, path)
        return isinstance(text, str) and os.path.isdir(self.grounds.path(dotted(path), text))  # noqa: PTH112  Path.is_dir raises for names that are too long, or forbidden

    def undoing(self, path: KeyPath) -> str:
        """`; 'split: {by: null}' in child.yaml takes it out`, where the key at this path is inherited; else nothing."""
        place = self.document.place(path)
        keys = path[:-1] if isinstance(path[-1], int) else path
        if place.file == self.document.file or place.typed or any(isinstance(key, int) for key in keys):
            return ""
        text = "null"
        for key in reversed(keys):
            text = f"{{{key}: {text}}}"
        return f"; '{text[1:-1]}' in {self.document.file} takes it out"

    def has(self, dotted: str) -> bool:
        """Whether the user wrote this key, rather than leaving it to its default."""
        return _value(self.given, dotted, object) is not None


@dataclass(frozen=True)
class Finding:
    path: KeyPath
    message: str
    severity: Literal["error", "warning"] = "error"
    of_key: bool = False


Check = Callable[[Draft], Iterator[Finding]]


def _at(data: Any, path: KeyPath) -> Any:
    for part in path:
        data = data[part]
    return data


def _value(data: Any, dotted: str, kind: type | tuple[type, ...]) -> Any:
    for part in dotted.split("."):
        if not isinstance(data, Mapping) or part not in data:
            return None
        data = data[part]
    is_wanted = isinstance(data, kind) and not (isinstance(data, bool) and kind in (int, Number))
    return data if is_wanted else None
