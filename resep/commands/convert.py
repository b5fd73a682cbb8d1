"""Print the training config that a recipe becomes, rendered over its prepared data. Nothing is trained."""

from __future__ import annotations

import argparse

from resep.commands.loading import load_recipe, recipe_arguments, require_trust, store_arguments


def arguments(parser: argparse.ArgumentParser) -> None:
    recipe_arguments(parser)
    store_arguments(parser)


def main(args: argparse.Namespace) -> int:
    from resep import pipeline
    from resep.hardware import detect
    from resep.store import Store
    from resep.terminal import reporting

    recipe = load_recipe(args)
    require_trust(recipe, args.trust)
    with reporting() as emit:
        stages = pipeline.plan(recipe, detect(recipe["compute.profile"]), emit)
        folders = pipeline.run(stages, Store(args.store, recipe["name"]), emit, "configure")
    print((folders["configure"] / "axolotl.yaml").read_text(encoding="utf-8"), end="")
    return 0
