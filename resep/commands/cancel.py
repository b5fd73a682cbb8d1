"""End the job of a recipe that trains at a service. What it has cost until then is paid; nothing is deleted there."""

from __future__ import annotations

import argparse

from resep.commands.loading import load_recipe, recipe_arguments, require_agreement, store_arguments
from resep.errors import ResepError


def arguments(parser: argparse.ArgumentParser) -> None:
    recipe_arguments(parser)
    store_arguments(parser)


def main(args: argparse.Namespace) -> int:
    from resep import pipeline
    from resep.hardware import detect
    from resep.hosted.cancelling import cancel
    from resep.hosted.service import service_of
    from resep.store import Store

    recipe = load_recipe(args)
    service = service_of(recipe)
    if service is None:
        raise ResepError(f"{recipe['name']} trains on this machine: interrupt its run, nothing goes on elsewhere")
    require_agreement(recipe, args.send_to)
    store = Store(args.store, recipe["name"])
    decisions = pipeline.decide(pipeline.plan(recipe, detect(recipe["compute.profile"]), print), store)
    training = next(decision for decision in decisions if decision.stage.name == "train")
    print(cancel(service, training, store))
    return 0
