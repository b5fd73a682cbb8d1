"""What steps need besides their options: the files that `files` names and the folder of a `model`, relative to the
recipe and below it as all its paths, and the model that a `tokenizer` left open means, which is the recipe's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resep import models
from resep.models.named import named_by
from resep.recipe.paths import is_written_as_folder
from resep.sources import SourceFile
from resep.sources.found import check_file

if TYPE_CHECKING:
    from resep.recipe import Recipe, StepSpec

OPTION = "files"  # of a plug-in: a list of paths
MODEL = "model"  # of a plug-in: a model's name, or a folder written ./folder
TOKENIZER = "tokenizer"  # of a plug-in: a model's name, or null


def step_files(recipe: Recipe) -> dict[str, Path]:
    """The files by their names in the recipe: what the stage reads. Raises ResepError where one cannot be read."""
    named = [file for index in range(len(recipe.steps)) for file in _located(recipe, index)]
    for name, path in named:
        check_file(SourceFile(path, name))
    return dict(named)


def located_steps(recipe: Recipe) -> tuple[StepSpec, ...]:
    """The steps as they are run: files and model by their paths on this machine, which no key of a stage holds."""
    return tuple(replace(step, options=_located_options(recipe, index)) for index, step in enumerate(recipe.steps))


def model_identities(recipe: Recipe) -> dict[str, str]:
    """For the stage's key: the models that steps read: the recipe's own, where they leave it open, and folders."""
    found = {}
    for index, step in enumerate(recipe.steps):
        if _wants_tokenizer(step):
            found["preprocessing.tokenizer"] = models.identify(*named_by(recipe))
        if folder := _model_folder(recipe, index):
            found[f"preprocessing[{index}].{MODEL}"] = models.identify(str(folder))
    return found


def _located_options(recipe: Recipe, index: int) -> Mapping[str, Any]:
    step = recipe.steps[index]
    located: dict[str, Any] = {}
    if step.options.get(OPTION):
        located[OPTION] = [str(path) for _, path in _located(recipe, index)]
    if folder := _model_folder(recipe, index):
        located[MODEL] = str(folder)
    if _wants_tokenizer(step):
        located[TOKENIZER] = "@".join(filter(None, named_by(recipe)))
    return {**step.options, **located}


def _model_folder(recipe: Recipe, index: int) -> Path | None:
    step = recipe.steps[index]
    name = step.options.get(MODEL)
    if not isinstance(name, str) or step.options.get("endpoint") or not is_written_as_folder(name):
        return None
    return recipe.locate(f"preprocessing[{index}].{step.name}.{MODEL}")


def _wants_tokenizer(step: StepSpec) -> bool:
    """Whether the step counts tokens, and leaves open which."""
    return step.options.get(TOKENIZER, "") is None and step.options.get("unit", "tokens") == "tokens"


def _located(recipe: Recipe, index: int) -> Iterator[tuple[str, Path]]:
    step = recipe.steps[index]
    for at, name in enumerate(step.options.get(OPTION) or ()):
        yield name, recipe.locate(f"preprocessing[{index}].{step.name}.{OPTION}[{at}]")
