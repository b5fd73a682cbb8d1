"""What training will take: steps, time and price, from the tokens that were counted. Nothing is guessed."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resep.errors import ResepError
from resep.plugins import is_shipped, open_plugin
from resep.plugins.trust import is_trusted
from resep.preflight.rate import Rate
from resep.recipe.draft import Finding
from resep.stages.tokenise.lengths import packed_padding, padding, rows_above

if TYPE_CHECKING:
    from resep.hardware import Profile
    from resep.recipe import Recipe


@dataclass(frozen=True)
class Tokens:
    """What tokenise counted: the statistics of each split, and rows by length, split -> what is counted -> rows.

    `by` names who counted where it was not the model's own tokenizer, `rule` how tokens were estimated, if they were.
    """

    splits: Mapping[str, Mapping[str, Any]]
    sequence_len: Mapping[str, int]
    lengths: Mapping[str, Mapping[str, Mapping[int, int]]]
    by: str = ""
    rule: str = ""

    @classmethod
    def read(cls, folder: Path) -> Tokens:
        """What stands in tokenise's folder."""
        found, lengths = (json.loads((folder / f"{name}.json").read_bytes()) for name in ("statistics", "lengths"))
        counted = {
            split: {name: {int(length): rows for length, rows in counts.items()} for name, counts in parts.items()}
            for split, parts in lengths.items()
        }
        return cls(found["splits"], found["sequence_len"], counted, found.get("counted_by", ""), found.get("rule", ""))


@dataclass(frozen=True)
class Estimate:
    """`tokens` are those of all epochs, `padding` shares of what is computed. None: not known, `unknown` says why."""

    epochs: float | None
    steps: int | None
    rows_per_step: int
    rows_at_once: int | None
    tokens: float | None
    padding: float | None
    packed_padding: float
    seconds: float | None
    rate: Rate | None
    price: float | None
    unknown: str = ""


def estimate(recipe: Recipe, counted: Tokens, profile: Profile, rate: Rate | None) -> Estimate:
    """Steps as the converter plans them; time by the last training of this model here; price as the recipe gives it."""
    train, counts = counted.splits["train"], counted.lengths["train"]["tokens"]
    schedule, unknown = _schedule(recipe, counted, profile)
    steps, epochs = _length(recipe, None if schedule is None else schedule.steps_per_epoch)
    tokens = None if epochs is None else train["tokens"] * epochs
    seconds = None if tokens is None or rate is None else rate.start_up_s + tokens / rate.tokens_per_second
    return Estimate(
        epochs=epochs,
        steps=steps,
        rows_per_step=recipe["training.batch_size"],
        rows_at_once=None if schedule is None or schedule.packed else schedule.micro_batch,
        tokens=tokens,
        padding=None if schedule is None or schedule.packed else padding(counts, schedule.micro_batch),
        packed_padding=packed_padding(counts, recipe["training.sequence_len"]),
        seconds=seconds,
        rate=rate,
        price=_price(recipe, seconds, tokens),
        unknown=unknown,
    )


def answers_fit(recipe: Recipe, counted: Tokens) -> Iterator[Finding]:
    """Test rows whose wanted answer is longer than a model may write."""
    most, wanted = recipe["generation.max_new_tokens"], counted.lengths["test"]["answer_tokens"]
    if long := rows_above(wanted, most):
        how = "by estimate, " if counted.rule else ""
        message = (
            f"{how}{long} of {sum(wanted.values())} test rows want an answer of more than {most} tokens (the longest "
            f"has {max(wanted)}): a model that answers so is cut there; write {max(wanted)} or more, or leave such "
            "rows out"
        )
        yield Finding(("generation", "max_new_tokens"), message, "warning")


def _schedule(recipe: Recipe, counted: Tokens, profile: Profile) -> tuple[Any, str]:
    """The converter's own plan (steps_per_epoch, micro_batch), or None and why there is none.

    A converter of strangers runs only where the person agreed to it; one may have no `plan`.
    """
    file = recipe.plugin("converters", recipe["training.trainer"])
    if not is_shipped(file) and not is_trusted(file):
        return None, f"{file.name} plans the steps, and is code that runs only if you say so (--trust)"
    plan = getattr(open_plugin(file), "plan", None)
    if plan is None:
        return None, f"the trainer '{recipe['training.trainer']}' plans its steps itself"
    try:
        return plan(recipe, counted.splits, profile), ""
    except ResepError as error:
        return None, str(error)


def _length(recipe: Recipe, steps_per_epoch: int | None) -> tuple[int | None, float | None]:
    """Steps and epochs of the whole training, the one from the other."""
    steps, epochs = recipe["training.max_steps"], recipe["training.num_epochs"]
    if steps is not None:
        return steps, steps / steps_per_epoch if steps_per_epoch else None
    return math.ceil(steps_per_epoch * epochs) if steps_per_epoch else None, epochs


def _price(recipe: Recipe, seconds: float | None, tokens: float | None) -> float | None:
    per_hour, per_million = recipe["compute.price_per_hour"], recipe["compute.price_per_million_tokens"]
    if per_million is not None:
        return None if tokens is None else float(per_million) * tokens / 1e6
    return None if per_hour is None or seconds is None else float(per_hour) * seconds / 3600
