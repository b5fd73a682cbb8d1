"""BLEU: n-grams of the reference that the output shares, over the whole test set (0 to 100), as sacreBLEU counts them.

The mean over rows would be another number: rows carry counts, and the score is computed from their sums. A row's own
value is sacreBLEU's sentence score (effective order), for examples. An empty output scores 0 and counts by the brevity
penalty; so does an empty reference, whose output's n-grams count as wrong.
tokenize: how words are told apart; 13a for languages with spaces, intl also for other scripts' punctuation, char for
  characters, zh for Chinese; those that sacreBLEU would have to download are not offered
lowercase: upper and lower case are the same
smooth_method: what stands in for an n-gram length without a match; exp is sacreBLEU's own
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from resep import Context, Metric, Sample, Score, target_text

METRICS = (Metric("bleu", direction="higher", low=0, high=100, kind="corpus", help="of the whole test set, 0 to 100"),)
PACKAGES = {"sacrebleu": "sacrebleu"}

Numbers = NDArray[np.float64]

_ORDER = 4
# What sacreBLEU puts in the place of no match. A row says by a 1 in one of four columns how it is to be smoothed, so
# that sums of rows can be scored without anything else.
_SMOOTHING = ("none", "floor", "add-k", "exp")
_FLOOR, _ADDED = 0.1, 1


def evaluate(
    samples: Iterable[Sample],
    context: Context,
    *,
    tokenize: Literal["13a", "intl", "char", "zh"] = "13a",
    lowercase: bool = False,
    smooth_method: Literal["exp", "floor", "add-k", "none"] = "exp",
) -> Iterator[Score]:
    bleu = _bleu(tokenize, lowercase, smooth_method)
    smoothing = tuple(float(name == smooth_method) for name in _SMOOTHING)
    for sample in samples:
        target = target_text(sample.target, context.response_format)
        # What sacreBLEU's own paired tests are built on: output's and reference's length, matches, n-grams.
        (counts,) = bleu._extract_corpus_statistics([sample.output], [[target]])
        sentence = min(100.0, bleu._compute_score_from_stats(list(counts)).score)
        stats = (*map(float, counts), *smoothing)
        yield Score(sample.id, sample.arm, {"bleu": sentence}, stats={"bleu": stats})


def signature(
    context: Context,  # noqa: ARG001
    *,
    tokenize: Literal["13a", "intl", "char", "zh"] = "13a",
    lowercase: bool = False,
    smooth_method: Literal["exp", "floor", "add-k", "none"] = "exp",
) -> str:
    from sacrebleu.metrics import BLEU

    corpus = BLEU(tokenize=tokenize, lowercase=lowercase, smooth_method=smooth_method)
    corpus.num_refs = 1
    return f"BLEU|{corpus.get_signature()}"


def summarise(samples: Sequence[Sample], scores: Sequence[Score], context: Context, **options: Any) -> dict[str, Any]:  # noqa: ARG001
    empty = {row.id for row in samples if not target_text(row.target, context.response_format).strip()}
    message = f"bleu: empty references: {len(empty)}; all that is answered to their rows counts as wrong"
    return {"warnings": [message] if empty else []}


def aggregate_bleu(sums: Numbers) -> Numbers:
    """Corpus BLEU, 0 to 100, from sums of rows' counts: (..., 14) -> (...). NaN for a sum over no rows.

    sacreBLEU's `compute_bleu` for many sums at once: Papineni et al. 2002, smoothed as in Chen and Cherry 2014.
    """
    said, wanted = sums[..., 0], sums[..., 1]
    counted = sums[..., 2 : 2 + _ORDER]
    floor, added, exponential = (sums[..., at] > 0 for at in (11, 12, 13))
    extra = np.where(added[..., None], [0.0, *[_ADDED] * (_ORDER - 1)], 0.0)
    matches, total = counted + extra, sums[..., 2 + _ORDER : 2 + 2 * _ORDER] + extra
    missed = (matches == 0) & (total > 0)
    halved = 0.5 ** np.cumsum(missed, axis=-1)
    instead = np.where(exponential[..., None], halved, np.where(floor[..., None], _FLOOR, 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = np.where(total > 0, np.where(missed, instead, matches) / total, 0.0)
        brevity = np.where(said > 0, np.exp(np.minimum(0.0, 1 - wanted / said)), 0.0)
        score = np.minimum(100.0, 100 * brevity * np.exp(np.log(precision).mean(axis=-1)))
    rows = sums[..., 2 + 2 * _ORDER :].sum(axis=-1)
    return np.where(rows > 0, np.where(counted.any(axis=-1), score, 0.0), np.nan)


AGGREGATES: Mapping[str, Any] = {"bleu": aggregate_bleu}


@cache
def _bleu(tokenize: str, lowercase: bool, smooth_method: str) -> Any:
    from sacrebleu.metrics import BLEU

    # force: no warning about outputs that end in " .", which answers do.
    return BLEU(tokenize=tokenize, lowercase=lowercase, smooth_method=smooth_method, effective_order=True, force=True)
