"""The training config that a recipe becomes, rendered over its prepared data. Nothing is trained or sent."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from resep.commands.loading import load_recipe, recipe_arguments, run_until, store_arguments

_TRAINERS = ("axolotl", "openai")


def arguments(parser: argparse.ArgumentParser) -> None:
    recipe_arguments(parser)
    store_arguments(parser)
    parser.add_argument("--to", choices=_TRAINERS, help="for this trainer instead of the recipe's own")
    parser.add_argument(
        "--out", type=Path, metavar="FOLDER", help="write the files here (default for openai: NAME-openai)"
    )


def main(args: argparse.Namespace) -> int:
    from resep.hosted.converting import overrides_for
    from resep.hosted.service import service_of

    if args.to:
        foreign = overrides_for(load_recipe(args), args.to)
        for override in foreign:
            print(f"for {args.to}: {override}", file=sys.stderr)
        args.overrides = [*foreign, *args.overrides]
    recipe, folders = run_until(args, "configure")
    out = args.out or (Path(f"{recipe['name']}-openai") if service_of(recipe) else None)
    files = _files(folders, with_rows=service_of(recipe) is not None)
    if out is None:
        print("".join(file.read_text(encoding="utf-8") for file in files.values()), end="")
        return 0
    out.mkdir(parents=True, exist_ok=True)
    for name, file in files.items():
        shutil.copyfile(file, out / name)
        print(out / name)
    return 0


def _files(folders: Mapping[str, Path], *, with_rows: bool) -> dict[str, Path]:
    """What configure rendered and, where rows are uploaded, these."""
    from resep.hosted.formatting import UPLOADED
    from resep.store import read_stage

    files = {name: folders["configure"] / name for name in read_stage(folders["configure"])["outputs"]}
    rows = {name: folders["tokenise"] / name for name in UPLOADED} if with_rows else {}
    return files | {name: file for name, file in rows.items() if file.stat().st_size}
