"""Which plug-ins beside a recipe this person has agreed to run, remembered by the hash of their content."""

from __future__ import annotations

import json
import os
from pathlib import Path

from resep.errors import ResepError
from resep.paths import config_folder
from resep.plugins import content_hash


def is_trusted(path: Path) -> bool:
    """Whether this very text was agreed to; a changed file has to be agreed to again."""
    return content_hash(path) in _remembered()


def trust(path: Path) -> None:
    """Remember that the person at the keyboard agreed to run this file as it is now."""
    file, remembered = _file(), _remembered()
    remembered[content_hash(path)] = str(path.resolve())
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f"{file.name}.{os.getpid()}")
    partial.write_text(json.dumps(remembered, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    partial.replace(file)


def _remembered() -> dict[str, str]:
    """sha256 -> where the file was when it was agreed to (for the person who reads the list)."""
    try:
        remembered = json.loads(_file().read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ResepError(f"{_file()} (trusted plug-ins) cannot be read: {error}; mend or delete it") from error
    if not isinstance(remembered, dict):
        raise ResepError(f"{_file()} (trusted plug-ins) is not a JSON object; mend or delete it")
    return {str(digest): str(path) for digest, path in remembered.items()}


def _file() -> Path:
    return config_folder() / "trusted.json"
