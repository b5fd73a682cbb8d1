"""What training will take, in the words of a plan."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from resep.preflight.cost import Estimate, Tokens

if TYPE_CHECKING:
    from resep.recipe import Recipe


def lines(recipe: Recipe, counted: Tokens, found: Estimate) -> Iterator[tuple[str, str]]:
    """(what, in words) for a plan."""
    yield "tokens", _tokens_in_words(recipe, counted)
    yield "padding", _padding_in_words(found)
    yield "training", _training_in_words(recipe, found)
    if price := _price_in_words(recipe, found):
        yield "price", price


def _tokens_in_words(recipe: Recipe, counted: Tokens) -> str:
    train, limit = counted.splits["train"], recipe["training.sequence_len"]
    quantiles, enough = train["quantiles"]["tokens"], counted.sequence_len.get("100", limit)
    hint = f"; {enough} would hold them all" if enough < limit else ""
    return (
        f"{train['rows']:,} training rows with {train['tokens']:,} tokens, {train['trained_tokens']:,} trained on; "
        f"half have up to {quantiles['50']:,}, 99% up to {quantiles['99']:,}, the longest {quantiles['max']:,} "
        f"(sequence_len {limit:,}{hint})"
    )


def _padding_in_words(found: Estimate) -> str:
    if found.padding is None:
        return f"about {found.packed_padding:.0%} of what is computed if rows are packed"
    at_once = f"{found.rows_at_once} row{'s' * (found.rows_at_once != 1)} at once, drawn at random"
    return f"{found.padding:.0%} of what is computed with {at_once}; about {found.packed_padding:.0%} packed"


def _training_in_words(recipe: Recipe, found: Estimate) -> str:
    if found.steps is None:
        return f"steps and time are not known: {found.unknown}"
    most = "at most " if recipe["training.early_stopping"] else ""
    epochs = "" if found.epochs is None else f", {found.epochs:.3g} epoch{'s' * (found.epochs != 1)}"
    steps = f"{most}{found.steps:,} step{'s' * (found.steps != 1)} of about {found.rows_per_step} rows{epochs}"
    if found.seconds is None or found.rate is None:
        return f"{steps}; how long is not known before a first training of this model with this method here"
    speed = f"{found.rate.tokens_per_second:,.0f} tokens a second, as the last training of this model here"
    return f"{steps}; {most}about {duration(found.seconds)} at {speed}"


def _price_in_words(recipe: Recipe, found: Estimate) -> str:
    per_hour, per_million = recipe["compute.price_per_hour"], recipe["compute.price_per_million_tokens"]
    if per_hour is None and per_million is None:
        return ""
    if found.price is None:
        return f"not known before the {'number of steps' if per_million else 'time'} is"
    basis = f"{per_hour:g} an hour" if per_million is None else f"{per_million:g} per million tokens"
    shown = f"{found.price:,.2f}" if found.price >= 0.01 else "less than 0.01"
    return f"about {shown} for training, at {basis}"


def duration(seconds: float) -> str:
    """`45 s`, `2 min 20 s`, `3 h 10 min`: as exact as an estimate is."""
    if seconds < 60:
        return f"{max(1, round(seconds))} s"
    minutes, rest = divmod(round(seconds / 10) * 10, 60)
    if minutes < 10:
        return f"{minutes} min" + (f" {rest} s" if rest else "")
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
