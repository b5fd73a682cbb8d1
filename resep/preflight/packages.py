"""Packages that a recipe's evaluators import, and that not every installation has: said before anything is trained."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING

from resep import plugins
from resep.recipe.draft import Finding

if TYPE_CHECKING:
    from resep.recipe import Recipe


def package_findings(recipe: Recipe) -> Iterator[Finding]:
    """A finding for each evaluator whose PACKAGES are not all installed here. Nothing is imported."""
    for name in recipe.evaluators:
        packages = plugins.describe(recipe.plugin("evaluators", name)).packages
        for module, install in packages.items():
            if find_spec(module) is None:
                message = f"{name} needs the package {module}, which is not installed here: pip install '{install}'"
                yield Finding(("evaluation", "evaluators", name), message, of_key=True)
