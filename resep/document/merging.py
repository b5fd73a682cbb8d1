"""One document laid over another: maps merge deeply, everything else is replaced, null deletes.

Every value keeps the place that it came from. Without nulls, and where a key is a map in all documents or in none,
merging is associative.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from resep.document import Document
from resep.document.places import KeyPath, Place
from resep.suggest import did_you_mean


def merge(below: Document, above: Document) -> Document:
    """`above` laid over `below`, both maps. A null that deletes nothing is a problem, at its place in `above`."""
    changes = _Changes()
    data = _merged(below.data, above.data, (), changes)
    strays = [
        above.problem(path, _nothing_to_delete(str(path[-1]), known), of_key=True) for path, known in changes.strays
    ]
    return replace(
        above,
        data=data,
        values={**_without(below.values, changes.replaced), **_without(above.values, changes.deleted)},
        keys={**_without(below.keys, changes.replaced), **_without(above.keys, changes.deleted)},
        problems=(*below.problems, *above.problems, *strays),
    )


def without_key(document: Document, key: str) -> Document:
    """The document without one of its outermost keys."""
    if key not in document.data:
        return document
    return replace(
        document,
        data={other: value for other, value in document.data.items() if other != key},
        values=_without(document.values, {(key,)}),
        keys=_without(document.keys, {(key,)}),
    )


class _Changes:
    """Paths that change on the way: replaced ones of the lower document, nulls of the upper, nulls without a use."""

    def __init__(self) -> None:
        self.replaced: set[KeyPath] = set()
        self.deleted: set[KeyPath] = set()
        self.strays: list[tuple[KeyPath, Iterable[str]]] = []


def _merged(below: Mapping[str, Any], above: Mapping[str, Any], path: KeyPath, changes: _Changes) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        here = (*path, key)
        if isinstance(value, dict) and isinstance(below.get(key), dict):
            merged[key] = _merged(below[key], value, here, changes)
            continue
        changes.replaced.add(here)
        if value is not None:
            merged[key] = value
            continue
        changes.deleted.add(here)
        if key not in merged:
            changes.strays.append((here, below))
        merged.pop(key, None)
    return merged


def _without(places: Mapping[KeyPath, Place], roots: set[KeyPath]) -> dict[KeyPath, Place]:
    """The places that are neither one of the roots nor below one."""
    if not roots:
        return dict(places)
    return {
        path: place
        for path, place in places.items()
        if not any(path[:length] in roots for length in range(1, len(path) + 1))
    }


def _nothing_to_delete(key: str, known: Iterable[str]) -> str:
    hint = did_you_mean(key, known) or "; leave it out, or give it a value ({} for all defaults)"
    return f"null deletes what a parent says, and no parent says anything of '{key}'{hint}"
