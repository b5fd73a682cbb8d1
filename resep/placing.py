"""Files of the store in a folder that people use: copied, so that an edit there changes nothing here.

Weights of gigabytes are no exception by content, only by means: they are linked where the file system allows it, and
nobody may write to them. A program that edits such a file either fails, or writes a new one in its place, as most do;
the store keeps its own. Only who removes the protection (or is root) could change both.
"""

from __future__ import annotations

import shutil
from pathlib import Path

_LINKED = ".safetensors"
_LINKED_BYTES = 64 * 1024**2  # smaller ones are copied: an adapter, a tiny model


def place(source: Path, target: Path) -> None:
    """Make `target` the same file as `source`, unless it is already."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists() and _stamp(source) == _stamp(target):
        return
    target.unlink(missing_ok=True)  # never write into a file that may be a link
    if not (source.suffix == _LINKED and source.stat().st_size >= _LINKED_BYTES and _link(source, target)):
        shutil.copy2(source, target)


def _link(source: Path, target: Path) -> bool:
    """Whether the two could be linked: they lie on one file system, which knows links."""
    mode = source.stat().st_mode
    source.chmod(mode & ~0o222)
    try:
        target.hardlink_to(source)
    except OSError:
        source.chmod(mode)
        return False
    return True


def _stamp(file: Path) -> tuple[int, int]:
    return file.stat().st_size, file.stat().st_mtime_ns
