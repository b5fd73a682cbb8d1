"""Say what a run would do and why, without doing it: stages, reasons, what is read, downloaded, written, executed."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from resep.commands.loading import load_recipe, recipe_arguments, store_arguments

if TYPE_CHECKING:
    from resep.recipe import Recipe


def arguments(parser: argparse.ArgumentParser) -> None:
    recipe_arguments(parser)
    store_arguments(parser)


def main(args: argparse.Namespace) -> int:
    from resep import pipeline
    from resep.hardware import detect
    from resep.store import Store

    recipe = load_recipe(args)
    profile = detect(recipe["compute.profile"])
    decisions = pipeline.decide(pipeline.plan(recipe, profile, print), Store(args.store, recipe["name"]))
    width = max(len(decision.stage.name) for decision in decisions) + 2
    for decision in decisions:
        print(f"{decision.stage.name:<{width}}{decision.reason}")
    print(f"\nmachine    {profile.device_name}")
    print(f"reads      {', '.join(source['path'] for source in recipe['data.sources'])}")
    print(f"downloads  {', '.join(_downloads(recipe)) or 'nothing'}")
    print(f"writes     {args.store} and runs/{recipe['name']}")
    print(f"executes   {', '.join(map(str, recipe.foreign_plugins)) or 'no code of the recipe'}")
    return 0


def _downloads(recipe: Recipe) -> Iterator[str]:
    from resep.models import downloads

    wanted = {recipe["model.base"]: recipe["model.revision"]}
    wanted |= {options["encoder"]: None for options in recipe.evaluators.values() if "encoder" in options}
    yield from filter(None, (downloads(name, revision) for name, revision in wanted.items()))
