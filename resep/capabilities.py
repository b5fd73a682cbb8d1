"""What a recipe will read, write, download, execute and send, in a few lines, before any of it happens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resep import models, sources
from resep.endpoints.consent import destinations, is_agreed
from resep.hardware import detect
from resep.models.foreign import code_files, may_run_code
from resep.pipeline import model_names
from resep.plugins.trust import is_trusted
from resep.preflight.model import folder_here
from resep.recipe.arms import placed_arms
from resep.rounding import two_digits
from resep.stages import merge
from resep.stages.generate.arms import precision

if TYPE_CHECKING:
    from resep.recipe import Recipe


def capabilities(recipe: Recipe, store: Path, runs: Path) -> list[tuple[str, str]]:
    """(verb, what) for `reads`, `writes` (with what is downloaded) and `executes`: all there is, by its name.

    `sends` stands there only where a server is named.
    """
    downloads = ", ".join(_downloads(recipe))
    sent = ", ".join(_sends(recipe))
    network = "no other network but what it sends" if sent else "no other network"
    fetched = f"downloads into the cache: {downloads}" if downloads else "downloads nothing"
    return [
        ("reads", ", ".join(_reads(recipe))),
        ("writes", f"{store}, {runs / recipe['name']}{_merged(recipe)}; {fetched}; {network}"),
        ("executes", ", ".join(_executes(recipe)) or "no code of the recipe"),
        *([("sends", sent)] if sent else []),
    ]


def _reads(recipe: Recipe) -> Iterator[str]:
    yield str(recipe.path)
    yield from (parent.file for parent in recipe.parents)
    yield from dict.fromkeys(name for given in recipe["data.sources"] for name in _of_source(given))
    if str(recipe["prompt.chat_template"]).endswith(".jinja"):
        yield recipe["prompt.chat_template"]
    yield from (f"{_shown(folder)} (weights: safetensors alone)" for folder in _model_folders(recipe))
    yield from (f"{_shown(folder)} (an adapter: safetensors alone)" for folder in _adapters(recipe))


def _of_source(given: Mapping[str, Any]) -> Iterator[str]:
    yield sources.source_name(given)
    if given.get("lookup"):
        yield given["lookup"]["path"]


def _merged(recipe: Recipe) -> str:
    """The merged model among what is written, with its size where the base model is here to be measured."""
    if not merge.is_asked_for(recipe):
        return ""
    folder, numbers = folder_here(recipe), precision(recipe, detect(recipe["compute.profile"]))
    count = merge.size_of(folder, numbers) if folder else 0  # a folder of the hub's cache may lack its weights
    size = f", {two_digits(count / 1e9)} GB in {numbers.dtype}" if count else ""
    return f" (with the merged model{size})"


def _downloads(recipe: Recipe) -> Iterator[str]:
    yield from filter(None, (models.downloads(*wanted) for wanted in dict.fromkeys(model_names(recipe))))
    yield from sources.downloads(recipe)
    yield from (
        f"what {name} asks the hub for" for name, given in recipe.evaluators.items() if given.get("offline") is False
    )


def _executes(recipe: Recipe) -> Iterator[str]:
    for path in recipe.foreign_plugins:
        agreed = "agreed to" if is_trusted(path) else f"only after you agree: --trust {_shown(path)}"
        yield f"{_shown(path)} ({agreed})"
    for folder in _model_folders(recipe):
        if files := code_files(folder):
            names = ", ".join(file.name for file in files)
            agreed = "agreed to" if may_run_code(folder) else "only after you agree: --trust-remote-code"
            yield f"code of the model {_shown(folder)}: {names} ({agreed})"


def _sends(recipe: Recipe) -> Iterator[str]:
    for server in destinations(recipe):
        key = f" with the key in {server.variable}" if server.variable else ""
        agreed = "agreed to" if is_agreed(server.origin, server.variable) else f"only after you agree: {server.option}"
        yield f"texts of rows to {server.origin}{key} for {server.asked_by} ({agreed})"


def _model_folders(recipe: Recipe) -> list[Path]:
    return [Path(name) for name, _ in dict.fromkeys(model_names(recipe)) if models.is_local(name)]


def _adapters(recipe: Recipe) -> Iterator[Path]:
    for index, name, options in placed_arms(recipe["generation.arms"]):
        if "adapter" in options:
            yield recipe.locate(f"generation.arms[{index}].{name}.adapter")


def _shown(path: Path) -> Path:
    """The path as the person would type it."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
