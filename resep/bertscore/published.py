"""What the bert-score library ships as data, read without importing it: that costs 2.5 CPU seconds, and matplotlib."""

from __future__ import annotations

import ast
import csv
import importlib.util
from pathlib import Path

from resep.errors import ResepError

Baseline = tuple[float, float, float]  # of precision, recall and F1: what unrelated texts have


def baseline(encoder: str, language: str, layer: int) -> Baseline:
    """The library's baseline for an encoder by its name without owner. Raises ResepError where it has none."""
    tables = {
        file.relative_to(_tables()).parts[0]: file for file in _tables().rglob("*.tsv") if file.name == f"{encoder}.tsv"
    }
    if language not in tables:
        known = f"only in {', '.join(sorted(tables))}" if tables else "in no language: leave `rescale` out"
        raise ResepError(f"bertscore.rescale: '{language}': bert-score has a baseline of {encoder} {known}")
    with tables[language].open(encoding="utf-8") as file:
        rows = {int(row["LAYER"]): row for row in csv.DictReader(file)}
    if layer not in rows:
        layers = f"the layers 0 to {max(rows)}, not {layer}"
        raise ResepError(f"bertscore.rescale: bert-score has baselines of {encoder} for {layers}")
    return (float(rows[layer]["P"]), float(rows[layer]["R"]), float(rows[layer]["F"]))


def recommended_layer(encoder: str) -> int | None:
    """The layer that agreed best with people's judgement, by the library's table; None for an encoder not in it."""
    for node in ast.parse((_package() / "utils.py").read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "model2layers":
            layers: dict[str, int] = ast.literal_eval(node.value)
            return {name.rpartition("/")[2]: layer for name, layer in layers.items()}.get(encoder)
    return None


def _tables() -> Path:
    return _package() / "rescale_baseline"


def _package() -> Path:
    found = importlib.util.find_spec("bert_score")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("No module named 'bert_score'", name="bert_score")
    return Path(found.origin).parent
