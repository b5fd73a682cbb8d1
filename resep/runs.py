"""The run folder: what a person wants from a run, gathered from the store under a name derived from its content.

`runs/<recipe name>/<run id>/` holds the report, the results, the samples and scores, the ledger, the training config,
the adapter and the logs, and in `recipe/` what it takes to repeat it (repeatable.py); `runs/<recipe name>/latest`
points at the newest. The same content lands in the same folder. The adapter, and the merged model where the recipe asks
for one (`model/`), have with them what others need to use them (handover/).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resep import sources
from resep.document.writer import dump_yaml
from resep.handover.folders import complete
from resep.handover.tokenizer import FOLDER as TOKENIZER
from resep.hosted.service import FINE_TUNED
from resep.placing import place
from resep.predictions import write_predictions
from resep.preflight.model import folder_here
from resep.rating import store as ratings
from resep.recipe.arms import placed_arms, source_of
from resep.recipe.lock import FILES, KEY, LOCK, locked_parents
from resep.recipe.paths import is_address
from resep.repeatable import write_repeatable
from resep.sources.found import digest_of, local_files
from resep.stages.report import render
from resep.store import read_stage

if TYPE_CHECKING:
    from resep.recipe import Recipe

_ID_DIGITS = 12


def publish(root: Path, recipe: Recipe, folders: Mapping[str, Path]) -> Path:
    """Lay out the run folder below `root` and return it."""
    folder = root / str(recipe["name"]) / folders["report"].name[:_ID_DIGITS]
    folder.mkdir(parents=True, exist_ok=True)
    for source, target in _wanted(folders):
        place(source, folder / target)
    _write_predictions(recipe, folders, folder / "predictions.csv")
    if (folder / ratings.FILE).exists():  # people have rated this very run: its page shows what they said
        render(folder)
    if tokenizer := _tokenizer(recipe, folders["train"]):
        complete(folder, recipe, tokenizer)
    (folder / LOCK).write_text(dump_yaml(_lock(recipe, folders)), encoding="utf-8")
    write_repeatable(recipe, folder / "recipe", _digests(recipe, folders))
    _point(folder.parent / "latest", folder.name)
    return folder


def _wanted(folders: Mapping[str, Path]) -> Iterator[tuple[Path, str]]:
    for name in ("report.html", "report.md", "results.json", "samples.jsonl", "scores.jsonl"):
        yield folders["report"] / name, name
    yield folders["tokenise"] / "ledger.jsonl", "ledger.jsonl"
    yield from ((file, file.name) for file in folders["prepare"].glob("quarantined.jsonl"))
    yield from ((folders["configure"] / name, name) for name in read_stage(folders["configure"])["outputs"])
    yield from ((file, file.name) for file in folders["train"].glob(FINE_TUNED))
    trained = [folders["train"] / "adapter", folders["train"] / "model"]  # the second for `training.method: full`
    for weights in [*trained, *([folders["merge"] / "model"] if "merge" in folders else [])]:
        yield from ((file, f"{weights.name}/{file.name}") for file in sorted(weights.glob("*")))
    for name, folder in folders.items():
        yield from ((log, f"logs/{name.replace(':', '-')}.txt") for log in folder.rglob("log.txt"))


def _tokenizer(recipe: Recipe, train: Path) -> Path | None:
    """The folder with the tokenizer that the training used. A training of an earlier Resep kept none: then that of the
    base model; where that is no longer here, the adapter stays as it was.
    """
    kept = train / TOKENIZER
    if kept.is_dir():
        return kept
    has_weights = (train / "adapter").is_dir() or (train / "model").is_dir()
    return folder_here(recipe) if has_weights else None


def _write_predictions(recipe: Recipe, folders: Mapping[str, Path], file: Path) -> None:
    """The arms in the recipe's order."""
    samples = {arm: folders[f"generate:{arm}"] / "samples.jsonl" for arm in recipe.arms if f"generate:{arm}" in folders}
    if samples:
        write_predictions(file, samples, recipe["prompt.response_format"])


def _digests(recipe: Recipe, folders: Mapping[str, Path]) -> dict[str, str]:
    """What the stages know of the recipe's inputs, by the keys that name them."""
    reads = read_stage(folders["prepare"])["ingredients"]["reads"]
    by_path = {path: reads.get(word) for word, path in sources.reads(recipe).items()}
    known: dict[str, str | None] = {}
    for index, source in enumerate(recipe["data.sources"]):
        if source.get("path") and not is_address(source["path"]):
            digests = [by_path[file.path] for file in local_files(recipe, index)]
            present = [each for each in digests if each]
            known[f"data.sources[{index}].path"] = digest_of(present) if len(present) == len(digests) else None
        if table := sources.lookup_file(recipe, index):
            known[f"data.sources[{index}].lookup.path"] = by_path[table.path]
    known["model.base"] = read_stage(folders["train"])["ingredients"]["config"].get("model")
    for index, name, options in placed_arms(recipe["generation.arms"]):
        if source_of(options) == "model":
            config = read_stage(folders[f"generate:{name}"])["ingredients"]["config"]
            known[f"generation.arms[{index}].{name}.model"] = config["model"]
    for name in recipe.evaluators:
        config = read_stage(folders[f"evaluate:{name}"])["ingredients"]["config"]
        known[f"evaluation.evaluators.{name}.encoder"] = config.get("encoder")
    return {key: digest for key, digest in known.items() if digest}


def _lock(recipe: Recipe, folders: Mapping[str, Path]) -> dict[str, object]:
    """The resolved recipe with the digests that pin what it ran on."""
    stages = {name: json.loads((folder / "stage.json").read_text(encoding="utf-8")) for name, folder in folders.items()}
    return {
        "recipe": recipe.data,
        KEY: locked_parents(recipe.files),
        "reads": {f"{name}/{word}": d for name, s in stages.items() for word, d in s["ingredients"]["reads"].items()},
        "stages": {name: stage["key"] for name, stage in stages.items()},
        FILES: _written(stages),
        "versions": stages["train"]["provenance"]["versions"],
    }


def _written(stages: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Digests of the files that are taken over from stages as they are, by which `resep verify` knows them."""
    ledger = {name: digest for name, digest in stages["tokenise"]["outputs"].items() if name == "ledger.jsonl"}
    return {**stages["report"]["outputs"], **stages["configure"]["outputs"], **ledger}


def _point(link: Path, target: str) -> None:
    new = link.with_name(f"{link.name}.{os.getpid()}.new")  # two runs may end at once
    new.unlink(missing_ok=True)
    new.symlink_to(target)
    new.replace(link)
