"""Data of the Hugging Face hub: at one revision, brought here once, as JSONL in the person's cache.

`datasets` does the work in a child process (fetch_rows.py). A limit belongs to the copy: of a large set, no more is
fetched than is read.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resep import process
from resep.digests import digest_json
from resep.errors import ResepError, StageError
from resep.paths import rows_cache

if TYPE_CHECKING:
    from resep.store import Emit

ROWS = "rows.jsonl"  # in the child's folder


@dataclass(frozen=True)
class Wanted:
    """One split of a data set on the hub, or its first `limit` rows."""

    hub: str
    revision: str
    subset: str | None = None
    split: str = "train"
    limit: int | None = None

    @classmethod
    def from_source(cls, given: Mapping[str, Any]) -> Wanted:
        """What an entry of `data.sources` with `hub` asks for."""
        return cls(given["hub"], given["revision"], given.get("subset"), given["split"], given.get("limit"))

    @property
    def identity(self) -> str:
        return f"{self.hub}@{self.revision}/{self.subset or ''}/{self.split}"

    @property
    def label(self) -> str:
        """As messages name it, the revision shortened."""
        subset = f"/{self.subset}" if self.subset else ""
        return f"hub:{self.hub}@{self.revision[:12]}{subset}/{self.split}"

    @property
    def file(self) -> Path:
        """Where its rows lie, or would lie, on this machine."""
        return rows_cache() / f"{self.hub.replace('/', '--')}-{digest_json(asdict(self))[:16]}.jsonl"


def brought(wanted: Wanted, emit: Emit) -> Path:
    """The file of its rows, written first where it is not there yet. Raises ResepError where they cannot be had."""
    if not wanted.file.is_file():
        work = wanted.file.with_suffix(f".{os.getpid()}.work")  # two runs may want the same rows at once
        try:
            command = [sys.executable, "-m", "resep.sources.fetch_rows"]
            process.run_child(command, name=wanted.label, folder=work, emit=emit, request=asdict(wanted))
        except StageError as error:
            raise ResepError(f"{wanted.label}: {error} (log: {error.log})") from error
        (work / ROWS).replace(wanted.file)
        shutil.rmtree(work)
    return wanted.file
