"""Groups of like rows: how many there are, and which row is in which. Runs in the child."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.cluster import MiniBatchKMeans

from resep.diversity.records import APART, Clusters, Elbow, Vectors

_TRIED = (2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
_ELBOW_ROWS = 10_000
_BATCH = 20_000


def elbow(vectors: Vectors, seed: int) -> Elbow:
    """The number of clusters where the curve of the spread bends most: farthest below the line between its ends.

    For the eye, not the truth: 150 real topics look like twenty.
    """
    part = vectors[:_ELBOW_ROWS]
    spread = float(((part - part.mean(axis=0)) ** 2).sum())
    most = min(len(np.unique(part, axis=0)), max(2, len(part) // 5))
    counts = [count for count in _TRIED if count <= most]
    if len(counts) < 3 or spread <= 0:
        return Elbow(max(1, min(2, most)))
    left = [_kmeans(part, count, seed).inertia_ / spread for count in counts]
    tried = tuple((count, round(float(share), 4)) for count, share in zip(counts, left, strict=True))
    return Elbow(counts[farthest_from_chord(counts, left)], tried)


def farthest_from_chord(x: Sequence[float], y: Sequence[float]) -> int:
    """The point of a falling curve that lies farthest below the straight line between its ends."""
    across = (np.asarray(x) - x[0]) / (x[-1] - x[0])
    down = (np.asarray(y) - y[-1]) / max(y[0] - y[-1], 1e-12)
    return int(np.argmax(1 - across - down))


def centres(vectors: Vectors, count: int, seed: int) -> Vectors:
    """The middles of `count` clusters, that of the largest first, or of fewer where there are fewer different rows."""
    distinct = len(np.unique(vectors, axis=0))
    found = _kmeans(vectors, min(count, distinct), seed)
    sizes = np.bincount(found.labels_, minlength=len(found.cluster_centers_))
    return np.asarray(found.cluster_centers_[np.argsort(-sizes, kind="stable")], dtype=np.float32)


def assign(vectors: Vectors, middles: Vectors) -> Clusters:
    """The cluster of each row: that of the nearest middle; APART for a row of length 0."""
    found = np.empty(len(vectors), dtype=np.int32)
    sizes = (middles**2).sum(axis=1) / 2
    for start in range(0, len(vectors), _BATCH):
        batch = vectors[start : start + _BATCH]
        found[start : start + _BATCH] = np.where(batch.any(axis=1), (batch @ middles.T - sizes).argmax(axis=1), APART)
    return found


def _kmeans(vectors: Vectors, count: int, seed: int) -> MiniBatchKMeans:
    return MiniBatchKMeans(count, n_init=3, batch_size=4096, random_state=seed).fit(vectors)
