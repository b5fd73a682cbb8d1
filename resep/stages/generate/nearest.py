"""The texts that share the most telling words with another: cosine of words weighted by how rare they are."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

# Scripts without spaces between words are taken letter by letter.
_WORD = re.compile(r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]|[^\W\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]+")
_DIGITS = 9  # of a cosine: sums in another order must not change who is nearest


def nearest(texts: Sequence[str], asked: Sequence[str], count: int) -> list[list[int]]:
    """For each text that is asked about, the positions in `texts` of the `count` most alike, the most alike first.

    Texts that are equally alike come in their order. The weight of a word is log(1 + texts / texts with it).
    """
    words = [{*_WORD.findall(text)} for text in texts]
    places: dict[str, list[int]] = {}
    for at, own in enumerate(words):
        for word in own:
            places.setdefault(word, []).append(at)
    where = {word: np.asarray(found, np.int32) for word, found in places.items()}
    weight = {word: float(np.log1p(len(texts) / len(found))) ** 2 for word, found in places.items()}
    lengths = np.sqrt([sum(sorted(weight[word] for word in own)) or 1.0 for own in words])
    return [_best(_likeness({*_WORD.findall(text)}, where, weight, lengths), count) for text in asked]


def _likeness(
    words: set[str], where: dict[str, NDArray[np.int32]], weight: dict[str, float], lengths: NDArray[np.float64]
) -> NDArray[np.float64]:
    shared = np.zeros(len(lengths))
    for word in sorted(words & where.keys()):
        shared[where[word]] += weight[word]
    return np.round(shared / lengths, _DIGITS)  # the asked text's own length changes no order


def _best(likeness: NDArray[np.float64], count: int) -> list[int]:
    return [int(at) for at in np.argsort(-likeness, kind="stable")[:count]]
