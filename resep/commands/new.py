"""Write a commented recipe to start from, with sample rows if you have none. Nothing is overwritten."""

from __future__ import annotations

import argparse
from pathlib import Path

from resep.errors import ResepError


def arguments(parser: argparse.ArgumentParser) -> None:
    from resep.starter import tasks

    parser.add_argument("name", type=Path, help="the recipe's name, or a path: faq writes faq.yaml")
    parser.add_argument(
        "--task",
        metavar="TASK",
        help="; ".join(f"{task}: {about}" for task, about in tasks().items())
        + " (default: what your rows look like, else steps)",
    )
    parser.add_argument("--data", type=Path, metavar="FILE", help="your rows (default: data/NAME.jsonl, or a sample)")
    parser.add_argument(
        "--field",
        metavar="OURS=THEIRS",
        action="append",
        default=[],
        help="what a field is called in your rows, e.g. prompt=question (default: by its name)",
    )
    parser.add_argument("--model", help="an embedded name, a folder, or a hub id (default: the small embedded model)")
    parser.add_argument("--revision", help="a commit or a tag of a model from the hub")


def main(args: argparse.Namespace) -> int:
    from resep.own_rows import read_rows, task_of
    from resep.starter import starter, write

    path = args.name if args.name.suffix in (".yaml", ".yml") else args.name.with_name(f"{args.name.name}.yaml")
    own = args.data or path.parent / "data" / f"{path.stem}.jsonl"
    fields = _fields(args.field)
    rows = read_rows(own, path.parent, fields) if args.data or own.is_file() else None
    if fields and not rows:
        raise ResepError("--field speaks of your own rows: name their file with --data")
    task = args.task or (task_of(rows) if rows else "steps")
    made = starter(path, task, args.model, args.revision, rows)
    write(made)
    _say_what_next(path, task, made.sample, own)
    return 0


def _fields(given: list[str]) -> dict[str, str]:
    for text in given:
        if not all(text.partition("=")):
            raise ResepError(f"--field {text}: expected OURS=THEIRS, for example prompt=question")
    return {ours: theirs for ours, _, theirs in (text.partition("=") for text in given)}


def _say_what_next(path: Path, task: str, sample: Path | None, own: Path) -> None:
    print(
        f"Wrote {path} ({task}) over {own}"
        if sample is None
        else f"Wrote {path} ({task}) and {sample}, a sample of rows"
    )
    print("\nNext:")
    print(f"  resep check {path}      what is wrong with it, if anything")
    print(f"  resep preview {path}    the rows as the model will see them")
    print(f"  resep run {path}        train, compare with the base model, report")
    if sample:
        print(f"\nThe sample lets it run at once. For your own rows, replace {sample}, or name your file in {path}.")
