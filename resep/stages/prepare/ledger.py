"""What became of every input row: one line each, kept in a split, dropped by a step with its reason, or quarantined."""

from __future__ import annotations

import re
from collections.abc import Collection

import orjson

from resep.stages.prepare.batch import Kept

MAX_REASONS = 50  # different reasons counted by name; a step that writes a new one for every row fills "other reasons"
_OTHER_REASONS = "other reasons"
_PLACE = re.compile(r" of .+:[0-9]+$")


def counted(reason: str, known: Collection[str]) -> str:
    """The name under which a reason is counted: without the place that some end in, and not one more than enough."""
    name = _PLACE.sub("", reason)
    return name if name in known or len(known) < MAX_REASONS else _OTHER_REASONS


def ledger_line(
    row: tuple[str, str, int, int], split: str | None, why: tuple[str, str] | None, *, quarantined: bool = False
) -> bytes:
    """A line for the row (id, file, line, source): kept in `split`, or dropped by a step for a reason."""
    name, file, line, source = row
    step, reason = why or (None, None)
    status = "kept" if split else "quarantined" if quarantined else "dropped"
    entry = {"id": name, "file": file, "line": line, "source": source, "status": status, "split": split}
    entry["step"], entry["reason"] = step, reason
    return orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE)


def made_line(row: Kept, split: str | None, why: tuple[str, str] | None) -> bytes:
    """A line for a row that a step made from another."""
    line = ledger_line((row.id, row.origin.file, row.origin.line, row.source), split, why)
    return orjson.dumps({**orjson.loads(line), "parent": row.parent}) + b"\n"
