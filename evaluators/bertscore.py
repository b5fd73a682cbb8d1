"""BERTScore: how close the output's tokens are to the reference's, in the vectors of an encoder.

The numbers of the bert-score library itself (Zhang et al. 2020): no idf weights, no rescaling. It hardly sees the order
of steps: read it beside order_accuracy. An empty output has precision, recall and F1 of 0.
encoder: embedded name, or a Hugging Face folder
layer: which layer's vectors are compared
"""

from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import version
from typing import Any

from resep import Context, Metric, Sample, Score, target_text

METRICS = (
    Metric("bertscore_precision", direction="higher", low=-1, high=1),
    Metric("bertscore_recall", direction="higher", low=-1, high=1),
    Metric("bertscore_f1", direction="higher", low=-1, high=1),
)

_BATCH_SIZE = 64


def evaluate(
    samples: Iterable[Sample], context: Context, *, encoder: str = "all-minilm-l6-v2", layer: int = 6
) -> Iterator[Score]:
    """One call of the scorer for all samples: it embeds each distinct text once, so the arms share their references."""
    rows = list(samples)
    texts = [(row.output, target_text(row.target, context.response_format)) for row in rows]
    scored = [at for at, (output, target) in enumerate(texts) if output.strip() and target.strip()]
    values = dict.fromkeys(range(len(rows)), (0.0, 0.0, 0.0))
    scorer = open_scorer(context, encoder, layer) if scored else None
    if scorer:
        outputs, targets = zip(*(texts[at] for at in scored), strict=True)
        results = scorer.score(list(outputs), list(targets), batch_size=_BATCH_SIZE)
        values.update(zip(scored, zip(*(result.tolist() for result in results), strict=True), strict=True))
    for at, row in enumerate(rows):
        cut = [] if scorer is None else truncated(scorer, texts[at])
        detail = {"truncated": cut} if cut else {}
        numbers = dict(zip((metric.name for metric in METRICS), values[at], strict=True))
        yield Score(row.id, row.arm, numbers, detail=detail)


def signature(context: Context, *, encoder: str = "all-minilm-l6-v2", layer: int = 6) -> str:
    return (
        f"bertscore|encoder:{context.encoder(encoder).signature}|layer:{layer}|idf:no|rescaled:no|dtype:float32"
        f"|bert-score:{version('bert-score')}|transformers:{version('transformers')}|torch:{version('torch')}"
    )


def summarise(samples: Sequence[Sample], scores: Sequence[Score], context: Context, **options: Any) -> dict[str, Any]:  # noqa: ARG001
    cut = sum("truncated" in score.detail for score in scores)
    message = (
        f"bertscore: {cut} of {len(scores)} rows are longer than the encoder reads; only their beginning is scored"
    )
    return {"truncated": cut, "warnings": [message] if cut else []}


def open_scorer(context: Context, encoder: str, layer: int) -> Any:
    """The library's scorer on a local folder (which its table of layers does not know), with a sane maximum length."""
    from bert_score import BERTScorer

    folder = str(context.model_folder(encoder))
    scorer = BERTScorer(model_type=folder, num_layers=layer, idf=False, rescale_with_baseline=False)
    # A tokenizer without a maximum of its own says 1e30, which overflows in the library (its issue 205).
    tokenizer, config = scorer._tokenizer, scorer._model.config
    tokenizer.model_max_length = min(tokenizer.model_max_length, getattr(config, "max_position_embeddings", 512))
    return scorer


def truncated(scorer: Any, texts: Sequence[str]) -> list[str]:
    """Which of the two texts, output and target, are longer than the encoder reads."""
    tokenizer = scorer._tokenizer
    lengths = [len(ids) for ids in tokenizer(list(texts), truncation=False, verbose=False)["input_ids"]]
    named = zip(("output", "target"), lengths, strict=True)
    return [name for name, length in named if length > tokenizer.model_max_length]
