"""Looking into a recipe's resolved data by path, and making a copy of it with one value changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from resep.document.places import KeyPath


class Absent:
    """No key at all, as against null."""

    def __repr__(self) -> str:
        return "absent"


ABSENT: Final = Absent()


def value_at(data: Any, path: KeyPath) -> Any:
    """The value at `path`, ABSENT where there is none."""
    for name in path:
        is_there = name in data if isinstance(data, Mapping) else isinstance(data, list) and name in range(len(data))
        if not is_there:
            return ABSENT
        data = data[name]
    return data


def with_value_at(data: Any, path: KeyPath, value: Any) -> Any:
    """A copy of `data` with this value at `path`; ABSENT takes the key away, or the item out of the list.

    Maps that are missing on the way are made; an index one past the end of a list appends.
    """
    if not path:
        return value
    first, rest = path[0], path[1:]
    if isinstance(first, int):
        items = list(data or ())
        changed = with_value_at(items[first] if first < len(items) else {}, rest, value)
        return [*items[:first], *([] if changed is ABSENT else [changed]), *items[first + 1 :]]
    inner = with_value_at((data or {}).get(first), rest, value)
    others = dict(data or {})
    if inner is ABSENT:
        others.pop(first, None)
        return others
    return {**others, first: inner}
