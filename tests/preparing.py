"""Prepare a recipe's rows in a test, and read what came out."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from resep import Example
from resep.private_digests import FACTS, PRIVATE
from resep.recipe import Recipe, load
from resep.records import read_jsonl
from resep.stages import prepare
from resep.store import Task

HEAD = "resep: 1\nname: trial\nmodel: {base: smollm2-135m-instruct}\n"
SOURCE = "data: {sources: [{path: rows.jsonl, fields: {category: category}}], max_dropped: 1}\n"
EVALUATION = "evaluation: {primary: exact_match, evaluators: {exact_match: {}}}\n"
SPLITS = ("train", "validation", "test")


def recipe(folder: Path, text: str = SOURCE, *overrides: str) -> Recipe:
    (folder / "recipe.yaml").write_text(HEAD + textwrap.dedent(text) + EVALUATION)
    return load(folder / "recipe.yaml", overrides)


def write_rows(folder: Path, rows: Sequence[Any], name: str = "rows.jsonl") -> None:
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    (folder / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def prepared(loaded: Recipe, folder: Path, events: list[Mapping[str, Any]] | None = None) -> Path:
    """The folder that the stage filled: its outputs and, where there is personal data, its digests."""
    out = folder / "out"
    out.mkdir(exist_ok=True)
    stage = prepare.stage(loaded)
    task = Task(stage.name, stage.config, {}, out)
    assert list(stage.run([task], ([] if events is None else events).append)) == [task]
    assert sorted(path.name for path in out.iterdir() if path.name not in (PRIVATE, FACTS)) == sorted(stage.outputs)
    return out


def examples(out: Path, *splits: str) -> list[Example]:
    return [example for split in splits or SPLITS for example in read_jsonl(out / f"{split}.jsonl", Example)]


def ledger(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "ledger.jsonl").read_text(encoding="utf-8").splitlines()]


def statistics(out: Path) -> dict[str, Any]:
    return dict(json.loads((out / "statistics.json").read_text(encoding="utf-8")))


def row(number: int, **fields: Any) -> dict[str, Any]:
    return {"prompt": f"How do I do {number}?", "response": ["Open it.", "Close it."], "category": "c", **fields}
