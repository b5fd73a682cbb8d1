"""Where our own folders lie: beside the package in a clone, inside it in an installed wheel."""

from __future__ import annotations

import os
from pathlib import Path

from resep.errors import ResepError

_PACKAGE = Path(__file__).resolve().parent


def data_folder(name: str) -> Path:
    """The folder of ours called `name`: plug-ins, chat_templates, evaluation, schemas or recipes.

    The wheel's place is tried first: beside an installed package lies `site-packages`, where a folder called
    `schemas` would be somebody else's. A clone is known by its pyproject.toml.
    """
    inside, beside = _PACKAGE / name, _PACKAGE.parent / name
    if inside.is_dir():
        return inside
    if beside.is_dir() and (_PACKAGE.parent / "pyproject.toml").is_file():
        return beside
    raise ResepError(f"this installation lacks its folder '{name}' (neither {inside} nor {beside}); install it again")


def config_folder() -> Path:
    """Where a person's own settings lie: `resep` in XDG_CONFIG_HOME, or in ~/.config."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "resep"


def recipe_cache() -> Path:
    """Where recipes of other git repositories are kept: `recipes` in RESEP_CACHE, else in ~/.cache/resep."""
    return _cache() / "recipes"


def answer_cache() -> Path:
    """Where the answers of other models are kept: `answers` in RESEP_CACHE, else in ~/.cache/resep."""
    return _cache() / "answers"


def rows_cache() -> Path:
    """Where copies of data that lies elsewhere are kept: `rows` in RESEP_CACHE, else in ~/.cache/resep."""
    return _cache() / "rows"


def embedding_cache() -> Path:
    """Where vectors of references are kept: `embeddings` in RESEP_CACHE, else in ~/.cache/resep."""
    return _cache() / "embeddings"


def _cache() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "resep"
    return Path(os.environ.get("RESEP_CACHE") or cache).expanduser().resolve()
