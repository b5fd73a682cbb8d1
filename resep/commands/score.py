"""Run evaluators on a file of outputs, without a recipe: JSONL with id, output, target (text or list of steps), arm."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from resep.commands.loading import send_argument, trust_argument
from resep.errors import ResepError
from resep.printable import on_one_line

_WIDEST = 60  # columns of a cell


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
    names = [name.strip() for name in args.evaluators.split(",") if name.strip()]
    if not names:
        raise ResepError("--with names no evaluator; `resep list evaluators` has them")
    evaluators = {name: _options(name, args.options) for name in names}
    _refuse_strays(args.options, evaluators)
    with reporting() as emit:
        scored = score_file(args.samples, evaluators, emit, folder=Path.cwd())
    if args.json:
        print(json.dumps(scored, ensure_ascii=False, indent=1))
    else:
        _print_table(scored["metrics"])
        _print_controls(scored)
        _print_signatures(scored["metrics"])
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
            read = parse(value, f"--set {text}")
            if fault := next((problem for problem in read.problems if problem.severity == "error"), None):
                raise ResepError(f"--set {text}: {fault.message if value.strip() else 'there is no value'}")
            options[option] = read.data
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


def _print_controls(scored: dict[str, Any]) -> None:
    """What evaluators say beyond their metrics, as the report shows it: a line per row, a column per arm."""
    from resep.stages.report.extra_tables import extra_tables
    from resep.stages.report.tables import control_tables

    arms: dict[str, Any] = {arm: {} for metric in scored["metrics"].values() for arm in metric["arms"]}
    for table in control_tables({"arms": arms, "controls": scored["controls"]}):
        print(f"\n{table['evaluator']}: its controls")
        _print_rows(["", *arms], [[name, *cells] for name, cells in table["rows"]])
    for table in extra_tables(scored):
        print(f"\n{table['evaluator']}: {on_one_line(table['fault'] or table['title'])}")
        _print_rows(table["columns"], table["rows"])
    if scored["controls"]:
        print()


def _print_rows(columns: list[str], rows: list[list[str]]) -> None:
    plain = [[on_one_line(cell) for cell in row] for row in [columns, *rows]]
    widths = [min(_WIDEST, max(map(len, column))) for column in zip(*plain, strict=True)]
    for first, *cells in plain:
        shown = "".join(f"  {cell:>{width}}" for cell, width in zip(cells, widths[1:], strict=True))
        print(f"  {first:<{widths[0]}}{shown}".rstrip())


def _print_signatures(metrics: dict[str, Any]) -> None:
    for signature in dict.fromkeys(metric["signature"] for metric in metrics.values()):
        print(on_one_line(signature))
