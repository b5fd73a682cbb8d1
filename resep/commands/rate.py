"""Let people rate a finished run: blind sheets out; filled sheets back in with --import, and the report shows them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resep.errors import ResepError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from resep.rating.run import RatedRun

_ROWS, _RATERS = 50, 2


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", help="the folder of a run, or the name of a recipe for its newest run")
    parser.add_argument("--rows", type=int, help=f"rows to rate (default: what the recipe says, else {_ROWS})")
    parser.add_argument("--raters", type=int, help=f"sheets to write (default: what the recipe says, else {_RATERS})")
    parser.add_argument("--seed", type=int, default=42, help="another seed draws other rows and sides (default: 42)")
    parser.add_argument("--against", metavar="ARM", help="the arm to compare with (default: that of the verdict)")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="where the sheets go (default: rating-NAME-RUN)")
    parser.add_argument(
        "--import", dest="sheets", type=Path, nargs="+", metavar="SHEET", help="read filled sheets into the run"
    )
    parser.add_argument("--key", type=Path, metavar="FILE", help="the key of the sheets, where it was moved")


def main(args: argparse.Namespace) -> int:
    from resep.rating.run import RatedRun
    from resep.run_folder import open_run

    run = RatedRun(open_run(args.run))
    return _import(run, args) if args.sheets else _write(run, args)


def _write(run: RatedRun, args: argparse.Namespace) -> int:
    from resep.rating.choice import choose_rows, draw_sides
    from resep.rating.key import make_key, write_key
    from resep.rating.sheet import write_sheets

    rows, raters = (_count(name, getattr(args, name), run.wishes) for name in ("rows", "raters"))
    arms = run.sides(args.against)
    samples = run.samples(arms)
    common = {row: sample for row, sample in samples[arms[1]].items() if row in samples[arms[0]]}
    if not common:
        raise ResepError(f"{run.folder}: {arms[0]} and {arms[1]} have answered no row in common")
    chosen = choose_rows(common, rows, args.seed, run.slices)
    sides = draw_sides(chosen, arms, args.seed)
    key = make_key(run.run_id, args.seed, arms, raters, run.wishes.get("criteria") or {}, chosen, sides)
    out = args.out or Path(f"rating-{run.name}-{run.run_id}")
    _refuse_beside_the_key(out, run.folder)
    _refuse_to_overwrite(out)
    sheets = write_sheets(key, samples, out, bool(run.wishes.get("reference", True)))
    print(f"{len(chosen)} rows of {len(common)}, {arms[0]} and {arms[1]} under the names A and B")
    print("\n".join(str(file) for file in (*sheets, out / "README.txt")))
    print(f"The key stays here, do not send it along: {write_key(key, run.folder)}")
    names = " ".join(str(file) for file in sheets)
    print(f"When they are filled in: resep rate {args.run} --import {names}")
    return 0


def _import(run: RatedRun, args: argparse.Namespace) -> int:
    from resep.rating.filled import opinions, read_sheet
    from resep.rating.key import key_of
    from resep.rating.store import merged, write_ratings
    from resep.rating.summary import summarise
    from resep.stages.report import render

    sheets = [read_sheet(file) for file in args.sheets]
    if len(codes := {sheet.code for sheet in sheets}) > 1:
        raise ResepError(f"these are sheets of different ratings ({', '.join(sorted(codes))}): import them one by one")
    _refuse_one_rater_twice({sheet.file: sheet.rater for sheet in sheets})
    key = key_of(run.folder, sheets[0].code, args.key)
    if key.run_id != run.run_id:
        raise ResepError(f"{args.key} is the key of run {key.run_id}, and {run.folder} is run {run.run_id}")
    said = merged(run.folder, key, [opinion for sheet in sheets for opinion in opinions(sheet, key)])
    summary = summarise(key, said, run.results["metrics"], run.scores())
    file = write_ratings(run.folder, key, said, summary)
    render(run.folder)
    _print(summary)
    print(f"\n{file}\nReport: {run.folder / 'report.html'}")
    return 0


def _print(summary: Mapping[str, Any]) -> None:
    from resep.stages.report.human_section import human_lines

    print("\n".join(human_lines(summary)))


def _count(name: str, given: int | None, wishes: Mapping[str, Any]) -> int:
    count = given if given is not None else int(wishes.get(name, {"rows": _ROWS, "raters": _RATERS}[name]))
    if not 1 <= count <= 100_000:
        raise ResepError(f"--{name} {count}: at least 1")
    return count


def _refuse_beside_the_key(out: Path, run: Path) -> None:
    if out.resolve() == run.resolve() or out.resolve().is_relative_to(run.resolve()):
        raise ResepError(f"--out {out} lies in the run's folder, where the key and the answer to every sheet are")


def _refuse_to_overwrite(out: Path) -> None:
    """Somebody's hours may be in a sheet."""
    if there := sorted(out.glob("sheet-*.csv")):
        raise ResepError(f"{there[0]} is there already, and may be filled in: name another folder with --out")


def _refuse_one_rater_twice(raters: Mapping[Path, str]) -> None:
    for file, rater in raters.items():
        twin = next((other for other, name in raters.items() if name == rater and other != file), None)
        if twin:
            raise ResepError(
                f"{twin} and {file} are both of {rater}: leave one out, or write another name into the column rater"
            )
