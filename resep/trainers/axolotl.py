"""Axolotl trains on this machine: rows become tokens, the converter's YAML its config."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from resep.preflight.cost import estimate
from resep.preflight.cost_in_words import lines
from resep.preflight.model import model_findings
from resep.stages import configure, tokenise, train

if TYPE_CHECKING:
    from resep.hardware import Profile
    from resep.models import Model
    from resep.preflight.cost import Tokens
    from resep.preflight.rate import Rate
    from resep.recipe import Recipe
    from resep.recipe.draft import Finding
    from resep.store import Stage


def stages(recipe: Recipe, profile: Profile, model: Model, axolotl_python: str) -> list[Stage]:
    return [
        tokenise.stage(recipe, model),
        configure.stage(recipe, profile, model),
        train.stage(recipe, profile, model, axolotl_python),
    ]


def findings(recipe: Recipe) -> Iterable[Finding]:
    return model_findings(recipe)


def foresee(recipe: Recipe, counted: Tokens, profile: Profile, rate: Rate | None) -> Iterable[tuple[str, str]]:
    return lines(recipe, counted, estimate(recipe, counted, profile, rate))
