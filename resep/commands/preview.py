"""Show prepared examples as the model sees them: the rendered text, its tokens, and which of them are trained on."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from itertools import groupby, islice
from operator import itemgetter
from typing import Any

from resep.commands.loading import recipe_arguments, run_until, store_arguments


def arguments(parser: argparse.ArgumentParser) -> None:
    recipe_arguments(parser)
    store_arguments(parser)
    parser.add_argument("--rows", type=int, default=3, metavar="N", help="how many training examples (default: 3)")
    parser.add_argument("--json", action="store_true", help="one JSON object per example instead of coloured text")


def main(args: argparse.Namespace) -> int:
    from resep import pipeline
    from resep.hosted.service import service_of
    from resep.records import Example, read_jsonl
    from resep.stages.chat_template import chat_template
    from resep.stages.tokenise import preview
    from resep.templates import load_template, load_tokenizer
    from resep.terminal import reporting

    recipe, folders = run_until(args, "prepare")
    examples = islice(read_jsonl(folders["prepare"] / "train.jsonl", Example), args.rows)
    if service_of(recipe):
        from resep.plugins import open_plugin

        converter = open_plugin(recipe.plugin("converters", recipe["training.trainer"]))
        print("".join(map(converter.line, examples)), end="")  # as it is sent; the service renders it
        return 0
    with reporting() as emit:
        tokenizer = load_tokenizer(pipeline.base_model(recipe, emit).tokenizer_folder())
    template = load_template(*chat_template(recipe), tokenizer)
    for example in examples:
        shown = preview(example, template, tokenizer, recipe["prompt.train_on"])
        print(json.dumps(shown, ensure_ascii=False)) if args.json else _print(shown)
    return 0


def _print(shown: Mapping[str, Any]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.text import Text

    from resep.printable import on_one_line, printable

    console = Console(highlight=False, soft_wrap=True)
    text, marks, how = Text(), ("", ""), "green"
    if console.no_color or not console.is_terminal:  # colours would be lost
        marks, how = ("⟦", "⟧"), "between ⟦ and ⟧"
    for trained, run in groupby(zip(shown["tokens"], shown["trained"], strict=True), key=itemgetter(1)):
        words = printable("".join(token for token, _ in run))
        text.append(words.join(marks) if trained else words, style="bold green" if trained else "dim")
    name = escape(on_one_line(shown["id"]))
    console.print(f"[bold]{name}[/bold] · {len(shown['ids'])} tokens, {sum(shown['trained'])} trained on ({how})")
    console.print(text, "")
