"""One look at a text for all detectors together: most texts have nothing that any of them could find.

What is looked at are the marks of a text: its digits, all written 0, and of the other characters the few that the
chosen detectors name; letters and spaces are gone. Texts share few marks ("." and "," and "00-00"), so what may stand
behind some is remembered. Marks hold no digit of a number, so what is remembered is nobody's.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TypeVar

from resep.detectors.detector import Detector

Kept = TypeVar("Kept")

_REMEMBERED = 4096
_LONGEST = 48  # of marks that are remembered: a text of numbers has marks of its own
_FOLDED = bytes.maketrans(string.digits.encode() + b"W", b"0" * 10 + b"w")


def quick_look(chosen: Sequence[tuple[Detector, Kept]]) -> Callable[[str], Sequence[Kept]]:
    """What is kept with each detector that may find something in a text, in the order given."""
    seen = set(string.digits).union(*(detector.marks for detector, _ in chosen))
    unseen = bytes(byte for byte in range(256) if chr(byte) not in seen)

    def judge(marks: bytes) -> Sequence[Kept]:
        return tuple(kept for detector, kept in chosen if detector.hint(marks))

    remembered = lru_cache(_REMEMBERED)(judge)

    def look(text: str) -> Sequence[Kept]:
        marks = text.encode("utf-8", "surrogatepass").translate(_FOLDED, unseen)
        return remembered(marks) if len(marks) <= _LONGEST else judge(marks)

    return look
