"""Run evaluators on a file of outputs, without a recipe: JSONL with id, output, target (text or list of steps), arm."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from resep.commands.loading import send_argument, trust_argument
from resep.errors import ResepError
from resep.printable import on_one_line


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("samples", type=Path, help="one JSON object per line: id, output, target, optionally arm")
    parser.add_argument("--with", dest="evaluators", required=True, help="evaluators, e.g. bertscore,order_accuracy")
    parser.add_argument(
        "--set",
        dest="options",
        metavar="EVALUATOR.OPTION=VALUE",
        action="append",
        default=[],
        help="an option, e.g. order_accuracy.threshold=0.4 (may be repeated)",
    )
    trust_argument(parser)
    send_argument(parser)
    parser.add_argument("--json", action="store_true", help="print everything, each row's values too, as JSON")


def main(args: argparse.Namespace) -> int:
    from resep.endpoints.consent import agree
    from resep.plugins.trust import trust
    from resep.stages.evaluate.score_file import score_file
    from resep.terminal import reporting

    for path in args.trust:
        trust(path)
    for server in args.send_to:
        agree(server)
    evaluators = {name.strip(): _options(name.strip(), args.options) for name in args.evaluators.split(",")}
    _refuse_strays(args.options, evaluators)
    with reporting() as emit:
        scored = score_file(args.samples, evaluators, emit, folder=Path.cwd())
    if args.json:
        print(json.dumps(scored, ensure_ascii=False, indent=1))
    else:
        _print_table(scored["metrics"])
    return 0


def _options(evaluator: str, given: list[str]) -> dict[str, Any]:
    from resep.document import parse

    options = {}
    for text in given:
        key, equals, value = text.partition("=")
        owner, _, option = key.strip().partition(".")
        if not equals or not option:
            raise ResepError(f"--set {text}: an option is written EVALUATOR.OPTION=VALUE")
        if owner == evaluator:
            options[option] = parse(value, f"--set {text}").data
    return options


def _refuse_strays(given: list[str], evaluators: dict[str, dict[str, Any]]) -> None:
    from resep.suggest import did_you_mean

    for text in given:
        owner = text.partition(".")[0].strip()
        if owner not in evaluators:
            raise ResepError(f"--set {text}: {owner} is not among the evaluators{did_you_mean(owner, evaluators)}")


def _print_table(metrics: dict[str, Any]) -> None:
    for name, metric in metrics.items():
        for arm, values in metric["arms"].items():
            mean = "-" if values["mean"] is None else f"{values['mean']:.4f}"
            unscored = f", {values['unscored']} unscored" if values["unscored"] else ""
            print(f"{name:<24}{on_one_line(arm):<20}{mean:>10}   {values['n']} rows{unscored}")
    for signature in dict.fromkeys(metric["signature"] for metric in metrics.values()):
        print(on_one_line(signature))
