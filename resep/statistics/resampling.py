"""The resampling engine: bootstrap and sign flips as matrix products over sums of rows, in blocks that fit in a cache.

`counts @ sums` (how often each row was drawn, times the row's sums) gives all resamples of all metrics at once; metrics
with equally many rows share the matrix, so their resamples belong together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
IsExtreme = Callable[[Array], Any]  # sums (m, v) -> m times true or false

NOISE = 1e-12  # differences below this share of the numbers they come from are rounding
_BLOCK = 2_000_000  # entries of a resampling matrix that are in memory at once


def resampled_sums(sums: Array, resamples: int, seed: int) -> Array:
    """Column sums of `resamples` bootstrap resamples of the rows of `sums`: (n, k) -> (resamples, k)."""
    random = np.random.default_rng(seed)
    n = len(sums)
    parts = []
    for size in _blocks(resamples, n):
        drawn = random.integers(0, n, size=(size, n), dtype=np.int32)
        drawn += np.arange(size, dtype=np.int32)[:, None] * n
        counts = np.bincount(drawn.ravel(), minlength=size * n).reshape(size, n)
        parts.append(counts.astype(np.float64) @ sums)
    return np.concatenate(parts)


def sign_flip_p(columns: Sequence[tuple[Array, IsExtreme]], resamples: int, seed: int) -> list[float]:
    """Two-sided p per pair of `swaps` (n, v) and its judge: how often chance signs give something as extreme.

    `columns` have equally many rows, so that one matrix of signs serves them all. The judge gets sums of sign-flipped
    rows (m, v) and says which are as far from no difference as what was observed. 1 for n = 0.
    """
    n = len(columns[0][0])
    exact = n < 64 and 2**n <= resamples
    stacked = np.concatenate([swaps for swaps, _ in columns], axis=1)
    ends = np.cumsum([swaps.shape[1] for swaps, _ in columns])
    hits = np.zeros(len(columns), dtype=np.int64)
    for signs in _all_signs(n) if exact else _random_signs(n, resamples, seed):
        parts = np.split(signs @ stacked, ends[:-1], axis=1)
        hits += [int(judge(part).sum()) for (_, judge), part in zip(columns, parts, strict=True)]
    return [h / 2**n if exact else (1 + h) / (1 + resamples) for h in hits.tolist()]


def _all_signs(n: int) -> Iterator[Array]:
    yield 1.0 - 2.0 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1)


def _random_signs(n: int, resamples: int, seed: int) -> Iterator[Array]:
    random = np.random.default_rng([seed, 1])
    for size in _blocks(resamples, n):
        bits = np.unpackbits(np.frombuffer(random.bytes(-(-size * n // 8)), dtype=np.uint8), count=size * n)
        yield 1.0 - 2.0 * bits.reshape(size, n).astype(np.float64)


def _blocks(total: int, width: int) -> Iterator[int]:
    size = max(1, _BLOCK // max(1, width))
    for start in range(0, total, size):
        yield min(size, total - start)
