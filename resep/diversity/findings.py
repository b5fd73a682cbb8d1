"""What the report shows of a choice: clusters with their words and examples, a picture, and whether it helped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resep.diversity.records import APART, Choice, Elbow, Positions, Vectors
from resep.diversity.words import typical_words

_EXAMPLES, _EXAMPLE_LENGTH = 2, 80
_POINTS_CHOSEN, _POINTS_OTHER = 500, 1_000
_MEASURED = 10_000  # rows whose distance to the nearest chosen one is measured
_DRAWS = 3  # random samples that the choice is compared with


def findings(choice: Choice, elbow: Elbow, middles: Vectors, texts: Sequence[str], seed: int) -> dict[str, Any]:
    """Everything, ready for JSON. `texts` are those of the fitted rows."""
    return {
        "clusters": _clusters(choice, middles, texts),
        "points": points(choice),
        "elbow": {"count": elbow.count, "tried": [list(pair) for pair in elbow.tried]},
        "coverage": coverage(choice, seed),
        "fitted_rows": len(choice.fitted),
        "silent_rows": int((choice.clusters == APART).sum()),
    }


def coverage(choice: Choice, seed: int) -> dict[str, Any] | None:
    """How far rows are from the nearest chosen one (1 - cosine), and from the nearest of as many drawn by lot.

    Rows that say nothing are left out. None where there is nothing to measure.
    """
    speaking = np.flatnonzero(choice.clusters != APART)
    chosen = speaking[choice.chosen[speaking]]
    if not len(chosen):
        return None
    rng = np.random.default_rng(seed)
    measured = rng.choice(speaking, min(len(speaking), _MEASURED), replace=False)  # not by rank: chosen rows rank low
    rows = np.asarray(choice.vectors[np.sort(measured)])
    drawn = [np.sort(rng.choice(speaking, len(chosen), replace=False)) for _ in range(_DRAWS)]
    by_lot = [_spread(_distance(rows, choice.vectors[positions])) for positions in drawn]
    return {
        "rows": len(rows),
        "chosen": _spread(_distance(rows, choice.vectors[chosen])),
        "random": {name: round(float(np.mean([draw[name] for draw in by_lot])), 4) for name in ("mean", "p95")},
    }


def points(choice: Choice) -> list[list[float]]:
    """[x, y, cluster, 1 if chosen else 0] of rows drawn by lot, on the two axes along which rows differ most."""
    speaking = choice.clusters != APART
    fitted = choice.vectors[choice.fitted[speaking[choice.fitted]]]
    if len(fitted) < 3:
        return []
    middle = fitted.mean(axis=0)
    _, axes = np.linalg.eigh((fitted - middle).T @ (fitted - middle))
    plane = axes[:, :-3:-1]  # the two last: eigenvalues rise
    drawn = np.concatenate(
        [
            _drawn(choice, speaking & ~choice.chosen, _POINTS_OTHER),
            _drawn(choice, speaking & choice.chosen, _POINTS_CHOSEN),
        ]
    )
    flat = (choice.vectors[drawn] - middle) @ plane
    if plane.shape[1] < 2:
        flat = np.hstack([flat, np.zeros_like(flat)])
    return [
        [round(x, 3), round(y, 3), int(choice.clusters[row]), int(choice.chosen[row])]
        for (x, y), row in zip(flat.tolist(), drawn.tolist(), strict=True)
    ]


def _clusters(choice: Choice, middles: Vectors, texts: Sequence[str]) -> list[dict[str, Any]]:
    """The clusters by size; those without a row are left out."""
    sizes = np.bincount(choice.clusters[choice.clusters >= 0], minlength=len(middles))
    chosen = np.bincount(choice.clusters[(choice.clusters >= 0) & choice.chosen], minlength=len(middles))
    of_text = choice.clusters[choice.fitted]
    terms = typical_words(texts, of_text.tolist())
    return [
        {
            "id": int(cluster),
            "size": int(sizes[cluster]),
            "chosen": int(chosen[cluster]),
            "terms": terms.get(int(cluster), []),
            "examples": _examples(choice, np.flatnonzero(of_text == cluster), middles[cluster], texts),
        }
        for cluster in np.argsort(-sizes, kind="stable")
        if sizes[cluster]
    ]


def _examples(choice: Choice, members: Positions, middle: Vectors, texts: Sequence[str]) -> list[str]:
    """The texts nearest to the cluster's middle, cut; no two that begin alike."""
    nearness = choice.vectors[choice.fitted[members]] @ middle
    ordered = (_short(texts[int(members[at])]) for at in np.argsort(-nearness, kind="stable")[:50])
    return list(dict.fromkeys(ordered))[:_EXAMPLES]


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= _EXAMPLE_LENGTH else flat[: _EXAMPLE_LENGTH - 1].rstrip() + "\N{HORIZONTAL ELLIPSIS}"


def _drawn(choice: Choice, among: NDArray[np.bool_], most: int) -> Positions:
    rows = np.flatnonzero(among)
    return rows[np.argsort(choice.ranks[rows], kind="stable")[:most]]


def _distance(rows: Vectors, chosen: Vectors) -> Vectors:
    """1 - cosine of each row and the nearest of the chosen ones."""
    nearest = np.full(len(rows), -1, dtype=np.float32)
    for start in range(0, len(chosen), 2000):
        np.maximum(nearest, (rows @ np.asarray(chosen[start : start + 2000]).T).max(axis=1), out=nearest)
    return np.maximum(1 - nearest, 0)


def _spread(distance: Vectors) -> Mapping[str, float]:
    return {"mean": round(float(distance.mean()), 4), "p95": round(float(np.quantile(distance, 0.95)), 4)}
