"""The arms of a rehearsal: tiny models in place of models; servers and adapters are left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from resep.recipe.arms import WELL_KNOWN, has_base_weights, placed_arms, source_of
from resep.rehearsal.records import Change, Note, Part, StandIns, removed
from resep.stages.generate.arms import other_models

if TYPE_CHECKING:
    from resep.recipe import Recipe

_EXAMPLES = 1  # of few rows, more may not be left that a question can be shown
_NEW_TOKENS = 8


def arms(recipe: Recipe, stand_ins: StandIns) -> Part:
    """Short answers of every arm whose weights can be had."""
    if recipe["generation.max_new_tokens"] > _NEW_TOKENS:
        yield Change("generation.max_new_tokens", _NEW_TOKENS)
    kept = dict(_kept(recipe, stand_ins))
    yield from _notes(recipe, stand_ins)
    baseline = recipe["evaluation.baseline"]
    if baseline is not None and baseline not in kept:
        yield from removed(recipe, "evaluation.baseline")
        yield Note("left out", f"evaluation.baseline: there is no {baseline}")
        baseline = None
    if baseline is None and not any(map(has_base_weights, kept.values())):
        kept = {"base": WELL_KNOWN["base"], **kept}
    if kept != recipe.arms:
        yield Change("generation.arms", [_written(name, options) for name, options in kept.items()])


def _kept(recipe: Recipe, stand_ins: StandIns) -> Iterator[tuple[str, Mapping[str, Any]]]:
    models = other_models(recipe)
    for index, name, options in placed_arms(recipe["generation.arms"]):
        key, changed = f"generation.arms[{index}].{name}", dict(options)
        if source_of(options) in ("endpoint", "adapter"):
            continue
        if source_of(options) == "model":
            changed["model"] = str(stand_ins.others[models[key]].folder)
            changed.pop("revision", None)
        if "examples" in options:
            changed["examples"] = min(_EXAMPLES, options["examples"])
        if str(options.get("chat_template", "")).endswith(".jinja"):
            changed["chat_template"] = str(recipe.locate(f"{key}.chat_template").resolve())
        yield name, changed


def _notes(recipe: Recipe, stand_ins: StandIns) -> Iterator[Note]:
    models = other_models(recipe)
    for index, name, options in placed_arms(recipe["generation.arms"]):
        if source_of(options) == "endpoint":
            yield Note("left out", f"arm {name}: {options['endpoint']} is not asked")
        elif source_of(options) == "adapter":
            yield Note("left out", f"arm {name}: its adapter {options['adapter']} does not fit a tiny model")
        elif source_of(options) == "model":
            tiny = stand_ins.others[models[f"generation.arms[{index}].{name}"]]
            yield Note("stands in", f"{tiny.in_words} (arm {name})")


def _written(name: str, options: Mapping[str, Any]) -> Any:
    return name if WELL_KNOWN.get(name) == options else {name: dict(options)}
