"""What a chat template puts around a text that has no question: the BOS that it opens with, the end of its answers."""

from __future__ import annotations

from functools import lru_cache

from resep.records import Message
from resep.templates.conversation import Span, guarded, whole
from resep.templates.rendering import Template
from resep.templates.tokenizer import Tokenizer

_ANSWER = "So it is."
_PROBE = (Message("user", "Is it so?"), Message("assistant", _ANSWER))


def start_text(template: Template, tokenizer: Tokenizer) -> str:
    """The BOS token, where the template begins with it; one that begins every turn (SmolLM2's) is none."""
    text, _ = _rendered(template, tokenizer)
    bos = tokenizer.bos
    return bos if bos and text.startswith(bos) and text.count(bos) == 1 else ""


def end_text(template: Template, tokenizer: Tokenizer) -> str:
    """What follows an answer and is trained on as its end: the end token, for every usual template."""
    text, span = _rendered(template, tokenizer)
    return text[span.start : span.end].partition(_ANSWER)[2]


@lru_cache(maxsize=8)
def _rendered(template: Template, tokenizer: Tokenizer) -> tuple[str, Span]:
    text, spans = whole(guarded(template, tokenizer, _PROBE))
    return text, spans[-1]
