"""What the step `augment` was asked for, and what may be wrong with it. Light: checking a recipe imports this."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from resep.address import VARIABLE, read_address

What = Literal["paraphrase_prompt", "new_example"]
PRICES = ("input_per_million", "output_per_million")


@dataclass(frozen=True)
class Settings:
    """The options of the step, as its docstring describes them."""

    model: str
    endpoint: str | None
    api_key_env: str | None
    what: What
    instruction: str | None
    target: Literal["all", "rare"]
    by: str | None
    rows: int
    per_row: int
    up_to: int | None
    near: float
    temperature: float | None
    max_new_tokens: int
    concurrency: int
    price: Mapping[str, float]
    seed: int

    @property
    def decoding(self) -> dict[str, Any]:
        """How answers are drawn, the seed aside, which every request has of its own."""
        drawn = {} if self.temperature is None else {"temperature": self.temperature}
        return {**drawn, "max_tokens": self.max_new_tokens}


def augmenting_faults(options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(option, what is wrong), defaults left out or filled in. Values of a wrong type are the schema's to tell."""
    if not options.get("model"):
        yield "model", "name the model that writes the new rows: as the endpoint calls it, or an embedded one, a folder"
    yield from _endpoint_faults(options)
    if options.get("target") == "rare" and not options.get("by"):
        yield "by", "target: rare asks which field holds the classes: by: category"
    if options.get("up_to") is not None and options.get("target") != "rare":
        yield "up_to", "only rare classes are filled up: target: rare"
    yield from _number_faults(options)
    for name in options.get("price") or ():
        if name not in PRICES:
            yield "price", f"'{name}' is no price; there are {' and '.join(PRICES)}, each for a million tokens"


def _endpoint_faults(options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    endpoint, variable = options.get("endpoint"), options.get("api_key_env")
    if isinstance(endpoint, str):
        try:
            read_address(endpoint)
        except ValueError as error:
            yield "endpoint", str(error)
    if variable is not None and endpoint is None:
        yield "api_key_env", "a key is for an endpoint, and none is named"
    if isinstance(variable, str) and not VARIABLE.fullmatch(variable):
        yield "api_key_env", "this is no name of an environment variable; a key itself never stands in a recipe"


def _number_faults(options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    ranges = {
        "rows": (1, 1_000_000),
        "per_row": (1, 100),
        "up_to": (1, 1_000_000),
        "near": (0.1, 1),
        "temperature": (0, 2),
        "max_new_tokens": (1, 100_000),
        "concurrency": (1, 1024),
    }
    for option, (low, high) in ranges.items():
        value = options.get(option)
        if isinstance(value, int | float) and not isinstance(value, bool) and not low <= value <= high:
            yield option, f"{value} is not possible: from {low:g} to {high:,}"
