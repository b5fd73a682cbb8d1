"""Keys of servers that are asked long after a run began: whether they are in the environment."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from resep.recipe.arms import placed_arms
from resep.recipe.draft import Finding

if TYPE_CHECKING:
    from resep.recipe import Recipe


def server_findings(recipe: Recipe) -> Iterator[Finding]:
    """A warning for every arm whose key is not there: its answers may all be in the store already."""
    for index, name, options in placed_arms(recipe["generation.arms"]):
        variable = options.get("api_key_env")
        if variable and not os.environ.get(variable, "").strip():
            message = (
                f"your environment has no {variable}: unless its answers are there already, this arm fails after the "
                f"training; export {variable}=..."
            )
            yield Finding(("generation", "arms", index, name, "api_key_env"), message, "warning")
