"""An adapter that a recipe names as an arm: its folder, what it is, and whether it was made for this base model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from resep import models
from resep.digests import digest_json
from resep.errors import ResepError

WEIGHTS, CONFIG = "adapter_model.safetensors", "adapter_config.json"


@dataclass(frozen=True)
class Adapter:
    """`settings`: a digest of its config, less what depends on the machine; the weights count as a file."""

    folder: Path
    settings: str


def read_adapter(folder: Path, key: str, base: str, base_name: str, revision: str | None) -> Adapter:
    """The adapter in a folder. Raises ResepError where it is none, or none for the model `base` (an identity)."""
    config = _config(folder, key)
    if not (folder / WEIGHTS).is_file():
        raise ResepError(
            f"{key}: {folder} has no {WEIGHTS}: other weights (.bin) are pickles, which can run code and are not read"
        )
    made_for = config.get("base_model_name_or_path")
    if not _is_for(made_for, config.get("revision"), base, base_name, revision):
        raise ResepError(
            f"{key}: {folder} was made for {made_for or 'a model that it does not name'}, and this recipe's base is "
            f"{base}: on other weights an adapter means nothing. If they are the same weights, say so in its {CONFIG}: "
            f'"base_model_name_or_path": "{base}"'
        )
    portable = {name: value for name, value in config.items() if name not in ("base_model_name_or_path", "revision")}
    return Adapter(folder, digest_json({name: _sorted(value) for name, value in portable.items()}))


def _config(folder: Path, key: str) -> dict[str, Any]:
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        is_model = (folder / "config.json").is_file()
        hint = "; it is a whole model: name it as 'model'" if is_model else "; an earlier run keeps its own in adapter/"
        raise ResepError(f"{key}: {folder} is no adapter, it has no {CONFIG}{hint}") from error
    except (OSError, ValueError) as error:
        raise ResepError(f"{key}: {folder / CONFIG} cannot be read: {error}") from error
    if not isinstance(config, Mapping):
        raise ResepError(f"{key}: {folder / CONFIG} holds no map of settings")
    return dict(config)


def _is_for(made_for: Any, made_for_revision: Any, base: str, base_name: str, revision: str | None) -> bool:
    """Ours say what the model is; those of other tools have its name at the hub, or a folder of some machine."""
    if made_for == base:
        return True
    if made_for == base_name and made_for_revision in (None, revision):
        return True
    if not isinstance(made_for, str) or not Path(made_for).is_dir():
        return False
    try:
        return models.identify(made_for) == base
    except ResepError:
        return False


def _sorted(value: Any) -> Any:
    is_set = isinstance(value, list) and all(isinstance(item, str) for item in value)
    return sorted(value) if is_set else value
