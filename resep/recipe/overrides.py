"""`--set a.b[0].c=value` laid over a recipe: the value is read as YAML, and problems point into the argument itself.

`null` removes a key, as in a child recipe. The result is a Document like any other, so that an unknown key or a wrong
value gets the same message as in the file, with `--set #1` for its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from resep.document import Document, parse
from resep.document.places import KeyPath, Place, dotted
from resep.errors import Problem
from resep.suggest import did_you_mean

_SEGMENT = re.compile(r"\[(\d{1,6})\]|\.?([^.\[\]=\s]+)")
_DOTTED_KEYS = {"expect"}  # sections whose keys have dots of their own: expect.order_accuracy.delta


class _Refused(Exception):
    """An override that cannot be laid over the recipe, and the offset in its text where the reason stands."""

    def __init__(self, message: str, offset: int = 0) -> None:
        super().__init__(message)
        self.offset = offset


@dataclass(frozen=True)
class Override:
    """One argument: the key's path, the offset in the text of each part of it, and the value as a document."""

    label: str
    text: str
    path: KeyPath
    offsets: tuple[int, ...]
    value: Document


def read_overrides(texts: Sequence[str], label: str = "") -> tuple[list[Override], list[Problem]]:
    """What the arguments of `--set` say, and what is wrong with those that cannot be read.

    `label`: the origin of their values, where they were not typed: for each of them `--set #1` and so on.
    """
    overrides, problems = [], []
    for number, text in enumerate(texts, 1):
        origin = label or f"--set #{number}"
        try:
            overrides.append(_read(origin, text))
        except _Refused as refused:
            problems.append(_problem(origin, text, refused))
    return overrides, problems


def overlay(document: Document, overrides: Iterable[Override]) -> Document:
    """The document with every override laid over it, in order. One that does not fit is a problem of the document."""
    for override in overrides:
        try:
            document = _lay_over(document, override)
        except _Refused as refused:
            problem = _problem(override.label, override.text, refused)
            document = replace(document, problems=(*document.problems, problem))
    return document


def _problem(label: str, text: str, refused: _Refused) -> Problem:
    return Problem(label, 1, refused.offset + 1, "", str(refused), source=text)


def _read(label: str, text: str) -> Override:
    key, equals, value_text = text.partition("=")
    if not equals:
        raise _Refused("expected KEY=VALUE, for example training.learning_rate=1e-4")
    path, offsets = _read_key(key)
    if not value_text.strip():
        raise _Refused("there is no value; null removes the key, '' is the empty text", len(key) + 1)
    value = _moved(parse(value_text, label), text, len(key) + 1)
    if any(problem.severity == "error" for problem in value.problems):
        first = next(problem for problem in value.problems if problem.severity == "error")
        raise _Refused(first.message, max(first.column - 1, 0))
    return Override(label, text, path, offsets, value)


def _read_key(key: str) -> tuple[KeyPath, tuple[int, ...]]:
    """`a.b[0]` -> ("a", "b", 0) and where in the text each of them begins."""
    parts: list[str | int] = []
    offsets: list[int] = []
    at = 0
    while at < len(key):
        match = _SEGMENT.match(key, at)
        if match is None or (not parts and key.startswith((".", "["))):
            raise _Refused("a key is written like training.learning_rate or data.sources[0].path", at)
        parts.append(int(match[1]) if match[1] else match[2])
        offsets.append(match.start(1) if match[1] else match.start(2))
        at = match.end()
        if parts[0] in _DOTTED_KEYS and len(parts) == 1 and key[at : at + 1] == ".":
            parts.append(key[at + 1 :])
            offsets.append(at + 1)
            break
    if not parts:
        raise _Refused("there is no key before the '='")
    return tuple(parts), tuple(offsets)


def _moved(value: Document, text: str, by: int) -> Document:
    """The value's places and problems, as columns of the whole argument."""

    def move(place: Place) -> Place:
        typed = replace(place, typed=True)
        return replace(typed, column=place.column + by, source=text) if place.line == 1 else typed

    problems = (replace(p, column=p.column + by, source=text) if p.line == 1 else p for p in value.problems)
    return replace(
        value,
        values={path: move(place) for path, place in value.values.items()},
        keys={path: move(place) for path, place in value.keys.items()},
        problems=tuple(problems),
    )


def _lay_over(document: Document, override: Override) -> Document:
    data = _copied(document.data)
    parent = _parent(data, override)
    kept = replace(
        document,
        data=data,
        values=_without(document.values, override.path),
        keys=_without(document.keys, override.path),
        problems=(*document.problems, *(replace(p, where=dotted(override.path)) for p in override.value.problems)),
    )
    if override.value.data is None:
        _remove(parent, override)
        return kept
    last = override.path[-1] if isinstance(parent, dict) else _index(parent, override, len(override.path) - 1)
    parent[last] = override.value.data
    at = Place(override.label, 1, override.offsets[-1] + 1, override.text, typed=True)
    made = {override.path[:depth]: at for depth in range(1, len(override.path))}  # sections that were not there
    return replace(
        kept,
        values={**made, **kept.values, **_prefixed(override.value.values, override.path)},
        keys={**made, **kept.keys, override.path: at, **_prefixed(override.value.keys, override.path)},
    )


def _parent(data: Any, override: Override) -> Any:
    """The map or list that holds the key; sections on the way that the recipe does not have are made."""
    node = data
    for depth, part in enumerate(override.path[:-1]):
        if isinstance(node, dict) and isinstance(part, str):
            if node.get(part) is None:
                node[part] = {}
            node = node[part]
        else:
            index = _index(node, override, depth)
            if node[index] == override.path[depth + 1]:
                node[index] = {node[index]: {}}  # a step without options gets some: preprocessing[1].lowercase.fields
            node = node[index]
    if not isinstance(node, dict | list) or (isinstance(node, dict) and isinstance(override.path[-1], int)):
        raise _not_there(override, len(override.path) - 1)
    return node


def _index(node: Any, override: Override, depth: int) -> int:
    part = override.path[depth]
    if not isinstance(node, list) or not isinstance(part, int):
        raise _not_there(override, depth)
    if part >= len(node):
        count = "1 item" if len(node) == 1 else f"{len(node)} items"
        message = f"{dotted(override.path[:depth])} has {count}, counted from 0"
        raise _Refused(message, override.offsets[depth])
    return part


def _not_there(override: Override, depth: int) -> _Refused:
    part, above = override.path[depth], dotted(override.path[:depth]) or "the recipe"
    kind = "list" if isinstance(part, int) else "map with keys (an item of a list is written [0])"
    return _Refused(f"{above} is no {kind}", override.offsets[depth])


def _remove(parent: Any, override: Override) -> None:
    last = override.path[-1]
    if isinstance(parent, dict) and last in parent:
        del parent[last]
    elif isinstance(parent, dict):
        hint = did_you_mean(str(last), parent)
        raise _Refused(f"{dotted(override.path)} is not in the recipe: nothing to remove{hint}", override.offsets[-1])
    else:
        raise _Refused("null removes keys, not the items of a list; set the whole list", override.offsets[-1])


def _prefixed(places: Mapping[KeyPath, Place], path: KeyPath) -> dict[KeyPath, Place]:
    return {(*path, *inner): place for inner, place in places.items()}


def _without(places: Mapping[KeyPath, Place], path: KeyPath) -> dict[KeyPath, Place]:
    return {other: place for other, place in places.items() if other[: len(path)] != path}


def _copied(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _copied(value) for key, value in data.items()}
    return [_copied(item) for item in data] if isinstance(data, list) else data
