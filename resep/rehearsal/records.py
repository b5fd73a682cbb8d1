"""What a rehearsal is made of."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from resep.rehearsal.tiny_model import TinyModel

if TYPE_CHECKING:
    from resep.recipe import Recipe

Load = Callable[[Sequence[str]], "Recipe"]  # the recipe with these overrides laid over
Named = tuple[str, str | None]  # a model: its name (a folder by its path), its revision


@dataclass(frozen=True)
class Change:
    """A value that is laid over the recipe's, as `--set` does it. None takes the key away."""

    key: str
    value: Any

    @property
    def override(self) -> str:
        return f"{self.key}={json.dumps(self.value, ensure_ascii=False)}"


@dataclass(frozen=True)
class Note:
    """Something that people are told: what stands in for what, or what is left out."""

    kind: Literal["stands in", "left out"]
    text: str


Part = Iterator[Change | Note]


@dataclass(frozen=True)
class StandIns:
    """What stands in for the models of a recipe: `base`, those that arms name, and for text encoders `encoder`.

    `encoder` is an embedded name or a folder, `encoder_layer` its last layer.
    """

    base: TinyModel
    others: Mapping[Named, TinyModel]
    encoder: str
    encoder_layer: int


@dataclass(frozen=True)
class Rehearsal:
    """The changes that make a recipe into its rehearsal, and what people are told of it."""

    changes: tuple[Change, ...]
    notes: tuple[Note, ...]

    @property
    def overrides(self) -> list[str]:
        return [change.override for change in self.changes]


def removed(recipe: Recipe, *keys: str) -> Iterator[Change]:
    """The keys taken away, those that the recipe has."""
    yield from (Change(key, None) for key in keys if recipe.origin(key) is not None)
