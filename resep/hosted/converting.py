"""A recipe for one trainer, as a recipe for another: what has to be said, and what has no meaning there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from resep import plugins
from resep.document.inline import inline
from resep.hosted.service import OPENAI
from resep.recipe.arms import placed_arms, source_of
from resep.recipe.checks.hosted import OF_THIS_MACHINE

if TYPE_CHECKING:
    from resep.recipe import Recipe

_CUT = ("truncate_prompt", "truncate_response")


def overrides_for(recipe: Recipe, trainer: str) -> list[str]:
    """`--set` overrides that make the recipe one for this trainer; none where it is."""
    if trainer == recipe["training.trainer"]:
        return []
    foreign = _foreign_to_a_service(recipe) if trainer == OPENAI else ["training.openai"]
    written = [f"{key}=null" for key in foreign if recipe.origin(key)]
    changed = list(_changed_for_a_service(recipe)) if trainer == OPENAI else []
    return [f"training.trainer={trainer}", *written, *changed]


def _foreign_to_a_service(recipe: Recipe) -> Iterator[str]:
    yield from (f"training.{key}" for key in (*OF_THIS_MACHINE, "learning_rate"))
    yield from ("model.revision", "prompt.chat_template", "compute.price_per_hour")
    for name in recipe.evaluators:
        if "models" in plugins.describe(recipe.plugin("evaluators", name)).needs:
            yield f"evaluation.evaluators.{name}"


def _changed_for_a_service(recipe: Recipe) -> Iterator[str]:
    entries = recipe["generation.arms"]
    there = [
        entries[index]
        for index, _, options in placed_arms(entries)
        if source_of(options) != "adapter" and not (source_of(options) == "weights" and "chat_template" in options)
    ]
    if recipe.origin("generation.arms") and len(there) < len(entries):
        yield f"generation.arms={inline(there)}"
    if recipe["training.overflow"] in _CUT:
        yield "training.overflow=fail"
