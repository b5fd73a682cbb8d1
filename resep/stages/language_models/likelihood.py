"""How probable a model finds given tokens: -log2 p, summed over the counted tokens of each row, in batches.

Short answers to one prompt share its reading (shared_prompts.py). All other rows are padded on the right: in a causal
model no token sees what comes after it, so a row's numbers are those it has alone (equal within float32 noise),
whatever the architecture makes of positions.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from resep.generation.quick import quickened
from resep.stages.language_models.shared_prompts import FEW, SHORT, Prompt, answer_bits, can_share

_LOGITS = 2**26  # numbers of float32 in one batch's logits: 256 MB, and as much again for their logarithms
_TOKENS = 2**14  # ids in one batch, padding included
_LN2 = math.log(2)


@dataclass(frozen=True)
class Row:
    """Ids, and the places of those whose probability counts. Place 0 has nothing before it and cannot be counted."""

    ids: tuple[int, ...]
    counted: tuple[int, ...]

    @property
    def first(self) -> int:
        return self.counted[0]


def bits(model: Any, rows: Sequence[Row]) -> list[float | None]:
    """For each row -log2 of the probability of its counted tokens, each given all before it; None where not finite."""
    with quickened(model):
        found = _of_shared_prompts(model, rows)
        for at, value in _row_by_row(model, rows, [at for at in range(len(rows)) if at not in found]):
            found[at] = value
    return [found[at] if math.isfinite(found[at]) else None for at in range(len(rows))]


def _of_shared_prompts(model: Any, rows: Sequence[Row]) -> dict[int, float]:
    """By their places, the bits of those rows that go on from what others begin with, too."""
    if not can_share(model):
        return {}
    places: dict[tuple[int, ...], list[int]] = {}
    for at, row in enumerate(rows):
        if len(row.ids) - row.first == len(row.counted) <= SHORT:  # all that follows the first counted token counts
            places.setdefault(row.ids[: row.first], []).append(at)
    shared = {prompt: own for prompt, own in places.items() if 1 < len(own) <= FEW and len(prompt) > 1}
    prompts = [Prompt(prompt, tuple(rows[at].ids[len(prompt) :] for at in own)) for prompt, own in shared.items()]
    values = answer_bits(model, prompts)
    return {
        at: value
        for own, given in zip(shared.values(), values, strict=True)
        for at, value in zip(own, given, strict=True)
    }


def _row_by_row(model: Any, rows: Sequence[Row], chosen: Sequence[int]) -> Iterator[tuple[int, float]]:
    vocabulary = int(model.config.get_text_config().vocab_size)
    for places in _batches(rows, chosen, vocabulary):
        yield from zip(places, _batch_bits(model, [rows[at] for at in places]), strict=True)


def _batches(rows: Sequence[Row], chosen: Sequence[int], vocabulary: int) -> Iterator[list[int]]:
    """Places of rows of like length, as many as fit into the budgets; a row that exceeds them stands alone."""
    batch: list[int] = []
    for at in sorted(chosen, key=lambda at: len(rows[at].ids), reverse=True):
        if batch and not _fits([*batch, at], rows, vocabulary):
            yield batch
            batch = []
        batch.append(at)
    if batch:
        yield batch


def _fits(places: Sequence[int], rows: Sequence[Row], vocabulary: int) -> bool:
    width = len(rows[places[0]].ids)  # the longest comes first
    kept = width - min(rows[at].first for at in places) + 1
    return len(places) * width <= _TOKENS and len(places) * kept * vocabulary <= _LOGITS


def _batch_bits(model: Any, rows: Sequence[Row]) -> list[float]:
    width, first = max(len(row.ids) for row in rows), min(row.first for row in rows)
    ids = torch.tensor([[*row.ids, *[0] * (width - len(row.ids))] for row in rows], device=model.device)
    mask = torch.tensor([[1] * len(row.ids) + [0] * (width - len(row.ids)) for row in rows], device=model.device)
    with torch.inference_mode():
        logits = _last_logits(model, ids, mask, width - first + 1)
        # The logits at a place are those of the token after it.
        losses = torch.nn.functional.cross_entropy(
            logits[:, :-1].transpose(1, 2).float(), ids[:, first:], reduction="none"
        ).double()
    return [float(losses[at, [place - first for place in row.counted]].sum()) / _LN2 for at, row in enumerate(rows)]


def _last_logits(model: Any, ids: torch.Tensor, mask: torch.Tensor, kept: int) -> torch.Tensor:
    """The logits of the last columns alone, where the model can: a vocabulary of 128,000 for a long prompt is much."""
    can_choose = "logits_to_keep" in inspect.signature(model.forward).parameters
    options = {"logits_to_keep": kept} if can_choose else {}
    result = model(input_ids=ids, attention_mask=mask, use_cache=False, **options)
    logits: torch.Tensor = result.logits[:, -kept:]
    return logits
