"""The model that a recipe names: an embedded one, a hub id with its revision, or a folder relative to the recipe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resep.models.embedded import EMBEDDED
from resep.recipe.paths import is_hub_id

if TYPE_CHECKING:
    from resep.recipe import Recipe


def named_by(recipe: Recipe) -> tuple[str, str | None]:
    """(name, revision) of `model.base`; a folder by its path."""
    name, revision = recipe["model.base"], recipe["model.revision"]
    if name not in EMBEDDED and (not is_hub_id(name) or recipe.locate("model.base").is_dir()):
        name = str(recipe.locate("model.base"))
    return name, revision
