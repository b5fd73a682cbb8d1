"""Paths that a recipe names: relative to its file and below it, so that a stranger's recipe reads nothing of yours."""

from __future__ import annotations

import os.path
import re
from pathlib import Path

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


def escapes(path: str) -> str | None:
    """Why this path does not stay below the recipe's folder, or None where it does. Nothing on disk is looked at."""
    normal = os.path.normpath(path)
    if path.startswith("~") or Path(path).is_absolute() or re.match(r"[A-Za-z]:[\\/]", path):
        return "is an absolute path, which would be wrong on another machine; give it with --set, or put it below"
    if normal == ".." or normal.startswith(f"..{os.sep}"):
        return "leads out of the recipe's folder; give it with --set, or put it below"
    return None


def is_hub_id(name: str) -> bool:
    """Whether a model's name has the form owner/name. A local folder is written with ./ in front."""
    return _HUB_ID.fullmatch(name) is not None


def is_written_as_folder(name: str) -> bool:
    """Whether a model's name can only be a folder."""
    return name.startswith((".", "/", "~", "\\")) or name.count("/") > 1
