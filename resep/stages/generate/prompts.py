"""The test rows as prompts, and whether they can be answered at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from resep.errors import ResepError
from resep.records import Example
from resep.templates import Template, Tokenizer, encode_prompt

_MAX_TOLD = 5


def require_rows(examples: list[Example]) -> list[Example]:
    """The examples, or a ResepError where there is none."""
    if not examples:
        raise ResepError(
            "there are no test rows to answer: give split.fractions.test a larger share, or name a test file in "
            "split.files; the ledger of `resep data` says where the rows went"
        )
    return examples


def encode_prompts(template: Template, tokenizer: Tokenizer, examples: Sequence[Example]) -> list[list[int]]:
    """Every example's prompt in ids. A row that the template refuses is named."""
    prompts = []
    for example in examples:
        try:
            prompts.append(encode_prompt(template, tokenizer, example.prompt, example.tools).ids)
        except ResepError as error:
            raise ResepError(f"test row {example.id}: {error}") from error
    return prompts


def require_fit(
    examples: Sequence[Example], prompts: Sequence[Sequence[list[int]]], decoding: Mapping[str, Any], config: Any
) -> None:
    """Raise a ResepError that names the rows whose prompt and answer together exceed the model's context."""
    context = getattr(config, "max_position_embeddings", None)
    if context is None:
        return
    limit = context - decoding["max_new_tokens"]
    longest = [max(map(len, lengths)) for lengths in zip(*prompts, strict=True)]
    long = [(example.id, length) for example, length in zip(examples, longest, strict=True) if length > limit]
    if long:
        told = ", ".join(f"{row} ({length} tokens)" for row, length in long[:_MAX_TOLD])
        more = f" and {len(long) - _MAX_TOLD} more" if len(long) > _MAX_TOLD else ""
        raise ResepError(
            f"{len(long)} of {len(examples)} test rows have prompts longer than the model can read with an answer of "
            f"{decoding['max_new_tokens']} tokens after them (context {context}): {told}{more}; "
            "lower generation.max_new_tokens, shorten these rows, or take a model with a longer context"
        )
