"""What training at a service will take, said before anything is sent: tokens, price, and what is missing here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from resep.hosted.client import INSTALL
from resep.hosted.service import Service
from resep.preflight.cost import Tokens
from resep.recipe.draft import Finding

if TYPE_CHECKING:
    from resep.recipe import Recipe


def lines(recipe: Recipe, counted: Tokens) -> Iterator[tuple[str, str]]:
    """(what, in words) for a plan."""
    yield "tokens", _tokens_in_words(counted)
    yield "training", _training_in_words(recipe, counted)
    yield "price", _price_in_words(recipe, counted)


def before_sending(recipe: Recipe, service: Service, tokenised: Path) -> Iterator[str]:
    """The same as sentences, from tokenise's folder, with what is about to be sent and to whom."""
    counted = Tokens.read(tokenised)
    rows = " and ".join(f"{counted.splits[split]['rows']:,} {split}" for split in ("train", "validation"))
    yield f"to {service.name}: {rows} rows, for a job on {service.model}"
    yield from (f"{what}: {said}" for what, said in lines(recipe, counted))


def findings(service: Service) -> Iterator[Finding]:
    """What is missing here, before the first stage runs."""
    if find_spec("openai") is None:
        message = f"this trainer needs the package openai, which is not installed here: {INSTALL}"
        yield Finding(("training", "trainer"), message)
    if not os.environ.get(service.api_key_env, "").strip():
        message = (
            f"your environment has no {service.api_key_env}, in which the key for {service.name} should be: unless all "
            f"is done already, nothing can be trained; export {service.api_key_env}=..."
        )
        yield Finding(("training", "openai", "api_key_env"), message, "warning")


def trained_tokens(recipe: Recipe, counted: Tokens) -> float:
    """Training tokens of all epochs, as the service bills them: each token of the training rows once per epoch."""
    return float(counted.splits["train"]["tokens"] * recipe["training.num_epochs"])


def _tokens_in_words(counted: Tokens) -> str:
    train = counted.splits["train"]
    quantiles = train["quantiles"]["tokens"]
    about, how = ("about ", f"; estimated: {counted.rule}") if counted.rule else ("", f"; counted as {counted.by}")
    return (
        f"{train['rows']:,} training rows with {about}{train['tokens']:,} tokens, {train['trained_tokens']:,} trained "
        f"on; half have up to {quantiles['50']:,}, the longest {quantiles['max']:,}{how}"
    )


def _training_in_words(recipe: Recipe, counted: Tokens) -> str:
    epochs, batch = recipe["training.num_epochs"], recipe["training.batch_size"]
    about = "about " if counted.rule else ""
    tokens = f"{about}{trained_tokens(recipe, counted):,.0f} training tokens in {epochs:g} epoch{'s' * (epochs != 1)}"
    rows = f"{batch} rows a step" if batch else "the service chooses how many rows a step takes"
    return f"{tokens}; {rows}; how long it takes is the service's affair"


def _price_in_words(recipe: Recipe, counted: Tokens) -> str:
    per_million = recipe["compute.price_per_million_tokens"]
    if per_million is None:
        return "not known: write what the service takes as compute.price_per_million_tokens"
    price = float(per_million) * trained_tokens(recipe, counted) / 1e6
    shown = f"about {price:,.2f}" if price >= 0.01 else "less than 0.01"
    return f"{shown} for training, at {per_million:g} per million tokens; the answers of base and tuned come on top"
