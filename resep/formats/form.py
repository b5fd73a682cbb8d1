"""What a format is: the fields that it reads, and how it makes ours from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Read = Callable[[Mapping[str, Any], Mapping[str, str]], dict[str, Any]]


@dataclass(frozen=True)
class Form:
    """One format of rows. `fields` (ours: theirs) every row has, `optional` it may have.

    `read` makes our text fields from a raw row and the names (ours: theirs) of its fields; it raises BadRowError.
    `takes`: further names of ours that it reads where the recipe maps them. `wants`: in words, what a row looks like.
    """

    wants: str
    fields: Mapping[str, str]
    read: Read
    optional: Mapping[str, str] = field(default_factory=dict)
    takes: frozenset[str] = frozenset()

    @property
    def own(self) -> frozenset[str]:
        """The names of ours that the format reads itself; all others are metadata."""
        return frozenset({*self.fields, *self.optional, *self.takes, "id"})
