"""What becomes of the logits before the likeliest token is taken: repetition, and drawing with a row's own dice.

transformers draws for a whole batch at once, and counts padding among what was said already: with it, an answer would
depend on the rows that share its batch. Here it depends on the row alone, whatever the batch, in whatever attempt.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

import torch
from transformers import (
    LogitsProcessorList,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)


def processors(options: Mapping[str, Any], mask: torch.Tensor, dice: Sequence[Random]) -> LogitsProcessorList:
    """The processors for some rows. `mask`: 0 where a row begins with padding, shape (rows, tokens of the prompts).

    `dice`: each row's own random numbers, one of which is taken for each token; none where nothing is drawn.
    """
    chain: list[Any] = []
    if options["repetition_penalty"] != 1.0:
        chain.append(_Repetition(options["repetition_penalty"], mask))
    if options["do_sample"]:
        chain += [*_warpers(options), _Draw(dice)]
    return LogitsProcessorList(chain)


def _warpers(options: Mapping[str, Any]) -> list[Any]:
    """In the order of transformers: temperature, then the likeliest few, then the likeliest share."""
    temperature, top_k, top_p = (options.get(name) for name in ("temperature", "top_k", "top_p"))
    return [
        *([TemperatureLogitsWarper(temperature)] if temperature not in (None, 1.0) else []),
        *([TopKLogitsWarper(top_k)] if top_k else []),
        *([TopPLogitsWarper(top_p)] if top_p not in (None, 1.0) else []),
    ]


class _Repetition:
    """The repetition penalty of transformers, blind to padding: the pad token is often the end token."""

    def __init__(self, penalty: float, mask: torch.Tensor) -> None:
        self.penalise = RepetitionPenaltyLogitsProcessor(penalty)
        self.is_padding = mask == 0

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        width = self.is_padding.shape[1]
        last_of_prompt = input_ids[:, width - 1 : width]
        prompt = torch.where(self.is_padding, last_of_prompt, input_ids[:, :width])
        return self.penalise(torch.cat([prompt, input_ids[:, width:]], dim=1), scores)


class _Draw:
    """Leaves each row one token, where the row's next random number falls among the probabilities laid side by side."""

    def __init__(self, dice: Sequence[Random]) -> None:
        self.dice = dice

    def __call__(self, input_ids: Any, scores: Any) -> Any:  # noqa: ARG002
        reached = scores.double().softmax(dim=-1).cumsum(dim=-1)
        drawn = torch.tensor([[die.random()] for die in self.dice], dtype=torch.float64, device=scores.device)
        # From the right: a token of probability 0 reaches no further than the one before it, and is never taken.
        token = torch.searchsorted(reached, drawn * reached[:, -1:], right=True)
        token = token.clamp(max=scores.shape[-1] - 1)  # for a product that was rounded up to the sum of all
        return torch.full_like(scores, float("-inf")).scatter(1, token, 0.0)
