"""How long rows are, from how many rows there are of each length: quantiles, a histogram, what a limit would lose.

Everything here is exact, for all rows: a million rows have a few thousand different lengths.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping, Sequence

Counts = Mapping[int, int]  # tokens of a row -> rows

QUANTILES = (50, 90, 95, 99)
# The upper ends of the bins: powers of two and what lies half-way between them, so that any two data sets compare.
EDGES: Sequence[int] = [edge for power in range(4, 21) for edge in (2**power, 3 * 2 ** (power - 1))]
ROUND = 64  # a suggested length is a multiple of this, as GPUs like it
PACKED_ROWS = 10_000  # rows that are packed to see how well rows of these lengths fit together


def quantiles(counts: Counts) -> dict[str, int]:
    """`{"50": 96, "90": ..., "95": ..., "99": ..., "max": ...}`: so many of 100 rows are no longer; {} without rows."""
    if not counts:
        return {}
    return {**{str(share): quantile(counts, share / 100) for share in QUANTILES}, "max": max(counts)}


def quantile(counts: Counts, share: float) -> int:
    """The smallest length that at least this share of the rows does not exceed."""
    wanted, seen = math.ceil(share * sum(counts.values()) - 1e-9), 0
    for length in sorted(counts):
        seen += counts[length]
        if seen >= wanted:
            return length
    return max(counts)


def histogram(counts: Counts) -> list[tuple[int, int]]:
    """(upper end of a bin, rows in it), from the first bin with rows to the last."""
    bins = dict.fromkeys(EDGES, 0)
    for length, rows in counts.items():
        bins[EDGES[min(bisect_left(EDGES, length), len(EDGES) - 1)]] += rows
    filled = [at for at, rows in enumerate(bins.values()) if rows]
    return list(bins.items())[filled[0] : filled[-1] + 1] if filled else []


def suggested_length(counts: Counts, share: float) -> int:
    """A training.sequence_len that holds this share of the rows whole: a multiple of ROUND."""
    return math.ceil(quantile(counts, share) / ROUND) * ROUND


def padding(counts: Counts, rows: int) -> float:
    """Share of what is computed that is padding, where so many rows drawn at random are padded to their longest.

    The expected longest of n rows is the sum over lengths l of 1 - P(a row has at most l - 1 tokens) ** n.
    """
    total = sum(counts.values())
    if not total:
        return 0.0
    longest, below, before = 0.0, 0, 0
    for length in sorted(counts):
        longest += (length - before) * (1 - (below / total) ** rows)
        below, before = below + counts[length], length
    return 1 - _tokens(counts) / total / longest


def packed_padding(counts: Counts, limit: int) -> float:
    """The same where rows are packed into sequences of `limit` tokens: the longest first, each where it fits best."""
    lengths = sorted((min(length, limit) for length in _some(counts)), reverse=True)
    room: list[int] = []  # what is left in each sequence, ascending
    packs = 0
    for length in lengths:
        at = bisect_left(room, length)
        packs += at == len(room)
        left = (room.pop(at) if at < len(room) else limit) - length
        if left:
            insort(room, left)
    return 1 - sum(lengths) / (packs * limit) if packs else 0.0


def rows_above(counts: Counts, limit: int) -> int:
    """Rows longer than a limit."""
    return sum(rows for length, rows in counts.items() if length > limit)


def _some(counts: Counts) -> Iterator[int]:
    """The length of each row; of many rows, of every k-th by length."""
    every = max(1, math.ceil(sum(counts.values()) / PACKED_ROWS))
    seen = 0
    for length in sorted(counts):
        before, seen = seen, seen + counts[length]
        for _ in range(seen // every - before // every):
            yield length


def _tokens(counts: Counts) -> int:
    return sum(length * rows for length, rows in counts.items())
