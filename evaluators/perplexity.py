"""How surprised each arm is by the reference answer: bits per byte of it, and perplexity per token.

The reference is rendered in the arm's own template, and only the answer's own tokens count: neither the question nor
the token that ends an answer. Bits per byte can be compared between any two models; perplexity per token only where
both read with the same tokenizer. What an arm wrote does not matter here, and an arm without weights has no value.
"""

from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import version
from typing import Any

import numpy as np

from resep import Context, Example, Likelihood, Metric, NotAvailable, Sample, Score
from resep.records import read_jsonl

NEEDS = ("models", "rows")
TEXTS = "raw"
METRICS = (
    Metric("bits_per_byte", direction="lower", low=0, kind="corpus", unit="bits", help="of the reference answers"),
    Metric("perplexity", direction="lower", low=1, kind="corpus", help="per token of the reference answers"),
)
_BATCH = 256  # rows between two signs of life; the model is asked in smaller batches still


def evaluate(samples: Iterable[Sample], context: Context) -> Iterator[Score]:
    rows = list(samples)
    examples = {example.id: example for example in read_jsonl(context.prepared["test"], Example)}
    for start in range(0, len(rows), _BATCH):
        part = rows[start : start + _BATCH]
        found = dict(likelihoods(part, examples, context))
        yield from (score(row, found[row.arm, row.id]) for row in part)


def signature(context: Context) -> str:
    models = sorted({f"{card['model']} in {card['precision']}" for card in context.arms.values()})
    return f"perplexity|answer tokens without the end|{'; '.join(models)}|torch:{version('torch')}|version:1"


def summarise(samples: Sequence[Sample], scores: Sequence[Score], context: Context) -> dict[str, Any]:  # noqa: ARG001
    cut = {score.id for score in scores if "cut" in score.detail}
    said = f"perplexity: {len(cut)} reference answers are longer than is read; only their beginnings count"
    return {"cut": len(cut), "warnings": [said] if cut else []}


def bits_per_byte(sums: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """(..., [bits, bytes]) -> (...)"""
    return ratio(sums)


def perplexity(sums: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """(..., [bits, tokens]) -> (...)"""
    with np.errstate(over="ignore"):
        return np.asarray(np.exp2(ratio(sums)))


AGGREGATES = {"bits_per_byte": bits_per_byte, "perplexity": perplexity}


def ratio(sums: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.asarray(sums[..., 0] / np.where(sums[..., 1] > 0, sums[..., 1], np.nan))


def likelihoods(
    rows: Sequence[Sample], examples: dict[str, Example], context: Context
) -> Iterator[tuple[tuple[str, str], Likelihood]]:
    """((arm, id), likelihood) of each row's reference answer, each arm's rows in one go."""
    for arm in dict.fromkeys(row.arm for row in rows):
        own = [row for row in rows if row.arm == arm]
        try:
            found = context.language_model(arm).answers([examples[row.id] for row in own])
        except NotAvailable as reason:
            found = [Likelihood(None, error=str(reason)) for _ in own]
        yield from zip(((arm, row.id) for row in own), found, strict=True)


def score(row: Sample, found: Likelihood) -> Score:
    if found.bits is None:
        return Score(row.id, row.arm, {metric.name: None for metric in METRICS}, error=found.error)
    stats = {"bits_per_byte": (found.bits, float(found.bytes)), "perplexity": (found.bits, float(found.tokens))}
    values = {name: float(AGGREGATES[name](np.array(row_stats))) for name, row_stats in stats.items()}
    detail = {"tokens": found.tokens} | ({"cut": found.cut} if found.cut else {})
    return Score(row.id, row.arm, values, stats, detail)
