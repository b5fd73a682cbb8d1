"""Read a file that a test writes, and say what came out of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from resep.errors import ResepError
from resep.sources import RawRow, SourceFile, read_file


def read(folder: Path, name: str, content: str | bytes) -> list[RawRow]:
    (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return list(read_file(SourceFile(folder / name, f"data/{name}")))


def refusal(folder: Path, name: str, content: str | bytes) -> str:
    with pytest.raises(ResepError) as caught:
        read(folder, name, content)
    return str(caught.value)


def places(rows: list[RawRow]) -> list[tuple[int, Any]]:
    return [(row.origin.line, dict(row.values)) for row in rows]
