"""The service that a recipe is trained at, and the models there."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from resep.address import Address, read_address
from resep.endpoints.records import Endpoint
from resep.errors import ResepError
from resep.models import Model

if TYPE_CHECKING:
    from resep.recipe import Recipe

FINE_TUNED = "model.json"  # what the stage train leaves of a model that stays at the service: its name
OPENAI = "openai"


@dataclass(frozen=True)
class Service:
    """`url` is the address before /fine_tuning/jobs, `model` the base model's name there."""

    url: str
    api_key_env: str
    model: str
    concurrency: int

    @property
    def address(self) -> Address:
        return read_address(self.url)

    @property
    def name(self) -> str:
        """For people: scheme and host."""
        return self.address.origin

    @property
    def identity(self) -> str:
        """What the base model is, for keys and reports, spelt as an arm's that a server answers."""
        return f"{self.model} at {self.address.origin}{self.address.path}"

    def endpoint(self, model: str | None = None) -> Endpoint:
        """Where a model of the service answers; without a name, the base model."""
        return Endpoint(self.url, model or self.model, self.api_key_env)


def service_of(recipe: Recipe) -> Service | None:
    """The service that trains, or None where this machine does. Raises ResepError for one without a sound address."""
    if recipe["training.trainer"] != OPENAI:
        return None
    options = recipe["training.openai"]
    if options is None:  # only in a recipe made up from two, one of them for another trainer
        raise ResepError("training.openai is missing: it names the service that trains")
    try:
        read_address(options["endpoint"])
    except ValueError as error:
        raise ResepError(f"training.openai.endpoint: {error}") from error
    return Service(options["endpoint"], options["api_key_env"], recipe["model.base"], options["concurrency"])


def model_of(service: Service) -> Model:
    """The base model as stages see it. It has no folder: a stage that asks for one cannot do its work."""
    return Model(service.identity, lambda: _is_not_here(service))


def fine_tuned(folder: Path) -> str:
    """The tuned model's name at its service, from the folder of the stage train or of a run."""
    try:
        return str(json.loads((folder / FINE_TUNED).read_text(encoding="utf-8"))["model"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ResepError(
            f"{folder / FINE_TUNED}, which names the tuned model at its service, is not there or damaged: "
            "run the recipe again, what is done is reused"
        ) from error


def _is_not_here(service: Service) -> NoReturn:
    raise ResepError(f"{service.identity} is not on this machine: the service has its weights and its tokenizer")
