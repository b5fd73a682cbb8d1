"""Two values of JSON against each other, entry by entry."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

_RELATIVE, _ABSOLUTE = 1e-9, 1e-12


@dataclass(frozen=True)
class Difference:
    """One entry, by its path, as stored and as it follows from the rest of the folder."""

    path: str
    stored: Any
    again: Any

    def below(self, path: str) -> Difference:
        return replace(self, path=f"{path}.{self.path}")


def differences(stored: Any, again: Any, tolerance: float = _ABSOLUTE) -> tuple[list[Difference], int]:
    """What differs, and how many entries were compared. Numbers count as one up to `tolerance`."""
    leaves = list(_leaves(stored, again, ()))
    apart = [leaf for leaf in leaves if not _same(leaf[1], leaf[2], tolerance)]
    return [Difference(".".join(path), before, after) for path, before, after in apart], len(leaves)


Path = tuple[str, ...]


def _leaves(stored: Any, again: Any, path: Path) -> Iterator[tuple[Path, Any, Any]]:
    """Every entry of `stored` with its counterpart; what is a map or list on one side only stays whole."""
    if isinstance(stored, dict) and isinstance(again, dict):
        for key in dict.fromkeys([*stored, *again]):
            yield from _leaves(stored.get(key), again.get(key), (*path, str(key)))
    elif isinstance(stored, list) and isinstance(again, list) and len(stored) == len(again):
        for index, (before, after) in enumerate(zip(stored, again, strict=True)):
            yield from _leaves(before, after, (*path, str(index)))
    else:
        yield path, stored, again


def _same(stored: Any, again: Any, tolerance: float) -> bool:
    if isinstance(stored, bool) or isinstance(again, bool):
        return stored is again
    numbers = isinstance(stored, float | int) and isinstance(again, float | int)
    return math.isclose(stored, again, rel_tol=_RELATIVE, abs_tol=tolerance) if numbers else bool(stored == again)
