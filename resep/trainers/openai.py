"""A service with OpenAI's fine-tuning API trains: rows are checked, sent and followed, the model stays there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from resep.hosted import configuring, foreseen, formatting, training
from resep.hosted.service import Service, service_of

if TYPE_CHECKING:
    from resep.hardware import Profile
    from resep.models import Model
    from resep.preflight.cost import Tokens
    from resep.preflight.rate import Rate
    from resep.recipe import Recipe
    from resep.recipe.draft import Finding
    from resep.store import Stage


def stages(recipe: Recipe, profile: Profile, model: Model, axolotl_python: str) -> list[Stage]:  # noqa: ARG001
    service = _service(recipe)
    return [formatting.stage(recipe), configuring.stage(recipe, profile), training.stage(recipe, service)]


def findings(recipe: Recipe) -> Iterable[Finding]:
    return foreseen.findings(_service(recipe))


def foresee(
    recipe: Recipe,
    counted: Tokens,
    profile: Profile,  # noqa: ARG001
    rate: Rate | None,  # noqa: ARG001
) -> Iterable[tuple[str, str]]:
    return foreseen.lines(recipe, counted)


def _service(recipe: Recipe) -> Service:
    service = service_of(recipe)
    assert service is not None, "a recipe with this trainer names a service"
    return service
