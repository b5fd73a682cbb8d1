"""The files of a run's folder against each other: digests, the pages that results.json makes, predictions.csv."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from resep import __version__
from resep.digests import digest_tree
from resep.predictions import write_predictions
from resep.rating.store import FILE as RATINGS
from resep.recipe.lock import LOCK
from resep.run_folder import RunFolder
from resep.stages.report import render

if TYPE_CHECKING:
    from resep.recipe import Recipe
    from resep.verification.origin import Origin

_PAGES = ("report.html", "report.md")
_SOURCES = ("results.json", "samples.jsonl", "scores.jsonl", RATINGS)
_PREDICTIONS = "predictions.csv"
_NEVER_DIGESTED = ("adapter", "model", "logs", "quarantined.jsonl", RATINGS)
_UNMADE = "is not what results.json, samples.jsonl and scores.jsonl make"


@dataclass(frozen=True)
class Changed:
    """A file that is not what the rest of the folder says it is."""

    name: str
    why: str


@dataclass(frozen=True)
class FilesFound:
    """`unchecked`: names of files that are held against nothing."""

    changed: tuple[Changed, ...]
    unchecked: tuple[str, ...]


def compare_files(
    run: RunFolder, origin: Origin, recipe: Recipe, samples: Mapping[str, Path], work: Path
) -> FilesFound:
    """`samples`: arm -> a file with its samples alone. Works below `work`."""
    made, reason = _made_again(run, recipe, samples, work)
    differing = [name for name, is_same in made.items() if not is_same]
    maker = (run.results.get("environment") or {}).get("versions", {}).get("resep")
    of_today = maker in (None, __version__)  # another version may write a page in other words
    why = f"{_UNMADE}{f' ({reason})' if reason else ''}"
    unmade = [Changed(name, why) for name in differing if of_today]
    found = [*_undigested(run, origin, {name for name, is_same in made.items() if is_same}), *unmade]
    early = () if origin.files else ("ledger.jsonl", "axolotl.yaml")
    unchecked = [name for name in (*early, *_NEVER_DIGESTED) if (run.path / name).exists()]
    unchecked += [] if of_today else [f"{name} (made with Resep {maker})" for name in differing]
    return FilesFound(tuple({each.name: each for each in reversed(found)}.values())[::-1], tuple(unchecked))


def _undigested(run: RunFolder, origin: Origin, made: set[str]) -> Iterator[Changed]:
    """Files that have not the digest that was noted. Pages change when people rate: `made` are those made so again."""
    for name, digest in run.results["files"].items():
        if _digest(run.path / name) != digest:
            yield Changed(name, "is not the file that results.json was made from")
    for name, digest in origin.files.items():
        if name not in made and _digest(run.path / name) != digest:
            yield Changed(name, f"is not what the run left, by its digest in {LOCK}")


def _made_again(
    run: RunFolder, recipe: Recipe, samples: Mapping[str, Path], work: Path
) -> tuple[dict[str, bool], str | None]:
    """File -> whether it is, byte for byte, what the others make today; and why they make nothing, where that is so."""
    for name in _SOURCES:
        if (run.path / name).exists():
            shutil.copyfile(run.path / name, work / name)
    reason = None
    try:
        render(work)
        write_predictions(work / _PREDICTIONS, samples, recipe["prompt.response_format"])
    except (ImportError, MemoryError, OSError):
        raise
    except Exception as error:  # noqa: BLE001 (what somebody wrote into these files by hand may be anything)
        reason = f"they make none: {type(error).__name__}: {error}"
    made = [work / name for name in (*_PAGES, _PREDICTIONS)]
    return {file.name: file.exists() and _digest(run.path / file.name) == _digest(file) for file in made}, reason


def _digest(file: Path) -> str | None:
    return digest_tree(file) if file.is_file() else None
