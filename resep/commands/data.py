"""Show what preparation makes of the rows: the ledger, statistics, and rows before and after each step.

Nothing is trained. Personal data that the recipe's detectors find is masked. --export writes the prepared rows.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resep.commands.loading import (
    load_recipe,
    recipe_arguments,
    refuse_or_warn,
    require_agreement,
    require_trust,
    store_arguments,
)
from resep.errors import ResepError
from resep.suggest import did_you_mean

if TYPE_CHECKING:
    from resep.inspection.masking import Mask
    from resep.inspection.trace import Traced
    from resep.recipe import Recipe
    from resep.store import Store


def arguments(parser: argparse.ArgumentParser) -> None:
    recipe_arguments(parser)
    store_arguments(parser)
    parser.add_argument("--rows", type=int, default=3, metavar="N", help="how many rows to show (default: 3)")
    parser.add_argument(
        "--step", metavar="NAME", help="show rows that this step changed or dropped, before and after it"
    )
    parser.add_argument("--raw", action="store_true", help="show personal data as it stands in the rows")
    parser.add_argument("--tokens", action="store_true", help="count tokens too, if they have not been counted before")
    parser.add_argument("--json", action="store_true", help="one JSON object: statistics, tokens, rows")
    parser.add_argument(
        "--export", type=Path, metavar="FILE", help="write the prepared rows: .parquet, .jsonl or .jsonl.gz"
    )
    splits = ("train", "validation", "test", "all")
    parser.add_argument("--split", choices=splits, default="all", help="which rows to export (default: all)")
    parser.add_argument("--force", action="store_true", help="let --export replace a file")


def main(args: argparse.Namespace) -> int:
    from resep import pipeline
    from resep.inspection.export import check_target
    from resep.preflight import of_data
    from resep.stages import prepare
    from resep.store import Store, check_writable
    from resep.terminal import reporting

    if args.export:
        check_target(args.export, force=args.force)
    recipe = load_recipe(args)
    _check_step(recipe, args.step)
    refuse_or_warn(of_data(recipe))
    require_trust(recipe, args.trust)
    require_agreement(recipe, args.send_to)
    check_writable(args.store)
    store = Store(args.store, recipe["name"])
    with reporting() as emit:
        folder = pipeline.run([prepare.stage(recipe)], store, emit)["prepare"]
    (_print_json if args.json else _print)(args, recipe, store, folder)
    if args.export:
        _export(args, folder)
    return 0


def _check_step(recipe: Recipe, name: str | None) -> None:
    names = [step.name for step in recipe.steps]
    if name is not None and name.partition("#")[0] not in names:
        there = f"; there are: {', '.join(names)}" if names else "; it has none"
        raise ResepError(f"--step {name}: the recipe has no such step{did_you_mean(name, names) or there}")


@dataclass(frozen=True)
class _Rows:
    """The rows to show, what hides personal data in them, and a word on both."""

    rows: Sequence[Traced]
    mask: Mask
    said: str


def _print(args: argparse.Namespace, recipe: Recipe, store: Store, folder: Path) -> None:
    from rich.console import Console

    from resep.inspection.account import account, files
    from resep.inspection.on_screen import row_text, section_text
    from resep.inspection.tokenised import token_section, tokenised
    from resep.terminal import reporting

    console = Console(highlight=False, soft_wrap=True)
    is_coloured = console.is_terminal and not console.no_color
    for section in account(_statistics(folder)):
        console.print(section_text(section))
    found = _rows(args, recipe, folder)
    if found.said:
        console.print(f"[bold]rows before and after[/bold]  {found.said}\n")
    for row in found.rows:
        console.print(row_text(row, found.mask, args.step, coloured=is_coloured))
    with reporting() as emit:
        if tokens := tokenised(recipe, store, folder, emit, now=args.tokens):
            console.print(section_text(token_section(recipe, store, tokens, emit)))
    console.print(section_text(files(folder)))


def _print_json(args: argparse.Namespace, recipe: Recipe, store: Store, folder: Path) -> None:
    from resep.inspection.shown_rows import as_values
    from resep.inspection.tokenised import counted, tokenised
    from resep.terminal import reporting

    with reporting() as emit:
        tokens = tokenised(recipe, store, folder, emit, now=args.tokens)
    found = _rows(args, recipe, folder)
    shown = {
        "statistics": _statistics(folder),
        "tokens": counted(tokens) if tokens else None,
        "rows": [as_values(row, found.mask) for row in found.rows],
    }
    print(json.dumps(shown, ensure_ascii=False, indent=1))


def _statistics(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "statistics.json").read_text(encoding="utf-8")))


def _rows(args: argparse.Namespace, recipe: Recipe, folder: Path) -> _Rows:
    from resep.inspection import prepared, trace
    from resep.inspection.choice import chosen
    from resep.inspection.masking import masker, replaces_values

    if args.rows <= 0:
        return _Rows([], str, "")
    plan, sources = trace.plan_for(recipe)
    with prepared.opened(folder) as files:
        looked_at = trace.traced_rows(recipe, plan, sources, files)
        rows = [trace.finish(row, plan, files) for row in chosen(looked_at, args.rows, args.step)]
    said = f"{len(rows)} of the first {len(looked_at):,} rows"
    if args.step and not rows:
        said = f"the step {args.step} changed and dropped none of the first {len(looked_at):,} rows"
    if args.raw:
        return _Rows(rows, str, said)
    hint = "" if replaces_values(recipe.steps) else ", which no step replaces"
    return _Rows(rows, masker(recipe.steps), f"{said}; personal data is masked{hint} (--raw shows it)")


def _export(args: argparse.Namespace, folder: Path) -> None:
    from resep.inspection.export import export

    count, notes = export(folder, args.split, args.export)
    for note in notes:
        print(f"note: {note}", file=sys.stderr)
    print(f"{count:,} rows written to {args.export}", file=sys.stderr)
