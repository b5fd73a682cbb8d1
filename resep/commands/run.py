"""Run a recipe: prepare the data, train, let base and tuned answer the same rows, evaluate, report."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from resep.commands.loading import load_recipe, recipe_arguments, require_trust, store_arguments
from resep.user_settings import user_settings

RUNS = Path("runs")
KINDS = ("prepare", "tokenise", "configure", "train", "generate", "evaluate", "report")


def arguments(parser: argparse.ArgumentParser) -> None:
    recipe_arguments(parser)
    store_arguments(parser)
    parser.add_argument(
        "--axolotl-python",
        default=user_settings().axolotl_python,
        metavar="PYTHON",
        help="the Python of another environment that has Axolotl (default: this one)",
    )
    parser.add_argument("--until", choices=KINDS, metavar="KIND", help=f"stop after this stage: {', '.join(KINDS)}")


def main(args: argparse.Namespace) -> int:
    from resep import pipeline, runs
    from resep.hardware import detect
    from resep.store import Store, check_writable
    from resep.terminal import reporting

    recipe = load_recipe(args)
    require_trust(recipe, args.trust)
    check_writable(args.store)
    with reporting() as emit:
        stages = pipeline.plan(recipe, detect(recipe["compute.profile"]), emit, args.axolotl_python)
        folders = pipeline.run(stages, Store(args.store, recipe["name"]), emit, args.until)
    if "report" not in folders:
        print("\n".join(f"{name}: {folder}" for name, folder in folders.items()))
        return 0
    return _conclude(runs.publish(RUNS, recipe, folders))


def _conclude(folder: Path) -> int:
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    unmet = [expectation for expectation in results.get("expectations", []) if not expectation["holds"]]
    print(f"\n{results['verdict']['text']}\n")
    for expectation in unmet:
        print(f"Not met: {expectation['text']}")
    print(f"Report: {folder / 'report.html'}")
    return 4 if unmet else 0
