"""Vectors of references on disk, so that other arms, runs and sweeps over the same test rows need not compute them.

`<cache>/embeddings/<what the vectors depend on>/<digest>.safetensors`: the references of one window, float32, one
tensor per text under the text's digest. A file appears complete, by a rename, and is never changed, so that any number
of processes may read and write at once; the worst that can happen is that two of them compute the same. Vectors can be
turned back into much of their text, so files and folders are for their owner alone.

The cache is only a help: what cannot be read is computed, what cannot be written is not kept.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from resep.digests import digest_json
from resep.errors import ResepError
from resep.paths import embedding_cache

SIZE_VARIABLE = "RESEP_EMBEDDING_CACHE"
_DEFAULT_GIB = 2.0
_UNREADABLE = (OSError, SafetensorError, RuntimeError)  # torch, which maps the file, raises the last
_MAX_FILES = 1000  # a test set of a few rows makes a small file each time


@dataclass(frozen=True)
class VectorCache:
    """The vectors of one encoder, layer, precision and version. `max_bytes` bounds those of all together."""

    folder: Path
    dimension: int
    max_bytes: int

    @cached_property
    def _places(self) -> dict[str, Path]:
        """A text's digest -> the file that has its vectors."""
        files = sorted(self.folder.glob("*.safetensors")) if self.max_bytes else []
        return {name: file for file in files for name in _names(file)}

    def read(self, texts: Mapping[str, int]) -> dict[str, torch.Tensor]:
        """Those of the texts that are here: (tokens, dimension). `texts` says how many tokens each must have."""
        wanted: dict[Path, dict[str, str]] = defaultdict(dict)
        for text in texts:
            if file := self._places.get(name := _digest(text)):
                wanted[file][name] = text
        return {
            names[name]: vectors
            for file, names in wanted.items()
            for name, vectors in _tensors(file, names)
            if vectors.shape == (texts[names[name]], self.dimension)
        }

    def write(self, vectors: Mapping[str, torch.Tensor]) -> None:
        """Keep these, and let go of what was not used for longest where that makes too much."""
        if not vectors or not self.max_bytes:
            return
        # Copies: the vectors of a batch share its memory, which safetensors refuses to write.
        named = {_digest(text): found.cpu().clone() for text, found in vectors.items()}
        file = self.folder / f"{digest_json(sorted(named))[:16]}.safetensors"
        places = self._places
        with suppress(OSError):
            _write_privately(file, save(named))
            places.update(dict.fromkeys(named, file))
            _trim(self.folder.parent, self.max_bytes)


def open_cache(identity: str, dimension: int) -> VectorCache:
    """The cache for vectors of this identity. RESEP_EMBEDDING_CACHE says how large it may grow; `off`: there is none.

    Raises ResepError where the variable says neither a size nor `off`.
    """
    return VectorCache(embedding_cache() / digest_json(identity)[:16], dimension, _max_bytes())


def _max_bytes() -> int:
    given = os.environ.get(SIZE_VARIABLE, "").strip()
    if given.lower() in {"off", "0"}:
        return 0
    try:
        size = float(given.lower().removesuffix("gib")) if given else _DEFAULT_GIB
    except ValueError:
        size = -1.0
    if not 0 < size < float("inf"):
        raise ResepError(f"{SIZE_VARIABLE} is '{given}': it is `off`, or a size such as `{_DEFAULT_GIB:g}GiB`")
    return int(size * 2**30)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _names(file: Path) -> list[str]:
    try:
        with safe_open(file, framework="pt") as opened:
            return list(opened.keys())
    except _UNREADABLE:  # another process let go of it, or a disk was full
        return []


def _tensors(file: Path, names: Iterable[str]) -> Iterator[tuple[str, torch.Tensor]]:
    with suppress(*_UNREADABLE), safe_open(file, framework="pt") as opened:
        for name in names:
            yield name, opened.get_tensor(name)
        os.utime(file)  # the time of its last use


def _write_privately(file: Path, content: bytes) -> None:
    file.parent.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    file.parent.mkdir(exist_ok=True, mode=0o700)
    partial = file.with_suffix(f".{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as opened:
            opened.write(content)
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)


def _trim(folder: Path, max_bytes: int) -> None:
    """Keep the files that were used last, as many as fit; `folder` is that of all encoders."""
    used = []
    for file in folder.glob("*/*"):
        with suppress(FileNotFoundError):  # another process trims as well
            used.append((file.stat().st_mtime, file.stat().st_size, file))
    total = 0
    for count, (_, size, file) in enumerate(sorted(used, reverse=True), 1):
        total += size
        if total > max_bytes or count > _MAX_FILES:
            file.unlink(missing_ok=True)
