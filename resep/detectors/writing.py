"""What a step writes in the place of a value that it took out, and who is told of it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from resep.detectors import Write, normal_form
from resep.numbering import with_digest
from resep.placeholders import hide
from resep.private_digests import private_key

Found = list[tuple[str, str]]  # (kind, value): raw values, to be digested at once

_listeners: list[Found] = []


@contextmanager
def noting() -> Iterator[Found]:
    """A list that every value is added to which a step takes out while the block lasts."""
    found: Found = []
    _listeners.append(found)
    try:
        yield found
    finally:
        _listeners.pop()


def writer(numbering: str) -> Write:
    """The hidden placeholder of a find: [KIND] for `none`; for `row` and `data` one that carries a digest of its value.

    Numbers are given where all texts of a row are seen (resep.numbering). The digests of a row need to agree within
    this process only; those of all rows need the same key wherever a part of them is read.
    """
    key = b"" if numbering == "none" else private_key() if numbering == "data" else _OWN_KEY

    def write(kind: str, value: str) -> str:
        if _listeners:
            _listeners[-1].append((kind, value))
        return with_digest(kind, normal_form(kind, value), key) if key else hide(f"[{kind}]")

    return write


_OWN_KEY = secrets.token_bytes(32)
