"""Digests of contents: what the store's keys are made of. Standard library only."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any


def digest_json(value: Any) -> str:
    """Canonical JSON's sha256, shortened to 32 hex digits (128 bits). A value that JSON cannot spell raises."""
    canonical = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()[:32]


def digest_tree(path: Path) -> str:
    """The sha256 of a file, or of a folder's relative names and files: never of its path or times."""
    if path.is_dir():
        return digest_json({f.relative_to(path).as_posix(): digest_tree(f) for f in path.rglob("*") if f.is_file()})
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True)
class DigestMemory:
    """Digests remembered by size and modification time, so that an unchanged gigabyte is not read again.

    Only a help: a memory that is damaged, or that cannot be written, costs the time of reading once more.
    """

    file: Path

    def digest(self, path: Path) -> str:
        """The digest of a file's content."""
        stat = path.stat()
        stamp = [stat.st_size, stat.st_mtime_ns]
        known = read_json_or_nothing(self.file)
        entry = known.get(str(path.resolve()))
        if entry is None or entry[:2] != stamp:
            entry = [*stamp, digest_tree(path)]
        if known.get(str(path.resolve())) != entry and self.file.parent.is_dir():  # a plan makes no store
            with suppress(OSError):
                write_json(self.file, {**known, str(path.resolve()): entry})
        return str(entry[2])


def read_json_or_nothing(path: Path) -> dict[str, Any]:
    """The object in a JSON file that is only a note, or an empty one where it is missing or damaged."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file so that a reader sees the old content or the new, never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.new")  # two runs may write the same file at once
    temporary.write_text(json.dumps(value, ensure_ascii=False, indent=1), encoding="utf-8")
    temporary.replace(path)
