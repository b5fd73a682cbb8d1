"""Hold a run's folder against itself: scores, results and pages are made again from its samples and its recipe.

It says what differs, and what it could not check: whether the samples are what the models wrote, what only the stages
knew (data, training, times), and evaluators that need models, servers or training rows.
"""

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
_CONTEXT = 12  # characters
_SAMPLES = "whether the models wrote these samples"


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
    yield from (f"CHANGED  {each.name} {printable(each.why)}" for each in found.changed)
    yield f"{'metric':<24}{'rows':>7}{'differ':>8}{'largest':>12}{'allowed':>10}"
    for check in found.metrics:
        yield from _of_metric(check)
    for one in found.results[:_SHOWN]:
        place = one.path if one.path.startswith("recipe/") else f"results.json: {one.path}"
        yield f"DIFFERS  {on_one_line(place)}: {_apart(one.stored, one.again)}"
    if len(found.results) > _SHOWN:
        yield f"         ... and {len(found.results) - _SHOWN} more"
    yield f"results.json: {found.numbers:,} entries computed again from scores and recipe, {len(found.results)} differ"
    if found.only_digested:
        yield f"by a digest of when the run ended alone: {on_one_line(', '.join(found.only_digested))}"
    yield f"not checked: {on_one_line(', '.join((*found.unchecked, _SAMPLES)))}"
    yield _conclusion(found)


def _of_metric(check: MetricCheck) -> Iterator[str]:
    if check.skipped is not None:
        yield f"{check.metric:<24}not computed again: {printable(check.skipped)}"
        return
    yield f"{check.metric:<24}{check.rows:>7,}{check.differing:>8,}{check.largest:>12.2g}{check.tolerance:>10.2g}"
    for arm, row, stored, again in check.examples:
        yield f"DIFFERS  {on_one_line(row)} of {on_one_line(arm)}: {_apart(stored, again)}"


def _conclusion(found: Verification) -> str:
    skipped = sum(check.skipped is not None for check in found.metrics)
    if skipped == len(found.metrics):
        return "Nothing could be computed again, so nothing is verified."
    if not found.agrees:
        return "This run does NOT say what its samples and its recipe say."
    rest = f"; {skipped} of {len(found.metrics)} metrics could not be computed again" if skipped else ""
    return f"Everything that was computed again is the same{rest}."


def _apart(stored: object, again: object) -> str:
    """Both, without the beginning that two long texts share."""
    if isinstance(stored, str) and isinstance(again, str):
        same = next((at for at, (a, b) in enumerate(zip(stored, again, strict=False)) if a != b), 0)
        cut = same - _CONTEXT if same > 2 * _CONTEXT else 0
        lead = "..." if cut else ""
        stored, again = f"{lead}{stored[cut:]}", f"{lead}{again[cut:]}"
    return f"stored {_short(stored)}, computed again {_short(again)}"


def _short(value: object) -> str:
    text = f"{value:.10g}" if isinstance(value, float) else on_one_line(str(value))
    return text if len(text) <= 80 else f"{text[:77]}..."
