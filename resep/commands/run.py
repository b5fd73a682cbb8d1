"""Run a recipe: prepare the data, train, let base and tuned answer the same rows, evaluate, report."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resep.commands.loading import (
    load_recipe,
    recipe_arguments,
    refuse_or_warn,
    require_agreement,
    require_trust,
    store_arguments,
    trust_model_code,
)
from resep.commands.rehearsing import rehearse_argument, run_rehearsal
from resep.errors import ResepError
from resep.user_settings import user_settings

if TYPE_CHECKING:
    from resep.errors import Problem
    from resep.recipe import Recipe
    from resep.store import Emit, Stage

RUNS = Path("runs")
KINDS = ("prepare", "tokenise", "configure", "train", "merge", "generate", "evaluate", "report")


def arguments(parser: argparse.ArgumentParser) -> None:
    recipe_arguments(parser)
    store_arguments(parser)
    parser.add_argument(
        "--axolotl-python",
        default=user_settings().axolotl_python,
        metavar="PYTHON",
        help="the Python of another environment that has Axolotl (default: this one)",
    )
    parser.add_argument(
        "--trust-remote-code",
        action="store_true",
        help="run the Python files that came with the recipe's model (remembered for their exact content)",
    )
    rehearse_argument(parser, "go through every stage with a tiny random model and a few rows, in under a minute")
    parser.add_argument("--until", choices=KINDS, metavar="KIND", help=f"stop after this stage: {', '.join(KINDS)}")


def main(args: argparse.Namespace) -> int:
    from resep import pipeline, runs
    from resep.hardware import detect
    from resep.preflight import before_run
    from resep.store import Store, check_writable
    from resep.terminal import reporting

    recipe = load_recipe(args)
    refuse_or_warn(before_run(recipe))
    require_trust(recipe, args.trust)
    if args.rehearse:
        return run_rehearsal(args, recipe, RUNS)
    require_agreement(recipe, args.send_to, args.until)
    check_writable(args.store)
    with reporting() as emit:
        if args.trust_remote_code:
            trust_model_code(recipe, emit)
        stages = pipeline.plan(recipe, detect(recipe["compute.profile"]), emit, args.axolotl_python)
        _require_stage(args.until, stages)
        folders = pipeline.run(stages, Store(args.store, recipe["name"]), _doubting(emit, recipe), args.until)
    if "report" not in folders:
        print("\n".join(f"{name}: {folder}" for name, folder in folders.items()))
        return 0
    return _conclude(runs.publish(RUNS, recipe, folders))


def _require_stage(kind: str | None, stages: Sequence[Stage]) -> None:
    if kind and kind not in {stage.kind for stage in stages}:
        hint = ": write output: {merge: true}" if kind == "merge" else ""
        raise ResepError(f"--until {kind}: this recipe has no such stage{hint}")


def _doubting(emit: Emit, recipe: Recipe) -> Emit:
    """`emit`, which also says what the rows say against the recipe, as soon as they are there: before training."""
    from resep.preflight import after_prepare, after_tokenise

    checks: Mapping[str, Callable[[Path], Sequence[Problem]]] = {
        "prepare": lambda folder: after_prepare(recipe, folder, RUNS),
        "tokenise": lambda folder: after_tokenise(recipe, folder),
    }

    def emit_with_doubts(event: Mapping[str, Any]) -> None:
        emit(event)
        if event["event"] == "finished" and event["name"] in checks:
            for problem in checks[event["name"]](Path(event["folder"])):
                emit({"event": "warning", "message": f"{problem.where}: {problem.message}"})

    return emit_with_doubts


def _conclude(folder: Path) -> int:
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    unmet = [expectation for expectation in results.get("expectations", []) if not expectation["holds"]]
    print(f"\n{results['verdict']['text']}\n")
    for expectation in unmet:
        print(f"Not met: {expectation['text']}")
    print(f"Report: {folder / 'report.html'}")
    return 4 if unmet else 0
