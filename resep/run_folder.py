"""A finished run as its folder holds it: found by path or name, and read back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from resep.errors import ResepError
from resep.records import Metric, Sample, Score, read_jsonl
from resep.suggest import did_you_mean

RUNS = Path("runs")
_OF_A_METRIC = ("direction", "low", "high", "kind", "unit", "help")
_RELATIVE = ("judge_preference",)  # in runs that were written before a metric said so itself
_FACTS = {*_OF_A_METRIC, "evaluator", "signature", "arms", "comparisons"}


@dataclass(frozen=True)
class RunFolder:
    """A run: its folder (resolved) and its results.json."""

    path: Path
    results: dict[str, Any]

    @property
    def name(self) -> str:
        """`quickstart/c7604d8cb3e6`."""
        return f"{self.path.parent.name}/{self.path.name}"

    def samples(self) -> list[Sample]:
        return _read(self.path / "samples.jsonl", Sample)

    def scores(self) -> list[Score]:
        return _read(self.path / "scores.jsonl", Score)


def open_run(named: str, runs: Path = RUNS) -> RunFolder:
    """The run that `named` means: its folder, a recipe's name for its newest run, or `name/id` below `runs`.

    An id may be cut short. Raises ResepError, with the nearest name, where there is no such run.
    """
    path = find_run(named, runs)
    try:
        results = json.loads((path / "results.json").read_text(encoding="utf-8"))
    except ValueError as error:
        raise ResepError(f"{path / 'results.json'} is damaged ({error}): run the recipe again") from error
    metrics = results.get("metrics") if isinstance(results, dict) else None
    if not isinstance(metrics, dict) or not all(isinstance(m, dict) and m.keys() >= _FACTS for m in metrics.values()):
        raise ResepError(f"{path / 'results.json'} is not what a run writes")
    return RunFolder(path, results)


def metric_of(name: str, facts: Mapping[str, Any]) -> Metric:
    """A metric as its evaluator declared it, from its entry in results.json."""
    relative = facts.get("relative", name in _RELATIVE)
    return Metric(name, **{key: facts[key] for key in _OF_A_METRIC}, relative=relative)


def find_run(named: str, runs: Path = RUNS) -> Path:
    """The folder of that run, resolved; see `open_run`."""
    recipe, _, run = named.strip("/").partition("/")
    begins_so = sorted((runs / recipe).glob(f"{run}*")) if run and _is_name(recipe) and _is_name(run) else []
    for folder in (Path(named), runs / named / "latest", runs / named, *begins_so):
        if (folder / "results.json").is_file():
            return folder.resolve()
    if Path(named).suffix in (".yaml", ".yml"):
        raise ResepError(f"{named} is a recipe, not a run: `resep run {named}` makes a run and says where it lies")
    known = sorted({path.parent.parent.name for path in runs.glob("*/*/results.json")})
    there = f"; {runs} holds runs of {', '.join(known)}" if known else f"; {runs} holds none yet"
    hint = did_you_mean(named, known) or f"{there}: `resep run RECIPE` makes one"
    raise ResepError(f"{named} is not the folder of a finished run, and {runs}/{named}/latest is none either{hint}")


def _is_name(text: str) -> bool:
    return not set(text) & set("*?[]/") and text != ".."


def _read(path: Path, kind: Any) -> list[Any]:
    try:
        return list(read_jsonl(path, kind))
    except FileNotFoundError:
        raise ResepError(f"{path} is missing: a run's folder holds it") from None
    except (ValueError, TypeError) as error:
        raise ResepError(f"{path} is damaged: {error}") from error
