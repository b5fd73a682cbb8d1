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
    arm: Mapping[str, Any],
    examples: Sequence[Example],
    prompts: Sequence[Sequence[int]],
    max_new_tokens: int,
    config: Any,
) -> None:
    """Raise a ResepError that names the rows whose prompt and answer together exceed the model's context.

    `arm` is the arm's request, `config` the model's.
    """
    context = getattr(config.get_text_config(), "max_position_embeddings", None)
    if context is None:
        return
    limit = context - max_new_tokens
    long = [(example.id, len(ids)) for example, ids in zip(examples, prompts, strict=True) if len(ids) > limit]
    if long:
        told = ", ".join(f"{row} ({length} tokens)" for row, length in long[:_MAX_TOLD])
        more = f" and {len(long) - _MAX_TOLD} more" if len(long) > _MAX_TOLD else ""
        fewer = f"show it fewer than {arm['facts']['examples']['count']} examples, " if arm["shots"] else ""
        raise ResepError(
            f"{arm['arm']}: {len(long)} of {len(examples)} test rows have prompts longer than the model can read with "
            f"an answer of {max_new_tokens} tokens after them (context {context}): {told}{more}; {fewer}"
            "lower generation.max_new_tokens, shorten these rows, or take a model with a longer context"
        )
