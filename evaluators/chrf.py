"""chrF: runs of characters that output and reference share, over the whole test set (0 to 100), as sacreBLEU counts.

Kinder than BLEU to languages that build long words, such as Indonesian or Finnish. The mean over rows would be another
number: rows carry counts, and the score is computed from their sums. A row's own value is sacreBLEU's sentence score,
for examples. An empty output scores 0, and so does any output where the reference is empty.
word_order: longest run of words that counts as well; 2 makes it chrF++
lowercase: upper and lower case are the same
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from resep import Context, Metric, Sample, Score, target_text

METRICS = (Metric("chrf", direction="higher", low=0, high=100, kind="corpus", help="of the whole test set, 0 to 100"),)
PACKAGES = {"sacrebleu": "sacrebleu"}

Numbers = NDArray[np.float64]

_BETA_SQUARED = 4  # recall counts twice: chrF2, what everybody reports


def evaluate(
    samples: Iterable[Sample], context: Context, *, word_order: Literal[0, 1, 2] = 0, lowercase: bool = False
) -> Iterator[Score]:
    chrf = _chrf(word_order, lowercase)
    for sample in samples:
        target = target_text(sample.target, context.response_format)
        # What sacreBLEU's own paired tests are built on: n-grams of the output, of the reference, and shared ones.
        (counts,) = chrf._extract_corpus_statistics([sample.output], [[target]])
        sentence = min(100.0, chrf._compute_score_from_stats(counts).score)
        yield Score(sample.id, sample.arm, {"chrf": sentence}, stats={"chrf": tuple(map(float, counts))})


def signature(context: Context, *, word_order: Literal[0, 1, 2] = 0, lowercase: bool = False) -> str:  # noqa: ARG001
    chrf = _chrf(word_order, lowercase)
    chrf.num_refs = 1
    return f"chrF2{'+' * word_order}|{chrf.get_signature()}"


def summarise(samples: Sequence[Sample], scores: Sequence[Score], context: Context, **options: Any) -> dict[str, Any]:  # noqa: ARG001
    empty = {row.id for row in samples if not target_text(row.target, context.response_format).strip()}
    message = f"chrf: empty references: {len(empty)}; nothing that is answered to their rows can count"
    return {"warnings": [message] if empty else []}


def aggregate_chrf(sums: Numbers) -> Numbers:
    """Corpus chrF2, 0 to 100, from sums of rows' counts: (..., 3 * orders) -> (...).

    Popovic 2015 as sacreBLEU computes it: precision and recall are averaged over those lengths of n-grams that both
    sides have, then combined.
    """
    said, wanted, shared = sums[..., 0::3], sums[..., 1::3], sums[..., 2::3]
    both = (said > 0) & (wanted > 0)
    lengths = np.maximum(both.sum(axis=-1), 1)
    precision = np.where(both, shared / np.where(both, said, 1), 0).sum(axis=-1) / lengths
    recall = np.where(both, shared / np.where(both, wanted, 1), 0).sum(axis=-1) / lengths
    below = _BETA_SQUARED * precision + recall
    score = (1 + _BETA_SQUARED) * precision * recall / np.where(below > 0, below, 1)
    return np.asarray(np.minimum(100.0, 100 * score))


AGGREGATES: Mapping[str, Any] = {"chrf": aggregate_chrf}


@cache
def _chrf(word_order: int, lowercase: bool) -> Any:
    from sacrebleu.metrics import CHRF

    return CHRF(word_order=word_order, lowercase=lowercase)
