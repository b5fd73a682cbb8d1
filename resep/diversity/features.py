"""Texts as short vectors whose products say how alike they are, for any language. Runs in the child."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer

from resep.diversity.records import Vectors

_HASHED = 2**16  # n-grams told apart: 2**18 costs four times as much and separates the 77 topics of banking77 no better
_DIMENSIONS = 64
_VALUES = 32  # of a further field that have a dimension of their own; the rarer ones share one
_FIELD_WEIGHT = 0.5  # beside the text's 1: another category is half as far as an entirely different text

# The share of a text that the dimensions catch. Real prompts lie above 0.089, those in another language than nearly all
# others above 0.029, random characters below 0.033 (banking77, AWS guides, Indonesian chat). What lies below shares
# nothing with the other rows; as a unit vector it would be noise, far from everything, and be chosen first.
_SILENT = 0.025


@dataclass(frozen=True)
class Features:
    """What was fitted on a part of the rows, to be applied to all."""

    vectorizer: HashingVectorizer
    idf: TfidfTransformer
    svd: TruncatedSVD
    values: tuple[dict[str, int], ...]  # of each further field: value -> its dimension

    def of(self, texts: Sequence[str], values: Sequence[Sequence[str]]) -> Vectors:
        """The vectors of a batch."""
        vectors = self.svd.transform(self.idf.transform(_counts(self.vectorizer, texts)))
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        silent = lengths[:, 0] < _SILENT
        vectors = np.hstack([vectors / np.maximum(lengths, _SILENT), self._one_hot(values)])
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
        vectors[silent] = 0
        return np.asarray(vectors, dtype=np.float32)

    def _one_hot(self, values: Sequence[Sequence[str]]) -> Vectors:
        found = np.zeros((len(values), len(self.values) * (_VALUES + 1)), dtype=np.float32)
        for row, of_row in enumerate(values):
            for field, value in enumerate(of_row):
                found[row, field * (_VALUES + 1) + self.values[field].get(value, _VALUES)] = _FIELD_WEIGHT
        return found


def fit(texts: Sequence[str], values: Sequence[Sequence[str]], seed: int) -> Features | None:
    """Features fitted on these texts; None where all of them are empty."""
    vectorizer = HashingVectorizer(
        analyzer="char_wb",
        ngram_range=(3, 5),
        n_features=_HASHED,
        alternate_sign=False,
        norm=None,
        dtype=np.float32,
    )
    counts = _counts(vectorizer, texts)
    if not counts.nnz:
        return None
    idf = TfidfTransformer().fit(counts)
    svd = TruncatedSVD(min(_DIMENSIONS, max(1, len(texts) - 1)), random_state=seed).fit(idf.transform(counts))
    return Features(vectorizer, idf, svd, tuple(_dimensions(column) for column in zip(*values, strict=True)))


def _counts(vectorizer: HashingVectorizer, texts: Sequence[str]) -> Any:
    """How often each n-gram stands in each text, damped: a long text repeats itself."""
    counts = vectorizer.transform(texts)
    counts.data = 1 + np.log(counts.data)
    return counts


def _dimensions(column: Iterable[str]) -> dict[str, int]:
    return {value: at for at, (value, _) in enumerate(Counter(column).most_common(_VALUES))}
