"""BERTScore: how close the output's tokens are to the reference's, in the vectors of an encoder.

The numbers of the bert-score library (Zhang et al. 2020) to within 1e-6, sooner. It hardly sees the order of steps:
read it beside order_accuracy. An empty output has precision, recall and F1 of 0. Vectors of references are kept in your
cache for the next run, for you alone; RESEP_EMBEDDING_CACHE says how large it may grow (2GiB), or `off`.
encoder: embedded name, a Hugging Face folder, or `owner/name@revision`
layer: which layer's vectors are compared; bert-score has a table of the best ones (roberta-large: 17)
idf: rare words count more, by inverse document frequency over the references
rescale: language of bert-score's baseline for this encoder (en, zh, ...), which spreads the numbers; null: as they are
dtype: bfloat16 is sooner on processors that have it, and off by about 0.001; how far off is measured and told
batch_tokens: how many tokens go through the encoder at once; no number depends on it
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from statistics import fmean
from typing import TYPE_CHECKING, Any, Literal

from resep import Context, Metric, Sample, Score, target_text

if TYPE_CHECKING:
    from resep.bertscore.settings import Settings

_F1 = "bertscore_f1"
METRICS = (
    Metric("bertscore_precision", direction="higher", low=0, high=1),
    Metric("bertscore_recall", direction="higher", low=0, high=1),
    Metric("bertscore_f1", direction="higher", low=0, high=1),
)
_CHECKED_ROWS = 32  # are scored in float32 as well, where another precision was asked for
_NO_WEIGHT = "every token of the output or of the reference has the idf weight 0, so there is no mean"


def metrics(options: Mapping[str, Any]) -> tuple[Metric, ...]:
    """Rescaled, an empty output is far below 0."""
    return METRICS if options["rescale"] is None else tuple(replace(metric, low=None) for metric in METRICS)


def evaluate(
    samples: Iterable[Sample],
    context: Context,
    *,
    encoder: str = "all-minilm-l6-v2",
    layer: int = 6,
    idf: bool = False,
    rescale: str | None = None,
    dtype: Literal["float32", "bfloat16"] = "float32",
    batch_tokens: int = 1024,
) -> Iterator[Score]:
    from resep.bertscore.settings import Settings

    yield from _scores(list(samples), context, Settings(encoder, layer, idf, rescale, dtype, batch_tokens))


def signature(context: Context, **options: Any) -> str:
    from resep.bertscore.rows import signature as signature_of
    from resep.bertscore.settings import Settings

    settings = Settings(**options)
    return signature_of(settings, context.model_folder(settings.encoder))


def summarise(samples: Sequence[Sample], scores: Sequence[Score], context: Context, **options: Any) -> dict[str, Any]:
    """How many rows were cut, and how far another precision is off."""
    from resep.bertscore.settings import Settings

    settings = Settings(**options)
    cut = sum("truncated" in score.detail for score in scores)
    told = f"bertscore: {cut} of {len(scores)} rows are longer than the encoder reads; only their beginning is scored"
    warnings = [told] if cut else []
    if advice := settings.advice():
        warnings.append(advice)
    if settings.dtype == "float32":
        return {"truncated": cut, "warnings": warnings}
    errors = _errors(samples, scores, context, settings)
    if errors:
        told = f"at most {max(errors):.1e}, {fmean(errors):.1e} on average, on {len(errors)} rows"
        warnings.append(f"bertscore: computed in {settings.dtype}: F1 differs from float32 by {told}")
    return {"truncated": cut, "errors": errors, "warnings": warnings}


def _scores(rows: Sequence[Sample], context: Context, settings: Settings) -> Iterator[Score]:
    if not rows:
        return
    from resep.bertscore.rows import score_texts

    pairs = [(row.output, _reference(row, context)) for row in rows]
    one_arm = {row.id: row for row in context.samples or rows}  # the library counts references of one arm at a time
    references = [_reference(row, context) for row in one_arm.values()]
    found = score_texts(pairs, references, settings, context.model_folder(settings.encoder))
    for row, score in zip(rows, found, strict=True):
        values = dict(zip((metric.name for metric in METRICS), score.numbers, strict=True))
        detail = {"truncated": list(score.truncated)} if score.truncated else {}
        yield Score(row.id, row.arm, values, detail=detail, error=_NO_WEIGHT if None in values.values() else None)


def _reference(row: Sample, context: Context) -> str:
    return target_text(row.target, context.response_format)


def _errors(samples: Sequence[Sample], scores: Sequence[Score], context: Context, settings: Settings) -> list[float]:
    """How far F1 is from what it is in float32, on rows drawn evenly from all."""
    chosen = range(0, len(samples), -(-len(samples) // _CHECKED_ROWS) or 1)
    around = replace(context, samples=samples)
    exact = _scores([samples[at] for at in chosen], around, replace(settings, dtype="float32"))
    pairs = [(scores[at].values[_F1], score.values[_F1]) for at, score in zip(chosen, exact, strict=True)]
    return [abs(given - right) for given, right in pairs if given is not None and right is not None]
