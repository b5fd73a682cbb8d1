"""What `recipe.lock.yaml` says of parents in other repositories: the hash of each as it was when the recipe ran.

A lock that lies beside the recipe is believed: a parent whose content differs now is a problem.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from resep.document import read_document
from resep.errors import Problem
from resep.recipe.files import RecipeFile

LOCK = "recipe.lock.yaml"
KEY = "extends"
FILES = "files"  # digests of files of the run's folder, as the run left them


def locked_parents(files: Iterable[RecipeFile]) -> dict[str, str]:
    """`{"hub:owner/name@<commit>#recipe.yaml": sha256, ...}` of the files that came from other repositories."""
    return {file.remote.name: file.sha256 for file in files if file.remote}


def lock_problems(folder: Path, files: Sequence[RecipeFile]) -> list[Problem]:
    """Every file that is not what the lock in the folder says. Without a lock, or without such files: none."""
    found, path = locked_parents(files), folder / LOCK
    if not found or not path.is_file():
        return []
    lock = read_document(path.read_bytes(), str(path))
    if any(problem.severity == "error" for problem in lock.problems) or not isinstance(lock.data, dict):
        return [*lock.problems] or [lock.problem((), "this is no lock of a run; delete it, or put it back as it was")]
    locked: Any = lock.data.get(KEY)
    if not isinstance(locked, Mapping):
        return []
    changed = [name for name, sha256 in found.items() if name in locked and locked[name] != sha256]
    message = "its content is not what it was when this lock was written: do not run it before you know why"
    return [lock.problem((KEY, name), f"{message} (sha256 now {found[name]})") for name in changed]
