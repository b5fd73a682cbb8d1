"""A recipe -> its rehearsal: what stands in, what is laid over it, what people are told."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from resep import models
from resep.models.embedded import EMBEDDED, is_made
from resep.models.named import named_by
from resep.recipe.paths import is_hub_id
from resep.rehearsal.arms import arms
from resep.rehearsal.data import steps
from resep.rehearsal.evaluators import evaluators, keeps_its_encoder
from resep.rehearsal.records import Change, Load, Named, Note, Part, Rehearsal, StandIns, removed
from resep.rehearsal.tiny_model import TinyModel, make, make_tiny_encoder, tiny_encoder_folder, tiny_model
from resep.rehearsal.training import training
from resep.stages.generate.arms import other_models
from resep.store import Emit

if TYPE_CHECKING:
    from resep.recipe import Recipe

_ENCODER, _LAYER = "all-minilm-l6-v2", 6
_TINY_LAYER = 2
_PARTS = (training, arms, evaluators)


def stand_ins_of(recipe: Recipe) -> StandIns:
    """What stands in for the recipe's models; nothing is made yet. Raises ResepError for a name that is no model's."""
    base = _stand_in(named_by(recipe)) if _trains_here(recipe) else tiny_model(recipe["model.base"], None)
    others = {named: _stand_in(named) for named in other_models(recipe).values()}
    encoder = (_ENCODER, _LAYER) if is_made(_ENCODER) else (str(tiny_encoder_folder()), _TINY_LAYER)
    return StandIns(base, others, *encoder)


def make_stand_ins(recipe: Recipe, stand_ins: StandIns, emit: Emit) -> StandIns:
    """The same, made where they are not in the cache yet. Raises ResepError where that cannot be done."""
    if stand_ins.encoder not in EMBEDDED and not all(map(keeps_its_encoder, recipe.evaluators.values())):
        make_tiny_encoder(emit)
    others = {named: make(tiny, emit) for named, tiny in stand_ins.others.items()}
    return replace(stand_ins, base=make(stand_ins.base, emit), others=others)


def rehearsal_of(recipe: Recipe, stand_ins: StandIns, load: Load) -> Rehearsal:
    """What is laid over the recipe, and what people are told of it."""
    first = list(_model(recipe, stand_ins))
    here = load([each.override for each in first if isinstance(each, Change)])  # trained here: with all keys of that
    said = [*first, *steps(recipe), *(each for part in _PARTS for each in part(here, stand_ins))]
    changes = tuple(each for each in said if isinstance(each, Change))
    return Rehearsal(changes, tuple(each for each in said if isinstance(each, Note)))


def _model(recipe: Recipe, stand_ins: StandIns) -> Part:
    yield Change("model.base", str(stand_ins.base.folder))
    yield from removed(recipe, "model.revision")
    yield Note("stands in", stand_ins.base.in_words)
    if not _trains_here(recipe):
        yield Change("training.trainer", "axolotl")
        yield from removed(recipe, f"training.{recipe['training.trainer']}")
        yield Note("left out", f"training.trainer: {recipe['training.trainer']} is not asked; axolotl trains here")


def _trains_here(recipe: Recipe) -> bool:
    return bool(recipe["training.trainer"] == "axolotl")


def _stand_in(named: Named) -> TinyModel:
    name, revision = named
    if name not in EMBEDDED and not is_hub_id(name):
        models.folder(name, None, lambda event: None)  # noqa: ARG005  a folder that is not there is a mistake here, too
    return tiny_model(name, revision)
