"""The whole pipeline on one screen: which stages a recipe has, and how they are run.

A stage is a value (store.Stage): its config, what it reads, which files of which earlier stages it needs. Keys follow
from content, so the order here is all there is to scheduling: each stage is reused or run when its turn comes.
"""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from resep import models
from resep.errors import ResepError, StageError
from resep.hosted.service import model_of, service_of
from resep.models.named import named_by
from resep.provenance import provenance
from resep.stages import evaluate, generate, merge, prepare, report
from resep.stages.evaluate.names import is_folder, local_model_options, split_revision
from resep.stages.generate.arms import other_models, outline_arms, read_arms
from resep.store import Decision, Emit, Stage, Store
from resep.trainers import trainer_of

if TYPE_CHECKING:
    from resep.hardware import Profile
    from resep.recipe import Recipe


def plan(recipe: Recipe, profile: Profile, emit: Emit, axolotl_python: str = sys.executable) -> list[Stage]:
    """The stages of a recipe on a machine, in the order in which they run. Nothing is run or downloaded."""
    model = base_model(recipe, emit)
    generated = generate.stages(recipe, profile, model, emit)
    scored = evaluate.stages(recipe, profile, model, partial(read_arms, recipe, model, emit))
    return _stages(recipe, profile, model, axolotl_python, prepare.stage(recipe), [*generated, *scored])


def outline(recipe: Recipe, profile: Profile) -> list[Stage]:
    """The stages of a recipe for comparing, not for running: its data and its model need not be here."""
    try:
        model = base_model(recipe, lambda event: None)  # noqa: ARG005
    except ResepError:
        model = models.Model(f"{recipe['model.base']}@{recipe['model.revision']}, which is not here", Path)
    generated = generate.outline(recipe, profile, model)
    scored = evaluate.stages(recipe, profile, model, partial(outline_arms, recipe))
    return _stages(recipe, profile, model, sys.executable, prepare.outline(recipe), [*generated, *scored])


def _stages(
    recipe: Recipe,
    profile: Profile,
    model: models.Model,
    axolotl_python: str,
    first: Stage,
    compared: Sequence[Stage],
) -> list[Stage]:
    return [
        first,
        *trainer_of(recipe).stages(recipe, profile, model, axolotl_python),  # tokenise, configure, train
        *merge.stages(recipe, profile, model),
        *compared,
        report.stage(recipe),
    ]


def base_model(recipe: Recipe, emit: Emit) -> models.Model:
    """The recipe's model: an embedded one, a hub id, a folder relative to the recipe, or one at a service."""
    if service := service_of(recipe):
        return model_of(service)
    name, revision = named_by(recipe)
    return models.Model(
        models.identify(name, revision),
        partial(models.folder, name, revision, emit),
        partial(models.tokenizer_folder, name, revision, emit),
    )


def model_names(recipe: Recipe) -> Iterator[tuple[str, str | None]]:
    """(name, revision) of every model that a run loads, the base first, then the others; a folder with its path."""
    if not service_of(recipe):
        yield named_by(recipe)
    yield from other_models(recipe).values()
    yield from _writers(recipe)
    for evaluator, options in recipe.evaluators.items():
        for option in local_model_options(options):
            key, named = f"evaluation.evaluators.{evaluator}.{option}", str(options[option])
            yield split_revision(str(recipe.locate(key)) if is_folder(named) else named)


def _writers(recipe: Recipe) -> Iterator[tuple[str, str | None]]:
    """Models on this machine that write new rows."""
    for step in recipe.steps:
        if step.name == "augment" and step.options["model"] and not step.options["endpoint"]:
            yield split_revision(step.options["model"])


def run(stages: Sequence[Stage], store: Store, emit: Emit, until: str | None = None) -> dict[str, Path]:
    """Reuse or run every stage up to the kind `until`, and return the folder of each. Stages of a kind run together."""
    folders: dict[str, Path] = {}
    for kind, group in groupby(stages, key=lambda stage: stage.kind):
        members = list(group)
        try:
            for decision in (store.decide(stage, folders) for stage in members):
                event = {"event": "stage", "name": decision.stage.name, "reuse": decision.reuse}
                emit({**event, "reason": decision.reason})
            for stage, folder in store.obtain(members, dict(folders), emit, provenance):
                folders[stage.name] = folder
                emit({"event": "finished", "name": stage.name, "folder": str(folder)})
        except StageError:
            raise
        except ResepError as error:
            raise StageError(kind, str(error)) from error
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            message = f"the disk that holds {store.root} is full: free some space, or choose another with --store"
            raise StageError(kind, message) from error
        if kind == until:
            break
    return folders


def decide(stages: Sequence[Stage], store: Store) -> list[Decision]:
    """What `run` would do with each stage and why, as far as can be told before it does."""
    folders: dict[str, Path] = {}
    decisions = []
    for stage in stages:
        decision = store.decide(stage, folders)
        decisions.append(decision)
        if decision.reuse and decision.key:
            folders[stage.name] = store.folder(stage, decision.key)
    return decisions
