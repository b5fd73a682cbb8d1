"""Options of the evaluator bertscore that cannot work together, whatever the data."""

from __future__ import annotations

from collections.abc import Iterator

from resep.recipe.checks.evaluation import ENCODERS
from resep.recipe.draft import Draft, Finding

_AT = ("evaluation", "evaluators", "bertscore")


def bertscore_can_be_computed(draft: Draft) -> Iterator[Finding]:
    options = (draft.value("evaluation.evaluators", dict) or {}).get("bertscore")
    if not isinstance(options, dict):
        return
    encoder = options.get("encoder")
    if encoder == "lexical":
        yield Finding((*_AT, "encoder"), "'lexical' has no vector per token; take 'all-minilm-l6-v2'")
    if isinstance(options.get("rescale"), str) and encoder in (None, *ENCODERS):
        message = (
            "bert-score has no baseline for the embedded encoder, so its numbers cannot be rescaled; leave this out, "
            "or take an encoder of its table, such as FacebookAI/roberta-large@... with layer: 17"
        )
        yield Finding((*_AT, "rescale"), message)
    tokens = options.get("batch_tokens")
    if isinstance(tokens, int) and tokens < 1:
        yield Finding((*_AT, "batch_tokens"), "at least one token has to go through the encoder at once; 1024 is usual")


CHECKS = (bertscore_can_be_computed,)
