"""How close the output is to the reference in meaning: the cosine of the two texts' vectors in an encoder.

It sees what a text is about, hardly what order its steps are in, and not whether it is right. An empty output has 0.
encoder: embedded name, a Hugging Face folder, or `lexical` (character n-grams: needs no model, sees spelling)
"""

from collections.abc import Iterable, Iterator

from resep import Context, Metric, Sample, Score, target_text

METRICS = (Metric("semantic_similarity", direction="higher", low=-1, high=1, help="cosine of output and reference"),)


def evaluate(samples: Iterable[Sample], context: Context, *, encoder: str = "all-minilm-l6-v2") -> Iterator[Score]:
    rows = [(row, row.output, target_text(row.target, context.response_format)) for row in samples]
    texts = list(dict.fromkeys(text for _, output, target in rows for text in (output, target) if text.strip()))
    vectors = dict(zip(texts, context.encoder(encoder).embed(texts), strict=True)) if texts else {}
    for row, output, target in rows:
        if target not in vectors:
            yield Score(row.id, row.arm, {"semantic_similarity": None}, error="the reference is empty")
        elif output not in vectors:
            yield Score(row.id, row.arm, {"semantic_similarity": 0.0})
        else:
            cosine = float(vectors[output] @ vectors[target])
            yield Score(row.id, row.arm, {"semantic_similarity": max(-1.0, min(1.0, cosine))})


def signature(context: Context, *, encoder: str = "all-minilm-l6-v2") -> str:
    return f"semantic_similarity|cosine|encoder:{context.encoder(encoder).signature}|version:1"
