"""A row that cannot be used, as a line that a person can mend and feed back: `quarantined.jsonl` is a source.

A row that could be read stands there as it was, with `_file`, `_line` and `_reason` added: mend its values. Of one that
could not be read, the text stands in `_text`: mend the text, or write the row itself in place of the whole line. Read
as a source, the added keys are gone again, and a `_text` is read as the line that it was.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import orjson

from resep.sources.raw import RawRow

FILE, LINE, REASON, TEXT = ADDED = ("_file", "_line", "_reason", "_text")


def quarantine_line(raw: RawRow, reason: str) -> bytes:
    """The line for a row that cannot be used, with its line end. `reason` says why."""
    added = {FILE: raw.origin.file, LINE: raw.origin.line, REASON: reason}
    if raw.problem:
        return json_line({TEXT: raw.text, **added})
    if any(key in raw.values for key in ADDED):  # keys of its own, which ours would hide
        return json_line({TEXT: json_line(raw.values).decode().rstrip("\n"), **added})
    return json_line({**raw.values, **added})


def as_it_was(values: Mapping[str, Any]) -> Mapping[str, Any] | str:
    """The row that a quarantined one was, or the text of its line; any other row as it is."""
    if not all(key in values for key in (FILE, LINE, REASON)):
        return values
    if isinstance(text := values.get(TEXT), str) and len(values) == len(ADDED):
        return text
    return {key: value for key, value in values.items() if key not in (FILE, LINE, REASON)}


def json_line(values: Mapping[str, Any]) -> bytes:
    """Values as a line of JSON, with its line end."""
    try:
        return orjson.dumps(values, option=orjson.OPT_APPEND_NEWLINE)
    except TypeError:  # an integer beyond 64 bits
        return (json.dumps(values, ensure_ascii=False) + "\n").encode()
