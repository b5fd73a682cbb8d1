"""Tokenise: prepared conversations -> parquet files of ids and labels that any trainer reads, and what they hold.

train.parquet and validation.parquet have the columns input_ids, attention_mask and labels (list<int32>); a label is
-100 where a token is not trained on. Both files are always written: a split without rows is a file without rows.
statistics.json counts per split (test rows too, of which nothing is written), and names every row that was too long,
with what it lost; lengths.json has the rows of each length. ledger.jsonl is prepare's, with the rows given up here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resep.stages.chat_template import chat_template
from resep.store import Emit, Stage, Task

if TYPE_CHECKING:
    from resep.models import Model
    from resep.recipe import Recipe
    from resep.records import Example
    from resep.templates import Template, Tokenizer, TrainOn

OUTPUTS = ("train.parquet", "validation.parquet", "statistics.json", "lengths.json", "ledger.jsonl")


def stage(recipe: Recipe, model: Model) -> Stage:
    """The stage of a recipe. Of the model only the tokenizer is read; the template's file counts by its content."""
    from resep.templates import find_template

    name, folder = chat_template(recipe)
    path = find_template(name, folder)
    return Stage(
        name="tokenise",
        run=partial(_run, template_folder=folder, model=model),
        config={
            "model": model.identity,
            "prompt.chat_template": name,
            **recipe.pick("prompt.train_on", "training.sequence_len", "training.overflow"),
        },
        outputs=OUTPUTS,
        needs={"prepare": ("train.jsonl", "validation.jsonl", "test.jsonl", "ledger.jsonl")},
        reads={} if path is None else {"chat_template": path},
    )


def preview(example: Example, template: Template, tokenizer: Tokenizer, train_on: TrainOn) -> dict[str, Any]:
    """An example as the model sees it: rendered text, ids, tokens as readable text, and which are trained on."""
    from resep.templates import encode

    encoded = encode(template, tokenizer, example.messages, train_on, example.tools)
    return {
        "id": example.id,
        "template": template.name,
        "text": encoded.text,
        "tokens": [tokenizer.readable(token_id) for token_id in encoded.ids],
        "ids": encoded.ids,
        "trained": encoded.trained,
    }


def _run(tasks: Sequence[Task], emit: Emit, *, template_folder: Path, model: Model) -> Iterator[Task]:
    from resep.stages.tokenise.write import tokenise
    from resep.templates import load_template, load_tokenizer

    for task in tasks:
        tokenizer = load_tokenizer(model.tokenizer_folder())
        template = load_template(task.config["prompt.chat_template"], template_folder, tokenizer)
        tokenise(task, template, tokenizer, emit)
        yield task
