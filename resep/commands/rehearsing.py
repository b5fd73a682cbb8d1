"""`--rehearse`, what commands with it share: the recipe as it is rehearsed, what is said of that, and its run."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from resep.commands.loading import let_through
from resep.printable import on_one_line

if TYPE_CHECKING:
    from resep.recipe import Recipe
    from resep.rehearsal import Note, Rehearsal, Rehearsed

FOLDER = ".rehearsals"  # below runs/: the run folders, and beside a store: the rehearsals' own store


def rehearse_argument(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument("--rehearse", action="store_true", help=what)


def loader(args: argparse.Namespace) -> Callable[[Sequence[str]], Recipe]:
    """A function: overrides of a rehearsal -> the recipe that the arguments name, with these laid over."""
    from resep.bundle.unpack import found_here, is_bundle, open_bundle
    from resep.recipe import load

    path, typed = args.recipe, list(args.overrides)
    if is_bundle(path):
        bundle = open_bundle(path)
        path, typed = bundle.recipe, [*typed, *found_here(bundle, typed)]
    environment = let_through(args.allow_env)
    return lambda overrides: load(path, typed, environment=environment, rehearsal=overrides)


def as_rehearsed(args: argparse.Namespace, recipe: Recipe) -> tuple[Recipe, Rehearsal]:
    """The recipe as it would be rehearsed at first. Nothing is made for that."""
    from resep.rehearsal import few_rows, rehearsal_of, stand_ins_of

    load = loader(args)
    rehearsal = few_rows(recipe, rehearsal_of(recipe, stand_ins_of(recipe), load))
    return load(rehearsal.overrides), rehearsal


def run_rehearsal(args: argparse.Namespace, recipe: Recipe, runs: Path) -> int:
    """Rehearse a recipe, its preflight passed, and say what came of it."""
    from resep.rehearsal import Means, make_stand_ins, rehearsal_of, rehearse, require_rows, stand_ins_of
    from resep.store import Store, check_writable
    from resep.terminal import reporting

    started = time.monotonic()
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # in a tiny model, threads only wait for each other
    require_rows(recipe)
    store = args.store.with_name(FOLDER) / ".store"
    check_writable(store)
    load = loader(args)
    with reporting() as emit:
        stand_ins = make_stand_ins(recipe, stand_ins_of(recipe), emit)
    rehearsal = rehearsal_of(recipe, stand_ins, load)
    print("\n".join(lines(recipe, rehearsal.notes)), file=sys.stderr)
    with reporting() as emit:
        means = Means(Store(store, recipe["name"]), emit, args.axolotl_python, args.until)
        rehearsed = rehearse(recipe, rehearsal, load, means)
    return _conclude(args.recipe, rehearsed, runs, time.monotonic() - started)


def lines(recipe: Recipe, notes: Sequence[Note]) -> Iterator[str]:
    """What a rehearsal is and what it is not, for the terminal."""
    yield (
        f"Rehearsal of {recipe['name']}: its own stages with a tiny random model, a few rows and 2 steps; "
        "the numbers mean nothing"
    )
    yield from (f"  {note.kind:<10}  {on_one_line(note.text)}" for note in notes)


def differences(recipe: Recipe, rehearsal: Rehearsal) -> Iterator[str]:
    """What is laid over the recipe, key by key."""
    from resep.document.inline import inline
    from resep.recipe.listing import WIDTH, label, shortened

    width = max(len(change.key) for change in rehearsal.changes) + 2
    for change in rehearsal.changes:
        origin = recipe.origin(change.key)
        place = f"    (in place of {label(recipe, origin)})" if origin else ""
        value = "taken away" if change.value is None else inline(change.value)
        yield f"  {change.key:<{width}}{shortened(on_one_line(value), WIDTH - width)}{place}"


def _conclude(recipe: Path, rehearsed: Rehearsed, runs: Path, seconds: float) -> int:
    from resep.runs import publish

    if "report" not in rehearsed.folders:
        print(f"\nRehearsed up to {list(rehearsed.folders)[-1]} in {seconds:.0f} s")
        return 0
    folder = publish(runs / FOLDER, rehearsed.recipe, rehearsed.folders)
    print(f"\nEvery stage was rehearsed in {seconds:.0f} s. Its numbers mean nothing: {folder / 'report.html'}")
    print(f"A few rows went through. Whether all are as short as training wants them: resep data {recipe} --tokens")
    return 0
