"""Which key was meant by one that the recipe language does not know.

In this order: the name that another tool gives to a key (`lr`, kept beside the key as `x-also`), a key of this name in
another section, a key of a later version (`x-later`), the key here whose name is nearest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from resep.suggest import listed, nearest

Schema = Mapping[str, Any]


def explain_unknown_key(key: str, here: Schema, whole: Schema) -> str:
    """What to say of `key` in a map whose schema is `here`; `whole` is the schema of the recipe."""
    if key in here.get("x-later", ()):
        return "this version of resep does not support this key yet"
    names = _names(here)
    if key in names:
        return f"unknown key; did you mean '{names[key]}'?"
    elsewhere = [place for place, also in _walk(whole, "") if key == place.rpartition(".")[2] or key in also]
    if elsewhere:
        return f"unknown key here; did you mean {listed(repr(place) for place in elsewhere[:3])}?"
    if meant := nearest(key, names):
        return f"unknown key; did you mean '{names[meant]}'?"
    return f"unknown key; known here: {', '.join(here.get('properties', {})) or 'none'}"


def meant_keys(given: Mapping[str, Any], here: Schema) -> set[str]:
    """The keys that the unknown ones of a map were most likely meant to be."""
    names, known = _names(here), here.get("properties", {})
    found = (nearest(key, names) for key in given if key not in known)
    return {names[name] for name in found if name}


def _names(here: Schema) -> dict[str, str]:
    """Every name that a key of this map goes by -> the key."""
    keys: Mapping[str, Schema] = here.get("properties", {})
    also = {other: key for key, schema in keys.items() for other in schema.get("x-also", ())}
    return {**also, **{key: key for key in keys}}


def _walk(node: Schema, prefix: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every key below as a dotted path, with the other names it goes by."""
    for key, child in node.get("properties", {}).items():
        path = f"{prefix}{key}"
        yield path, tuple(child.get("x-also", ()))
        yield from _walk(child, f"{path}.")
