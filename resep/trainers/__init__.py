"""What a trainer decides: its stages between `prepare` and `generate`, and what is foreseen of a training.

One module per value of `training.trainer`, each with the functions of `Trainer`. The stages are called tokenise,
configure and train whoever trains, and leave the same kinds of files: what comes before and after knows no trainer.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from resep.hardware import Profile
    from resep.models import Model
    from resep.preflight.cost import Tokens
    from resep.preflight.rate import Rate
    from resep.recipe import Recipe
    from resep.recipe.draft import Finding
    from resep.store import Stage


class Trainer(Protocol):
    """What a module of this package has."""

    def stages(self, recipe: Recipe, profile: Profile, model: Model, axolotl_python: str) -> list[Stage]:
        """tokenise, configure, train."""

    def findings(self, recipe: Recipe) -> Iterable[Finding]:
        """What the base model and this environment say against the recipe, before anything runs."""

    def foresee(
        self, recipe: Recipe, counted: Tokens, profile: Profile, rate: Rate | None
    ) -> Iterable[tuple[str, str]]:
        """(what, in words) for a plan, from what tokenise counted."""


def trainer_of(recipe: Recipe) -> Trainer:
    """The recipe's trainer. Its module is imported now: a plan for one trainer needs nothing of another."""
    return cast(Trainer, import_module(f"resep.trainers.{recipe['training.trainer']}"))
