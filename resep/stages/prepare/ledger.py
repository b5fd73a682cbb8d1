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


def ledger_line(name: str, file: bytes, line: int, became: bytes) -> bytes:
    """A line for the row of this id, which begins on this line of its file; `became` is what `what_became` of it.

    `file` is the name of the file in JSON: with thousands of rows of one file, it is written so once.
    """
    return b'{"id":%b,"file":%b,"line":%d,%b' % (orjson.dumps(name), file, line, became)


def what_became(source: int, split: str | None, why: tuple[str, str] | None, *, quarantined: bool = False) -> bytes:
    """The rest of a line, which many rows of a source share: kept in `split`, or dropped by a step for a reason."""
    step, reason = why or (None, None)
    status = "kept" if split else "quarantined" if quarantined else "dropped"
    rest = {"source": source, "status": status, "split": split, "step": step, "reason": reason}
    return orjson.dumps(rest, option=orjson.OPT_APPEND_NEWLINE)[1:]


def made_line(row: Kept, split: str | None, why: tuple[str, str] | None) -> bytes:
    """A line for a row that a step made from another."""
    line = ledger_line(row.id, orjson.dumps(row.origin.file), row.origin.line, what_became(row.source, split, why))
    return orjson.dumps({**orjson.loads(line), "parent": row.parent}) + b"\n"
