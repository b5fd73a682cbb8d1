"""Say what a run would do and why, without doing it: stages, reasons, what is read, downloaded, written, executed."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from resep.commands.loading import load_recipe, recipe_arguments, refuse_or_warn, store_arguments
from resep.commands.rehearsing import as_rehearsed, differences, lines, rehearse_argument
from resep.commands.run import RUNS
from resep.printable import on_one_line

if TYPE_CHECKING:
    from resep.store import Decision, Store


def arguments(parser: argparse.ArgumentParser) -> None:
    recipe_arguments(parser)
    store_arguments(parser)
    rehearse_argument(parser, "what `resep run --rehearse` lays over the recipe, what stands in and what is left out")


def main(args: argparse.Namespace) -> int:
    from resep import pipeline
    from resep.capabilities import capabilities
    from resep.hardware import detect
    from resep.preflight import before_run, foresee, foresee_training, last_rate
    from resep.store import Store

    recipe = load_recipe(args)
    refuse_or_warn(before_run(recipe))
    if args.rehearse:
        _, rehearsal = as_rehearsed(args, recipe)
        print("\n".join([*lines(recipe, rehearsal.notes), "", *differences(recipe, rehearsal)]))
        return 0
    profile, store = detect(recipe["compute.profile"]), Store(args.store, recipe["name"])
    decisions = pipeline.decide(pipeline.plan(recipe, profile, print), store)
    done = finished(decisions, store)
    shown, doubts = foresee(recipe, done.get("prepare"), RUNS)
    trained = {decision.stage.name: decision.stage for decision in decisions}["train"].config
    rate = last_rate(args.store, trained["model"], recipe["training.method"], profile.device_name)
    training, more_doubts = foresee_training(recipe, done.get("tokenise"), profile, rate)
    width = max(len(decision.stage.name) for decision in decisions) + 2
    for decision in decisions:
        print(f"{decision.stage.name:<{width}}{on_one_line(decision.reason)}")
    print(f"\nmachine    {profile.device_name}")
    print(f"tests      {shown}")
    for verb, what in [*training, *capabilities(recipe, args.store, RUNS)]:
        print(f"{verb:<11}{on_one_line(what)}")
    refuse_or_warn([*doubts, *more_doubts])
    return 0


def finished(decisions: Sequence[Decision], store: Store) -> dict[str, Path]:
    """The folders of the stages that have been run already, by their names."""
    return {each.stage.name: store.folder(each.stage, each.key) for each in decisions if each.reuse and each.key}
