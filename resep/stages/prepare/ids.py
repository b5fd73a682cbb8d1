"""Ids of rows as numbers of 64 bits, by which repeated ones are found and rows are drawn."""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

ID_DIGITS = 16  # of an id that was made from what its row says: it is a number already
_MADE = re.compile(f"[0-9a-f]{{{ID_DIGITS}}}")
_DIGITS = re.compile("[0-9a-f]*")


def numbers_of(ids: Sequence[str]) -> NDArray[Any]:
    """A number for each id: equal for equal ids. dtype uint64."""
    if {*map(len, ids)} <= {ID_DIGITS} and _DIGITS.fullmatch(digits := "".join(ids)):
        return np.frombuffer(bytes.fromhex(digits), ">u8").astype(np.uint64)
    return np.array([int(each, 16) if _MADE.fullmatch(each) else hash_of(each) for each in ids], np.uint64)


def hash_of(name: str) -> int:
    """A number that says nothing of the id, evenly spread."""
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "big")
