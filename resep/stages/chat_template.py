"""The recipe's chat template, as the stages and commands that render with it ask for it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from resep.errors import ResepError

if TYPE_CHECKING:
    from resep.recipe import Recipe


def chat_template(recipe: Recipe) -> tuple[str, Path]:
    """Its name, and the folder in which a name that ends with .jinja lies (one typed with --set may lie anywhere)."""
    name: str | None = recipe["prompt.chat_template"]
    if name is None:  # only in a recipe made up from two, one of them for a service with a template of its own
        raise ResepError("prompt.chat_template is missing: it says how conversations are rendered on this machine")
    if not name.endswith(".jinja"):
        return name, recipe.folder
    file = recipe.locate("prompt.chat_template")
    return file.name, file.parent
