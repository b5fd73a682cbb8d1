"""The rows of a rehearsal: few, but of every split, whatever the recipe's steps drop and however it splits.

Not by choosing them: the recipe's own preparation runs on the beginning of the data, and where too little is left of
that, on more of it. What fails on all rows fails in the real run, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from resep import sources
from resep.errors import ResepError
from resep.models import split_revision
from resep.preflight.model import model_here
from resep.rehearsal.records import Change, Note, Part, Rehearsal

if TYPE_CHECKING:
    from resep.recipe import Recipe, StepSpec


@dataclass(frozen=True)
class Portion:
    """How many rows of each source are read (None: all), and how many of each split are kept."""

    read: int | None
    kept: Mapping[str, int]


# More rows of training and validation: they may all be too long. Test rows never are.
PORTIONS = (
    Portion(1_000, {"train": 4, "validation": 2, "test": 2}),
    Portion(30_000, {"train": 64, "validation": 16, "test": 2}),
    Portion(None, {"train": 1_000, "validation": 200, "test": 2}),
)
_PASSES_ALL = {"filter_length": {"minimum": 0}}  # a step that does nothing, so that the others keep their places


def few_rows(recipe: Recipe, rehearsal: Rehearsal, portion: Portion = PORTIONS[0]) -> Rehearsal:
    """The rehearsal with so many rows. A copy of hub data is read whole: its first rows would be another copy."""
    return replace(rehearsal, changes=(*rehearsal.changes, *_few_rows(recipe, portion)))


def steps(recipe: Recipe) -> Part:
    """Steps that would ask or fetch a model do nothing; all others are the recipe's own."""
    for index, step in enumerate(recipe.steps):
        if whom := _asks(step):
            yield Change(f"preprocessing[{index}]", _PASSES_ALL)
            yield Note("left out", f"preprocessing step {step.name}: {whom}")


def require_rows(recipe: Recipe) -> None:
    """Raise ResepError where rows are not on this machine: a rehearsal downloads nothing."""
    missing = list(sources.downloads(recipe))
    if missing:
        raise ResepError(
            f"{', '.join(missing)}: these rows are not on this machine, and a rehearsal downloads nothing: bring them "
            "with `resep data RECIPE --fetch`, or rehearse with a few of your own: --set data.sources[0]='{path: ...}'"
        )


def _asks(step: StepSpec) -> str:
    """Whom or what a step would ask, in words; empty for a step that does all by itself."""
    options: Mapping[str, Any] = step.options
    if isinstance(options.get("endpoint"), str):
        return f"{options['endpoint']} is not asked"
    if step.name == "augment":
        return f"{options.get('model')} is not asked"
    named = options.get("tokenizer")
    if isinstance(named, str) and model_here(*split_revision(named)) is None:
        return f"the tokenizer of {named} is not on this machine"
    return ""


def _few_rows(recipe: Recipe, portion: Portion) -> Iterator[Change]:
    for index, source in enumerate(recipe["data.sources"]):
        limit = min(filter(None, (portion.read, source.get("limit"))), default=None)
        if limit != source.get("limit") and not source.get("hub"):
            yield Change(f"data.sources[{index}].limit", limit)
    most = recipe["split.max_rows"] or {}
    for split, rows in portion.kept.items():
        yield Change(f"split.max_rows.{split}", min(rows, most.get(split) or rows))
