"""Which code of strangers this person has agreed to run, remembered by the hash of its content.

That is plug-ins beside a recipe, and Python files that came with a model's weights.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from resep.errors import ResepError
from resep.paths import config_folder


def is_trusted(path: Path) -> bool:
    """Whether this very text was agreed to; a changed file has to be agreed to again."""
    return is_agreed(_sha256(path))


def is_agreed(sha256: str) -> bool:
    """Whether this person agreed to run the code with this hash."""
    return sha256 in _remembered()


def trust(path: Path) -> None:
    """Remember that the person at the keyboard agreed to run this file as it is now."""
    if not path.is_file():
        raise ResepError(f"--trust {path}: there is no such file")
    agree(_sha256(path), path)


def agree(sha256: str, path: Path) -> None:
    """Remember an agreement to the code with this hash; `path` is where it lies, for the person who reads the list."""
    file, remembered = _file(), _remembered()
    remembered[sha256] = str(path.resolve())
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f"{file.name}.{os.getpid()}")
    partial.write_text(json.dumps(remembered, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    partial.replace(file)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


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
