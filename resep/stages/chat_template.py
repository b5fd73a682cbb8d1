"""The recipe's chat template, as the stages and commands that render with it ask for it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from resep.recipe import Recipe


def chat_template(recipe: Recipe) -> tuple[str, Path]:
    """Its name, and the folder in which a name that ends with .jinja lies (one typed with --set may lie anywhere)."""
    name: str = recipe["prompt.chat_template"]
    if not name.endswith(".jinja"):
        return name, recipe.folder
    file = recipe.locate("prompt.chat_template")
    return file.name, file.parent
