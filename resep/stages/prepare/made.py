"""Rows that steps made from others."""

from __future__ import annotations

from dataclasses import dataclass, field

from resep.stages.prepare.batch import Kept


@dataclass
class Made:
    """Rows that steps made: those that stay, and those that a step of the recipe dropped, with its name and reason."""

    kept: dict[str, Kept] = field(default_factory=dict)
    dropped: list[tuple[Kept, str, str]] = field(default_factory=list)
