"""A folder that was handed over (handover/), opened: an adapter, or a whole model, with the resep.json beside it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from resep import pipeline
from resep.errors import ResepError
from resep.handover.asking import FILE, UNASKED
from resep.models import Model, is_local
from resep.predicting.opening import OpenedRun, open_for_asking
from resep.recipe import load
from resep.run_folder import open_run
from resep.stages.generate.adapters import CONFIG, read_adapter
from resep.store import Emit

if TYPE_CHECKING:
    from resep.recipe import Recipe


def open_named(named: str, overrides: Sequence[str], emit: Emit) -> OpenedRun:
    """A folder that was handed over, or a run, as `open_run` finds it."""
    folder = Path(named)
    if (folder / FILE).is_file():
        return open_handed_over(folder, overrides, emit)
    return open_for_asking(open_run(named), overrides, emit)


def open_handed_over(folder: Path, overrides: Sequence[str], emit: Emit) -> OpenedRun:
    """The folder's recipe, `overrides` laid over it, and its base model, found and checked.

    Raises ResepError where the base model is not on this machine and cannot be fetched, or is another one.
    """
    recipe = load(folder / FILE, [*UNASKED, *overrides])
    model = _base_model(recipe, emit)
    if not (folder / CONFIG).is_file():
        return OpenedRun(folder, recipe, model, is_whole=True)
    adapter = read_adapter(folder, str(folder), model.identity, recipe["model.base"], recipe["model.revision"])
    return OpenedRun(folder, recipe, model, adapter)


def _base_model(recipe: Recipe, emit: Emit) -> Model:
    try:
        return pipeline.base_model(recipe, emit)
    except ResepError as error:
        if not is_local(recipe["model.base"]):
            raise
        raise ResepError(
            f"the base model was a folder called {Path(recipe['model.base']).name}, which nobody else has by that "
            "name: say where its weights are with --set model.base=FOLDER"
        ) from error
