"""The evaluators of a rehearsal: small encoders, few documents, and nobody is asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from resep import plugins
from resep.models import EMBEDDED, split_revision
from resep.models.embedded import is_made
from resep.plugins.metrics import metrics_of
from resep.rehearsal.records import Change, Note, Part, StandIns, removed
from resep.stages.evaluate.names import LEXICAL

if TYPE_CHECKING:
    from resep.recipe import Recipe
    from resep.records import Metric

_EVALUATORS = "evaluation.evaluators"
_MOST: Mapping[str, tuple[str, int]] = {"forgetting": ("max_new_tokens", 4), "lm_eval": ("limit", 2)}
_SPARE = "exact_match"


def evaluators(recipe: Recipe, stand_ins: StandIns) -> Part:
    """Every evaluator, on what can be had of it here. What the verdict speaks of is still measured."""
    silent = set()
    for name, options in recipe.evaluators.items():
        key = f"{_EVALUATORS}.{name}"
        if _fetches_rows(options):
            silent.add(name)
            yield Change(key, None)
            yield Note("left out", f"evaluator {name}: with offline: false it fetches rows")
            continue
        if "endpoint" in options and (options["endpoint"] or options.get("model")):
            silent.add(name)
            asked = options["endpoint"] or options["model"]
            yield from removed(recipe, *(f"{key}.{option}" for option in ("endpoint", "model", "api_key_env")))
            yield Note("left out", f"evaluator {name}: {asked} is not asked")
        yield from _small(name, key, options)
        yield from _encoder(recipe, key, options, stand_ins)
    yield from _primary(recipe, silent)
    if recipe["expect"]:
        yield Change("expect", None)
        yield Note("left out", "expect: nothing is to be expected of a tiny random model")


def keeps_its_encoder(options: Mapping[str, Any]) -> bool:
    """Whether an evaluator needs no stand-in: it has no encoder, or an embedded one that is here."""
    encoder = options.get("encoder", LEXICAL)
    return not isinstance(encoder, str) or encoder == LEXICAL or (encoder in EMBEDDED and is_made(encoder))


def _fetches_rows(options: Mapping[str, Any]) -> bool:
    return options.get("offline") is False


def _small(name: str, key: str, options: Mapping[str, Any]) -> Iterator[Change]:
    option, most = _MOST.get(name, ("", 0))
    if option and (options[option] is None or options[option] > most):
        yield Change(f"{key}.{option}", most)


def _encoder(recipe: Recipe, key: str, options: Mapping[str, Any], stand_ins: StandIns) -> Part:
    if keeps_its_encoder(options):
        return
    yield Change(f"{key}.encoder", stand_ins.encoder)
    if "layer" in options:
        yield Change(f"{key}.layer", stand_ins.encoder_layer)
    yield from removed(recipe, f"{key}.rescale")
    called = stand_ins.encoder if stand_ins.encoder in EMBEDDED else "a tiny random encoder"
    name = split_revision(options["encoder"])[0]
    yield Note("stands in", f"{called} for {name} ({key.removeprefix('evaluation.')})")


def _primary(recipe: Recipe, silent: set[str]) -> Part:
    """Another metric for the verdict where nobody gives the recipe's own."""
    given = [metric for name in recipe.evaluators if name not in silent for metric in _metrics(recipe, name) or ()]
    primary = recipe["evaluation.primary"]
    if any(_metrics(recipe, name) is None for name in recipe.evaluators) or primary in [m.name for m in given]:
        return
    other = next((metric.name for metric in given if metric.direction != "none"), _SPARE)
    if other == _SPARE:
        yield Change(f"{_EVALUATORS}.{_SPARE}", {})
    yield Change("evaluation.primary", other)
    yield Note("left out", f"evaluation.primary: {primary} is not measured, the verdict speaks of {other}")


def _metrics(recipe: Recipe, name: str) -> tuple[Metric, ...] | None:
    plugin = plugins.describe(recipe.plugin("evaluators", name))
    return metrics_of(plugin, recipe.evaluators[name])
