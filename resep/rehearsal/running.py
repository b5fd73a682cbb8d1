"""Running a rehearsal: few rows first, more where too little is left of them; then every stage."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resep import pipeline
from resep.errors import StageError
from resep.hardware import detect
from resep.provenance import provenance
from resep.records import Score, read_jsonl
from resep.rehearsal.data import PORTIONS, Portion, few_rows
from resep.rehearsal.records import Load, Rehearsal
from resep.store import Emit, Stage, Store

if TYPE_CHECKING:
    from resep.recipe import Recipe

_OF_THE_ROWS = ("prepare", "tokenise", "configure", "choose")  # stages that may fail for nothing but few rows
_CRASH = re.compile(r"[A-Za-z_]\w*(Error|Exception): ")  # how the error of a row begins in which a plug-in crashed


@dataclass(frozen=True)
class Rehearsed:
    """The recipe as it was rehearsed, and the folders of its stages."""

    recipe: Recipe
    folders: Mapping[str, Path]


@dataclass(frozen=True)
class Means:
    """What a rehearsal is run with: its store, who is told, which Python has Axolotl, the kind of the last stage."""

    store: Store
    emit: Emit
    axolotl_python: str
    until: str | None = None


def rehearse(recipe: Recipe, rehearsal: Rehearsal, load: Load, means: Means) -> Rehearsed:
    """Every stage. Raises StageError where the real run would fail, and where an evaluator crashes in all rows.

    A stage that was rehearsed before is reused where nothing changed that it depends on, installed packages included.
    """
    for portion, more in zip(PORTIONS, [*PORTIONS[1:], None], strict=True):
        try:
            return _rehearse(recipe, rehearsal, load, means, portion, more)
        except StageError as error:
            if more is None or error.stage.partition(":")[0] not in _OF_THE_ROWS:
                raise
            rows = "all rows" if more.read is None else f"{more.read:,} rows"
            reason = str(error).partition("\n")[0].removesuffix("; the longest:")
            means.emit({"event": "note", "message": f"few rows did not do ({reason}): reading {rows} of each source"})
    raise AssertionError("the last portion returns or raises")


def _rehearse(
    recipe: Recipe, rehearsal: Rehearsal, load: Load, means: Means, portion: Portion, more: Portion | None
) -> Rehearsed:
    rehearsed = load(few_rows(recipe, rehearsal, portion).overrides)
    stages = pipeline.plan(rehearsed, detect("cpu"), means.emit, means.axolotl_python)
    emit = _without_small_worries(means.emit)
    emit = _requiring_rows(recipe, emit) if more else emit
    folders = pipeline.run([_of_a_rehearsal(stage, rehearsal) for stage in stages], means.store, emit, means.until)
    _refuse_crashes(folders)
    return Rehearsed(rehearsed, folders)


def _of_a_rehearsal(stage: Stage, rehearsal: Rehearsal) -> Stage:
    """Real stages do not depend on the versions of packages; a rehearsal is about what is installed here."""
    if stage.kind == "report":
        return replace(stage, config={**stage.config, "rehearsal": [vars(note) for note in rehearsal.notes]})
    return replace(stage, config={**stage.config, "versions": provenance()["versions"]})


def _without_small_worries(emit: Emit) -> Emit:
    """`emit` without the warnings of `prepare`: of so few rows they say that they are few. The report has them."""
    running = [""]

    def emit_the_rest(event: Mapping[str, Any]) -> None:
        if event["event"] == "stage":
            running[0] = event["name"]
        if not (event["event"] == "warning" and running[0] == "prepare"):
            emit(event)

    return emit_the_rest


def _requiring_rows(recipe: Recipe, emit: Emit) -> Emit:
    """`emit`, which ends the run after `tokenise` where no validation rows are left and the recipe wants some."""
    wants_validation = bool(recipe["split.fractions.validation"]) or recipe["split.by"] == "split"
    wants_validation |= bool((recipe["split.files"] or {}).get("validation"))

    def emit_and_look(event: Mapping[str, Any]) -> None:
        emit(event)
        if wants_validation and event["event"] == "finished" and event["name"] == "tokenise":
            found = json.loads((Path(event["folder"]) / "statistics.json").read_text(encoding="utf-8"))
            if not found["splits"]["validation"]["rows"]:
                raise StageError("tokenise", "no validation rows are left of them")

    return emit_and_look


def _refuse_crashes(folders: Mapping[str, Path]) -> None:
    """A run keeps a crash in the row where it happened; an evaluator that crashes in every row is a broken one."""
    for name, folder in folders.items():
        if not name.startswith("evaluate:"):
            continue
        errors = [score.error or "" for score in read_jsonl(folder / "scores.jsonl", Score)]
        if errors and all(map(_CRASH.match, errors)):
            raise StageError(name, f"it crashed in every one of {len(errors)} rows: {errors[0]}")
