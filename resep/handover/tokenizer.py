"""A model's tokenizer as it is handed on: its files, with the chat template of the training, and no path in them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from resep.templates.tokenizer_files import own_template

FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "tokenizer.model",
    "tekken.json",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
)
TEMPLATE = "chat_template.jinja"
FOLDER = "tokenizer"  # beside what a training leaves
_CONFIG = "tokenizer_config.json"


def hand_over_tokenizer(model: Path, template: str | None, folder: Path) -> None:
    """Copy the tokenizer of the model's folder into `folder`, with this chat template, or else with its own.

    The template stands in a file of its own alone: two that differ would be a trap.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        if name != _CONFIG and (model / name).is_file():
            shutil.copyfile(model / name, folder / name)
    config = _read(model / _CONFIG)
    if config:
        text = json.dumps(_portable(config), ensure_ascii=False, indent=2) + "\n"
        (folder / _CONFIG).write_text(text, encoding="utf-8")
    source = own_template(model, config) if template is None else template
    if source is not None:
        (folder / TEMPLATE).write_text(source, encoding="utf-8")


def _portable(config: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in config.items() if key != "chat_template" and not _is_path(value)}


def _is_path(value: Any) -> bool:
    """Whether a setting is the path of a file on the machine where the tokenizer was saved last."""
    if not isinstance(value, str) or len(value) < 3:
        return False
    return PurePosixPath(value).is_absolute() or (PureWindowsPath(value).is_absolute() and "\\" in value)


def _read(file: Path) -> dict[str, Any]:
    found = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return found if isinstance(found, dict) else {}
