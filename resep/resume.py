"""Records that an interrupted worker left on disk: whole lines count, a torn last line is cut off."""

from __future__ import annotations

from pathlib import Path

from resep.records import Record, read_jsonl


def finished_records(path: Path, kind: type[Record]) -> list[Record]:
    """What was written before the interruption; afterwards the file ends with a whole line and can be appended to."""
    if not path.exists():
        return []
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        with path.open("r+b") as file:
            file.truncate(whole)
    return list(read_jsonl(path, kind))
