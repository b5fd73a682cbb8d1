"""Put runs side by side: paired differences on the rows that both were tested on, with intervals and p-values."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from resep.commands.loading import trust_argument
from resep.errors import ResepError
from resep.printable import on_one_line

if TYPE_CHECKING:
    from resep.run_comparison import Compared

_COLUMNS = ("metric", "first", "this", "difference", "95% interval", "p", "better·equal·worse", "verdict")
_ARROWS = {"higher": " ↑", "lower": " ↓", "none": ""}


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "runs", nargs="+", metavar="RUN", help="folders of runs, NAME/ID, or NAME for the newest run of a recipe"
    )
    parser.add_argument(
        "--arm",
        action="append",
        default=[],
        metavar="ARM",
        help="the arm to compare (default: tuned); once for all runs, or once for each in their order",
    )
    trust_argument(parser)
    parser.add_argument("--json", action="store_true", help="print everything as JSON")


def main(args: argparse.Namespace) -> int:
    from resep.plugins.trust import trust
    from resep.run_comparison import compare_runs, side_of
    from resep.run_folder import open_run

    if len(args.runs) < 2:
        raise ResepError("two runs or more are needed: the first is the baseline, the others are compared with it")
    for path in args.trust:
        trust(path)
    sides = [side_of(open_run(run), arm) for run, arm in zip(args.runs, _arms(args.arm, len(args.runs)), strict=True)]
    found = compare_runs(sides)
    if args.json:
        print(json.dumps([_as_json(each) for each in found], ensure_ascii=False, indent=1))
    else:
        print("\n\n".join("\n".join(_lines(each)) for each in found))
    return 0


def _arms(given: Sequence[str], runs: int) -> list[str | None]:
    if len(given) not in (0, 1, runs):
        raise ResepError(f"--arm is given once for all runs or once for each of the {runs}, not {len(given)} times")
    return [*given] if len(given) == runs else [given[0] if given else None] * runs


def _as_json(found: Compared) -> dict[str, Any]:
    rows = {key: value for key, value in asdict(found.rows).items() if key not in ("ids", "metadata")}
    return {
        "baseline": found.baseline,
        "candidate": found.candidate,
        "rows": {"common": len(found.rows.ids), **rows},
        "own_rows": dict(found.own_rows),
        "notes": list(found.notes),
        "left_out": dict(found.left_out),
        "primary": found.primary,
        "metrics": {name: asdict(c) | {"outcome": found.outcome(name)} for name, c in found.comparisons.items()},
    }


def _lines(found: Compared) -> Iterator[str]:
    yield f"first  {on_one_line(found.baseline)}"
    yield f"this   {on_one_line(found.candidate)}"
    yield f"rows   {found.rows.in_words()}"
    yield from (f"rows   {count} more of {evaluator}'s own" for evaluator, count in found.own_rows.items())
    yield from (f"differs  {on_one_line(note)}" for note in found.notes)
    yield from (f"left out  {on_one_line(reason)}" for reason in found.left_out.values())
    yield ""
    yield from _aligned([_COLUMNS, *(_row(found, name) for name in found.comparisons)])
    yield ""
    alone = f"{found.primary} alone, the others" if found.primary in found.comparisons else "all"
    yield f"p-values: {alone} adjusted for being many (Holm)"


def _aligned(table: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Words to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    words = (0, len(_COLUMNS) - 1)
    for row in table:
        cells = [f"{cell:<{widths[i]}}" if i in words else f"{cell:>{widths[i]}}" for i, cell in enumerate(row)]
        yield "  ".join(cells).rstrip()


def _row(found: Compared, name: str) -> tuple[str, ...]:
    from resep.rounding import NOTHING, p_text, places, plain, signed
    from resep.statistics.sentences import in_words

    c, metric = found.comparisons[name], found.metrics[name]
    d = places(c.ci_low, c.ci_high)
    interval = NOTHING if c.ci_low is None else f"{plain(c.ci_low, d)} to {plain(c.ci_high, d)}"
    return (
        name + _ARROWS[metric.direction],
        plain(c.baseline_mean, d),
        plain(c.candidate_mean, d),
        signed(c.delta, d),
        interval,
        p_text(c.p_adjusted),
        f"{c.wins}·{c.ties}·{c.losses}",
        in_words(metric, c, found.outcome(name)),
    )
