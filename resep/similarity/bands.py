"""Which rows to compare: those whose signatures agree in a whole band of neighbouring bytes.

Texts that are alike to a degree of s agree in a band of r bytes with probability s^r, so b bands find them with
1 - (1 - s^r)^b (Leskovec, Rajaraman, Ullman, "Mining of Massive Datasets", 3.4). Where a row has several texts, a band
takes its bytes from each in turn: rows with one question and a thousand answers do not all fall into one bucket.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from resep.similarity.signatures import ORDERS, WIDTH, Signatures

_KEY_BYTES = 8
_FOUND = 0.999  # of the pairs that are exactly as alike as asked for; of nearer ones more

Keys = NDArray[np.uint64]
Indices = NDArray[np.intp]


def bands(threshold: float) -> tuple[int, int]:
    """(bytes of a band, number of bands): the longest that find the pairs of this likeness, from settings.LEAST on."""
    for length in range(_KEY_BYTES, 0, -1):
        needed = _needed(threshold**length)
        if needed <= (ORDERS - _KEY_BYTES) // length + 1:
            return length, needed
    raise ValueError(f"no bands find texts that are alike to a degree of {threshold}")


def band_keys(signatures: Signatures, rows: Indices, band: int, length: int) -> Keys:
    """The key of each row in a band of so many bytes. `in_band` leaves of it what the band is.

    A key goes on after its band: in the order of their keys, rows of one band stand next to those most like them.
    """
    start, parts = band * length, signatures.shape[1] // WIDTH
    keys = np.empty((len(rows), _KEY_BYTES), np.uint8)
    for part in range(parts):
        at = part * WIDTH + start
        keys[:, part::parts] = signatures[rows, at : at + _KEY_BYTES][:, part::parts]
    return keys.view(">u8")[:, 0].astype(np.uint64)


def in_band(keys: Keys, length: int) -> Keys:
    """The part of keys that is in the band: rows are in one bucket where it is the same."""
    return keys >> np.uint64(8 * (_KEY_BYTES - length))


def _needed(share: float) -> int:
    return math.ceil(math.log(1 - _FOUND) / math.log(1 - share)) if share < 1 else 1
