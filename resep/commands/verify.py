"""Recompute every metric from the samples that a run stored, and every number of its results; say what differs."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

from resep.commands.loading import require_trust, trust_argument
from resep.printable import on_one_line, printable

if TYPE_CHECKING:
    from resep.verification import MetricCheck, Verification

_SHOWN = 20


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", help="the folder of a run, NAME/ID, or the name of a recipe for its newest run")
    trust_argument(parser)
    parser.add_argument("--json", action="store_true", help="print everything as JSON")


def main(args: argparse.Namespace) -> int:
    from resep.recipe import load
    from resep.run_folder import open_run
    from resep.terminal import reporting
    from resep.verification import recipe_of, verify

    run = open_run(args.run)
    recipe = load(recipe_of(run))
    require_trust(recipe, args.trust)
    with reporting() as emit:
        found = verify(run, recipe, emit)
    if args.json:
        print(json.dumps(asdict(found) | {"run": run.name, "agrees": found.agrees}, ensure_ascii=False, indent=1))
    else:
        print("\n".join([run.name, *_lines(found)]))
    return 0 if found.agrees else 1


def _lines(found: Verification) -> Iterator[str]:
    yield from (f"CHANGED  {name} is not the file that results.json was made from" for name in found.changed)
    yield f"{'metric':<24}{'rows':>7}{'differ':>8}{'largest':>12}{'allowed':>10}"
    for check in found.metrics:
        yield from _of_metric(check)
    for one in found.results[:_SHOWN]:
        yield f"DIFFERS  results.json: {one.path}: stored {_short(one.stored)}, from the scores {_short(one.again)}"
    if len(found.results) > _SHOWN:
        yield f"         ... and {len(found.results) - _SHOWN} more"
    yield f"results.json: {found.numbers:,} entries computed again from the scores, {len(found.results)} differ"
    yield _conclusion(found)


def _of_metric(check: MetricCheck) -> Iterator[str]:
    if check.skipped is not None:
        yield f"{check.metric:<24}not computed again: {printable(check.skipped)}"
        return
    yield f"{check.metric:<24}{check.rows:>7,}{check.differing:>8,}{check.largest:>12.2g}{check.tolerance:>10.2g}"
    for arm, row, stored, again in check.examples:
        yield f"DIFFERS  {on_one_line(row)} of {on_one_line(arm)}: stored {_short(stored)}, again {_short(again)}"


def _conclusion(found: Verification) -> str:
    skipped = sum(check.skipped is not None for check in found.metrics)
    if skipped == len(found.metrics):
        return "Nothing could be computed again, so nothing is verified."
    if not found.agrees:
        return "This run does NOT say what its samples say."
    rest = f"; {skipped} of {len(found.metrics)} metrics could not be computed again" if skipped else ""
    return f"Everything that was computed again is the same{rest}."


def _short(value: object) -> str:
    text = f"{value:.10g}" if isinstance(value, float) else on_one_line(str(value))
    return text if len(text) <= 80 else f"{text[:77]}..."
