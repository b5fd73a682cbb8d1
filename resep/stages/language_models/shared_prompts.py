"""Several short answers to one prompt: it is read once, and each answer goes on from the model's cache of it.

Prompts are padded on the left, as for generating, so that all answers begin in the same column.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

SHORT, FEW = 32, 16  # tokens of an answer, and answers to a prompt: beyond them sharing saves little and takes memory
_TOKENS = 2**13  # of the prompts of one batch, padding included
_LOGITS = 2**26  # numbers of float32 in a batch's logits: 256 MB


@dataclass(frozen=True)
class Prompt:
    """A prompt's ids, and the answers to it."""

    ids: tuple[int, ...]
    answers: tuple[tuple[int, ...], ...]


def can_share(model: Any) -> bool:
    """Whether the model can be told where its tokens stand, which padding on the left needs."""
    return "position_ids" in inspect.signature(model.forward).parameters


def answer_bits(model: Any, prompts: Sequence[Prompt]) -> list[list[float]]:
    """For each prompt and each of its answers -log2 of the answer's probability; NaN where the model says so."""
    found: list[list[float]] = [[] for _ in prompts]
    for places in _batches(prompts, int(model.config.get_text_config().vocab_size)):
        with torch.inference_mode():
            values = iter(_batch_bits(model, [prompts[at] for at in places]))
        for at in places:
            found[at] = [next(values) for _ in prompts[at].answers]
    return found


def _batches(prompts: Sequence[Prompt], vocabulary: int) -> Iterator[list[int]]:
    batch: list[int] = []
    answers = 0
    for at in sorted(range(len(prompts)), key=lambda at: len(prompts[at].ids), reverse=True):
        answers += len(prompts[at].answers)
        too_long = (len(batch) + 1) * len(prompts[(batch or [at])[0]].ids) > _TOKENS
        if batch and (too_long or answers * SHORT * vocabulary > _LOGITS):
            yield batch
            batch, answers = [], len(prompts[at].answers)
        batch.append(at)
    if batch:
        yield batch


def _batch_bits(model: Any, prompts: Sequence[Prompt]) -> list[float]:
    """Of each answer, the answers of the first prompt first."""
    width = max(len(prompt.ids) for prompt in prompts)
    ids = _padded([[0] * (width - len(prompt.ids)) + list(prompt.ids) for prompt in prompts], model)
    mask = _padded([[0] * (width - len(prompt.ids)) + [1] * len(prompt.ids) for prompt in prompts], model)
    places = (mask.cumsum(-1) - 1).clamp(min=0)
    read = model(input_ids=ids, attention_mask=mask, position_ids=places, use_cache=True, **_only_last(model))
    owners = torch.tensor([at for at, prompt in enumerate(prompts) for _ in prompt.answers], device=model.device)
    answers = [answer for prompt in prompts for answer in prompt.answers]
    longest = max(map(len, answers))
    said = _padded([[*answer, *[0] * (longest - len(answer))] for answer in answers], model)
    first, cache = read.logits[owners, -1:], read.past_key_values
    logits = first
    if longest > 1:  # the last token of an answer predicts nothing that counts
        cache.batch_select_indices(owners)
        given = _padded([[1] * len(a) + [0] * (longest - len(a)) for a in answers], model)[:, :-1]
        rest = model(
            input_ids=said[:, :-1],
            attention_mask=torch.cat([mask[owners], given], dim=1),
            position_ids=places[owners, -1:] + 1 + torch.arange(longest - 1, device=model.device),
            past_key_values=cache,
        )
        logits = torch.cat([first, rest.logits], dim=1)
    losses = torch.nn.functional.cross_entropy(logits.transpose(1, 2).float(), said, reduction="none").double()
    return [float(losses[at, : len(answer)].sum()) / math.log(2) for at, answer in enumerate(answers)]


def _only_last(model: Any) -> dict[str, int]:
    return {"logits_to_keep": 1} if "logits_to_keep" in inspect.signature(model.forward).parameters else {}


def _padded(rows: Sequence[Sequence[int]], model: Any) -> torch.Tensor:
    return torch.tensor(rows, device=model.device)
