"""What the arms of a recipe are: whose weights answer, in which format they are asked, what is shown before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from resep import models
from resep.endpoints import Endpoint
from resep.errors import ResepError
from resep.hosted.service import service_of
from resep.models import Model
from resep.models.embedded import EMBEDDED
from resep.recipe.arms import NATIVE, WELL_KNOWN, has_base_weights, placed_arms, source_of
from resep.recipe.paths import is_hub_id
from resep.stages.chat_template import chat_template
from resep.stages.generate.adapters import Adapter, read_adapter
from resep.stages.generate.shots import Choice
from resep.store import Emit
from resep.suggest import did_you_mean, listed

if TYPE_CHECKING:
    from resep.hardware import Profile
    from resep.recipe import Recipe

Weights = Literal["base", "tuned", "adapter", "model", "endpoint"]
SERVERS_OWN = "the server's own"
_AMPERE = (8, 0)  # the first GPUs with bfloat16


@dataclass(frozen=True)
class Arm:
    """`weights`: who answers. `template`: a chat template's name, `native`, or SERVERS_OWN; `template_folder` is that
    of a .jinja file.

    `adapter`, `model` and `server` are there for the weights of that name alone, `server` also where a service trains:
    it then names the base model, for the tuned one too until that is known. `choice` where examples are shown.
    """

    name: str
    weights: Weights
    template: str
    template_folder: Path = Path()
    adapter: Adapter | None = None
    model: Model | None = None
    server: Endpoint | None = None
    concurrency: int = 1
    choice: Choice | None = None


@dataclass(frozen=True)
class Precision:
    """The numbers that arms compute with: as in training, so that only the training differs between them.

    `dequantise`: the 4-bit weights are turned back once, into numbers of `dtype` (measured on a CPU: logits bit-equal
    to those of the 4-bit modules as trained, and 10 % faster).
    """

    dtype: Literal["float32", "bfloat16", "float16"]
    four_bit: bool = False
    dequantise: bool = False

    @property
    def name(self) -> str:
        if self.dequantise:
            return f"nf4 dequantised to {self.dtype}"
        return f"nf4, computing in {self.dtype}" if self.four_bit else self.dtype


def read_arms(recipe: Recipe, base: Model, emit: Emit) -> dict[str, Arm]:
    """The recipe's arms by name. Raises ResepError where an adapter or a model cannot be had, or fits no such base."""
    return {name: _read(recipe, key, name, options, _Here(recipe, base, emit)) for key, name, options in _keyed(recipe)}


def read_arm(recipe: Recipe, name: str, base: Model, emit: Emit) -> Arm:
    """One arm alone: a well-known one whether or not the recipe has it, or one of the recipe's own.

    Raises ResepError, with the nearest name, where there is none.
    """
    keyed = {own: (key, own, options) for key, own, options in _keyed(recipe)}
    known = {own: ("", own, options) for own, options in WELL_KNOWN.items()} | keyed
    if name not in known:
        hint = did_you_mean(name, known) or f"; there are {listed(known).replace(' or ', ' and ')}"
        raise ResepError(f"there is no arm '{name}'{hint}")
    return _read(recipe, *known[name], _Here(recipe, base, emit))


def outline_arms(recipe: Recipe) -> dict[str, Arm]:
    """The arms for comparing recipes, not for running them: nothing that they name need be here."""
    return {name: _read(recipe, key, name, options, _Nowhere(recipe)) for key, name, options in _keyed(recipe)}


def precision(recipe: Recipe, profile: Profile) -> Precision:
    """How the recipe trains on this machine is how every arm answers."""
    four_bit = recipe["training.method"] == "qlora"
    if profile.name == "cpu":
        return Precision("float32", four_bit, dequantise=four_bit)
    names: dict[str, Any] = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}
    old = profile.capability is not None and profile.capability < _AMPERE
    return Precision(names.get(recipe["training.precision"], "float16" if old else "bfloat16"), four_bit)


def other_models(recipe: Recipe) -> dict[str, tuple[str, str | None]]:
    """Key -> (name, revision) of the arms' own models on this machine; a folder with its path."""
    return {key: _named(recipe, key, options) for key, _, options in _keyed(recipe) if source_of(options) == "model"}


@dataclass(frozen=True)
class _Here:
    """Finds what arms name, and looks at it."""

    recipe: Recipe
    base: Model
    emit: Emit

    def adapter(self, key: str, options: Mapping[str, Any]) -> Adapter:  # noqa: ARG002
        recipe, where = self.recipe, f"{key}.adapter"
        base_name, revision = recipe["model.base"], recipe["model.revision"]
        return read_adapter(recipe.locate(where), where, self.base.identity, base_name, revision)

    def model(self, key: str, options: Mapping[str, Any]) -> Model:
        name, revision = _named(self.recipe, key, options)
        try:
            return Model(models.identify(name, revision), partial(models.folder, name, revision, self.emit))
        except ResepError as error:
            raise ResepError(f"{key}: {error}") from error


@dataclass(frozen=True)
class _Nowhere:
    """Takes what arms name for what it is called."""

    recipe: Recipe

    def adapter(self, key: str, options: Mapping[str, Any]) -> Adapter:
        return Adapter(self.recipe.grounds.path(f"{key}.adapter", options["adapter"]), "not looked at")

    def model(self, key: str, options: Mapping[str, Any]) -> Model:
        return Model(f"{key}: {options['model']}@{options.get('revision')}, not looked at", Path)


def _keyed(recipe: Recipe) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """(key, name, options) of every arm."""
    for index, name, options in placed_arms(recipe["generation.arms"]):
        yield f"generation.arms[{index}].{name}", name, options


def _read(recipe: Recipe, key: str, name: str, options: Mapping[str, Any], finder: _Here | _Nowhere) -> Arm:
    source, service = source_of(options), service_of(recipe)
    template, folder = _template(recipe, key, options)
    is_there = source == "weights" and service is not None  # a service's weights may only be asked
    server = _server(options) if source == "endpoint" else service.endpoint() if service and is_there else None
    return Arm(
        name=name,
        weights=_weights(options),
        template=template,
        template_folder=folder,
        adapter=finder.adapter(key, options) if source == "adapter" else None,
        model=finder.model(key, options) if source == "model" else None,
        server=server,
        concurrency=options.get("concurrency", service.concurrency if service and is_there else 1),
        choice=_choice(recipe, name, options),
    )


def _weights(options: Mapping[str, Any]) -> Weights:
    source: Any = source_of(options)
    if source != "weights":
        return source  # type: ignore[no-any-return]
    return "base" if has_base_weights(options) else "tuned"


def _template(recipe: Recipe, key: str, options: Mapping[str, Any]) -> tuple[str, Path]:
    name = options.get("chat_template")
    if "endpoint" in options or (source_of(options) == "weights" and service_of(recipe)):
        return SERVERS_OWN, Path()
    if name is None:
        return (NATIVE, recipe.folder) if source_of(options) == "model" else chat_template(recipe)
    if not name.endswith(".jinja"):
        return name, recipe.folder
    file = recipe.locate(f"{key}.chat_template")
    return file.name, file.parent


def _choice(recipe: Recipe, name: str, options: Mapping[str, Any]) -> Choice | None:
    if "examples" not in options:
        return None
    how = options["choose"]
    classes = recipe["split.stratify_by"] if how == "per_class" else None
    return Choice(name, options["examples"], how, classes, seed=0 if how == "nearest" else recipe["seed"])


def _server(options: Mapping[str, Any]) -> Endpoint:
    return Endpoint(options["endpoint"], options["model"], options.get("api_key_env"))


def _named(recipe: Recipe, key: str, options: Mapping[str, Any]) -> tuple[str, str | None]:
    """As the base model's name is read: embedded, from the hub, or a folder relative to the recipe."""
    name, revision = options["model"], options.get("revision")
    is_folder = name not in EMBEDDED and (not is_hub_id(name) or recipe.grounds.path(f"{key}.model", name).is_dir())
    return (str(recipe.locate(f"{key}.model")), None) if is_folder else (name, revision)
