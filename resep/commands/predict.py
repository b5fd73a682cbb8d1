"""Answers of a run's tuned model to a file of new prompts, cleaned, rendered and decoded as in the run."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from resep.commands.loading import refuse_or_warn, require_trust, set_argument, store_arguments
from resep.errors import ResepError

if TYPE_CHECKING:
    from resep.predicting.writing import Format


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", help="a run's folder, NAME/ID, a recipe's name, or a folder with a resep.json")
    parser.add_argument(
        "file",
        type=Path,
        help="the prompts: .txt (one per line), or rows (.jsonl, .csv, .parquet ...) with `prompt` or `messages`",
    )
    parser.add_argument("--arm", default="tuned", help="who answers (default: tuned); base, or an arm of the recipe")
    parser.add_argument("--out", type=Path, metavar="FILE", help="where to write the answers (default: on the screen)")
    parser.add_argument("--format", choices=("csv", "jsonl"), help="default: as --out is called, else csv")
    set_argument(parser, "a value of the run's recipe, e.g. generation.max_new_tokens=300")
    store_arguments(parser)


def main(args: argparse.Namespace) -> int:
    from resep.endpoints.consent import agree
    from resep.predicting import predict
    from resep.predicting.handed_over import open_named
    from resep.predicting.questions import asked, read_questions
    from resep.predicting.writing import write, write_file
    from resep.store import check_writable
    from resep.terminal import reporting

    form = _format(args.format, args.out)
    questions = read_questions(args.file)
    for server in args.send_to:
        agree(server)
    check_writable(args.store)
    with reporting() as emit:
        opened = open_named(args.run, args.overrides, emit)
        refuse_or_warn([each for each in opened.recipe.warnings if each.file.startswith("--set")])
        require_trust(opened.recipe, args.trust)
        examples = asked(questions, opened.recipe.steps, opened.recipe["prompt.system"])
        samples = predict(opened, args.arm, examples, args.store, emit)
    if args.out:
        write_file(args.out, form, questions, samples)
        print(f"{args.out}: {len(samples)} answers of {args.arm}")
    else:
        sys.stdout.reconfigure(newline="")  # type: ignore[union-attr]
        write(sys.stdout, form, questions, samples)
    return 0


def _format(named: Format | None, out: Path | None) -> Format:
    suffix = out.suffix.lower() if out else ".csv"
    if named:
        return named
    if suffix not in (".csv", ".jsonl"):
        raise ResepError(f"--out {out}: answers are written as .csv or .jsonl; name the file so, or add --format")
    return "csv" if suffix == ".csv" else "jsonl"
