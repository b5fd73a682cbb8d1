"""The folder of a run, opened: its recipe, and the base model that it was made with, found again and checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from resep import pipeline
from resep.bundle.unpack import Bundle, found_here
from resep.errors import ResepError
from resep.models import Model
from resep.recipe import load
from resep.repeatable import INPUTS, Input, read_inputs
from resep.run_folder import RunFolder
from resep.stages.generate.adapters import Adapter
from resep.stages.generate.arms import Arm, read_arm
from resep.store import Emit

if TYPE_CHECKING:
    from resep.recipe import Recipe

_BASE = "model.base"


@dataclass(frozen=True)
class OpenedRun:
    """`model` is the base model, and no other than the one that the run was made with.

    Of a folder that was handed over: `adapter`, or `is_whole`, where it holds the tuned model alone.
    """

    folder: Path
    recipe: Recipe
    model: Model
    adapter: Adapter | None = None
    is_whole: bool = False

    def arm(self, name: str, emit: Emit) -> Arm:
        """An arm that can be asked new prompts. Raises ResepError, with the nearest name, where there is none."""
        arm = read_arm(self.recipe, name, self.model, emit)
        if arm.choice:
            raise ResepError(
                f"{name} is shown training rows, and a run's folder holds none: choose another arm, such as tuned"
            )
        if self.is_whole and arm.weights == "base":
            raise ResepError(f"{self.folder} holds the tuned model alone, without its base: ask tuned")
        if arm.weights != "tuned" or not (self.adapter or self.is_whole):
            return arm
        return replace(arm, weights="adapter" if self.adapter else "base", adapter=self.adapter)


def open_for_asking(run: RunFolder, overrides: Sequence[str], emit: Emit) -> OpenedRun:
    """The run with its recipe loaded, `overrides` laid over it as `--set` does.

    A model or an adapter that was a folder beside the recipe is looked for below the current folder, unless an override
    says where it is. Raises ResepError where the base model is not there, or is another one.
    """
    recipe_folder = run.path / "recipe"
    inputs = _inputs(run, recipe_folder)
    weights = tuple(each for each in inputs if not each.key.startswith("data."))
    bundle = Bundle(run.path, recipe_folder, weights)
    recipe = load(bundle.recipe, [*overrides, *found_here(bundle, overrides)])
    return OpenedRun(run.path, recipe, _base_model(run, recipe, weights, emit))


def _inputs(run: RunFolder, folder: Path) -> list[Input]:
    try:
        return read_inputs(folder)
    except FileNotFoundError as error:
        raise ResepError(f"{run.path} has no recipe/{INPUTS}: run its recipe again, what is done is reused") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ResepError(f"{folder / INPUTS} is damaged: run the recipe again, it writes it anew") from error


def _base_model(run: RunFolder, recipe: Recipe, weights: Sequence[Input], emit: Emit) -> Model:
    was = next((each for each in weights if each.key == _BASE), None)
    try:
        model = pipeline.base_model(recipe, emit)
    except ResepError as error:
        if was is None:
            raise
        raise ResepError(
            f"the run's base model was the folder {was.given} ({was.digest}), and it is not at {was.path} below the "
            f"current folder: say where it is with --set {_BASE}=FOLDER"
        ) from error
    known = {facts.get("model") for facts in run.results["arms"].values() if facts.get("weights") in ("base", "tuned")}
    if known and model.identity not in known:
        raise ResepError(
            f"the base model is {model.identity}, and the run was made with {', '.join(sorted(map(str, known)))}: what "
            "was trained means nothing on other weights"
        )
    return model
