"""The whole pipeline on one screen: which stages a recipe has, and how they are run.

A stage is a value (store.Stage): its config, what it reads, which files of which earlier stages it needs. Keys follow
from content, so the order here is all there is to scheduling: each stage is reused or run when its turn comes.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from resep import models
from resep.errors import ResepError, StageError
from resep.provenance import provenance
from resep.recipe.paths import is_hub_id
from resep.stages import configure, evaluate, generate, prepare, report, tokenise, train
from resep.store import Decision, Emit, Stage, Store

if TYPE_CHECKING:
    from resep.hardware import Profile
    from resep.recipe import Recipe


def plan(recipe: Recipe, profile: Profile, emit: Emit, axolotl_python: str = sys.executable) -> list[Stage]:
    """The stages of a recipe on a machine, in the order in which they run. Nothing is run or downloaded."""
    model = base_model(recipe, emit)
    return [
        prepare.stage(recipe),
        tokenise.stage(recipe, model),
        configure.stage(recipe, profile, model),
        train.stage(recipe, profile, model, axolotl_python),
        *generate.stages(recipe, profile, model),
        *evaluate.stages(recipe),
        report.stage(recipe),
    ]


def base_model(recipe: Recipe, emit: Emit) -> models.Model:
    """The recipe's model: an embedded one, a hub id, or a folder relative to the recipe."""
    name, revision = recipe["model.base"], recipe["model.revision"]
    if name not in models.EMBEDDED and (not is_hub_id(name) or recipe.locate(name).is_dir()):
        name = str(recipe.locate(name))
    return models.Model(models.identify(name, revision), partial(models.folder, name, revision, emit))


def run(stages: Sequence[Stage], store: Store, emit: Emit, until: str | None = None) -> dict[str, Path]:
    """Reuse or run every stage up to the kind `until`, and return the folder of each. Stages of a kind run together."""
    folders: dict[str, Path] = {}
    for kind, group in groupby(stages, key=lambda stage: stage.kind):
        members = list(group)
        for decision in (store.decide(stage, folders) for stage in members):
            emit({"event": "stage", "name": decision.stage.name, "reuse": decision.reuse, "reason": decision.reason})
        try:
            for stage, folder in store.obtain(members, dict(folders), emit, provenance):
                folders[stage.name] = folder
                emit({"event": "finished", "name": stage.name})
        except StageError:
            raise
        except ResepError as error:
            raise StageError(kind, str(error)) from error
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
