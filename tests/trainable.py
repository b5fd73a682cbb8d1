"""A recipe and tokenised rows that training can start from, for the tests of the converter and the train stage."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from resep.hardware import Profile
from resep.recipe import Recipe, load

CPU = Profile("cpu", 0, 16.0, "a CPU", 2)
CUDA = Profile("cuda", 1, 80.0, "a GPU", 16, (9, 0))
SPLITS = {
    "train": {"rows": 220, "tokens": 15_400, "trained_tokens": 9_000, "longest": 131, "over_limit": 0},
    "validation": {"rows": 30, "tokens": 2_100, "trained_tokens": 1_300, "longest": 118, "over_limit": 0},
}


def recipe(folder: Path, **training: Any) -> Recipe:
    """A loaded recipe with these keys under `training`."""
    data = {
        "resep": 1,
        "name": "test",
        "model": {"base": "smollm2-135m-instruct"},
        "data": {"sources": [{"path": "rows.jsonl"}]},
        "training": {"batch_size": 8, "sequence_len": 256, "learning_rate": 0.001, **training},
        "evaluation": {"primary": "exact_match", "evaluators": {"exact_match": {}}},
    }
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    return load(path)


def tokenised(folder: Path, rows: int = 24, validation_rows: int = 6, *, masked: bool = False) -> Path:
    """What the tokenise stage leaves, over random tokens of the tiny model's vocabulary. `masked`: trains on none."""
    folder.mkdir(parents=True)
    numbers = random.Random(0)
    splits = {
        name: _write_split(folder / f"{name}.parquet", [_row(numbers, masked) for _ in range(count)])
        for name, count in (("train", rows), ("validation", validation_rows))
    }
    (folder / "statistics.json").write_text(json.dumps({"splits": splits}), encoding="utf-8")
    return folder


def _row(numbers: random.Random, masked: bool) -> dict[str, list[int]]:
    ids = [1, *(numbers.randint(1000, 1200) for _ in range(numbers.randint(8, 20))), 2]
    labels = [-100] * len(ids) if masked else [-100] * 4 + ids[4:]
    return {"input_ids": ids, "attention_mask": [1] * len(ids), "labels": labels}


def _write_split(file: Path, rows: list[dict[str, list[int]]]) -> Mapping[str, int]:
    import pyarrow
    import pyarrow.parquet

    kind = pyarrow.list_(pyarrow.int32())
    columns = {name: pyarrow.array([row[name] for row in rows], type=kind) for name in rows[0]}
    pyarrow.parquet.write_table(pyarrow.table(columns), file)
    lengths = [len(row["input_ids"]) for row in rows]
    trained = sum(label >= 0 for row in rows for label in row["labels"])
    return {
        "rows": len(rows),
        "tokens": sum(lengths),
        "trained_tokens": trained,
        "longest": max(lengths),
        "over_limit": 0,
    }
