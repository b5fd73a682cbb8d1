"""What a recipe will read, write, download and execute, in three lines, before any of it happens."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from resep import models
from resep.models.foreign import code_files, may_run_code
from resep.pipeline import model_names
from resep.plugins.trust import is_trusted

if TYPE_CHECKING:
    from resep.recipe import Recipe


def capabilities(recipe: Recipe, store: Path, runs: Path) -> list[tuple[str, str]]:
    """(verb, what) for `reads`, `writes` (with what is downloaded) and `executes`: all there is, by its name."""
    downloads = ", ".join(_downloads(recipe))
    fetched = f"downloads {downloads} into the cache" if downloads else "downloads nothing"
    return [
        ("reads", ", ".join(_reads(recipe))),
        ("writes", f"{store}, {runs / recipe['name']}; {fetched}; no other network"),
        ("executes", ", ".join(_executes(recipe)) or "no code of the recipe"),
    ]


def _reads(recipe: Recipe) -> Iterator[str]:
    yield str(recipe.path)
    yield from (parent.file for parent in recipe.parents)
    yield from dict.fromkeys(source["path"] for source in recipe["data.sources"] if "path" in source)
    if str(recipe["prompt.chat_template"]).endswith(".jinja"):
        yield recipe["prompt.chat_template"]
    yield from (f"{_shown(folder)} (weights: safetensors alone)" for folder in _model_folders(recipe))


def _downloads(recipe: Recipe) -> Iterator[str]:
    yield from filter(None, (models.downloads(*wanted) for wanted in dict.fromkeys(model_names(recipe))))


def _executes(recipe: Recipe) -> Iterator[str]:
    for path in recipe.foreign_plugins:
        agreed = "agreed to" if is_trusted(path) else f"only after you agree: --trust {_shown(path)}"
        yield f"{_shown(path)} ({agreed})"
    for folder in _model_folders(recipe):
        if files := code_files(folder):
            names = ", ".join(file.name for file in files)
            agreed = "agreed to" if may_run_code(folder) else "only after you agree: --trust-remote-code"
            yield f"code of the model {_shown(folder)}: {names} ({agreed})"


def _model_folders(recipe: Recipe) -> list[Path]:
    return [Path(name) for name, _ in dict.fromkeys(model_names(recipe)) if models.is_local(name)]


def _shown(path: Path) -> Path:
    """The path as the person would type it."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
