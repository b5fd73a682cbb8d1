"""Evidence that the base arm is the base and the tuned arm is not: their logits on a few prompts of the test rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from resep.errors import ResepError

PROMPTS = 3


def logits(model: Any, prompts: Sequence[Sequence[int]]) -> list[torch.Tensor]:
    """The logits of every token of each prompt, asked one at a time: no padding, no neighbours."""
    with torch.inference_mode():
        return [model(input_ids=torch.tensor([list(ids)], device=model.device)).logits.float().cpu() for ids in prompts]


def prove_adapter(peft_model: Any, plain: Sequence[torch.Tensor], prompts: Sequence[Sequence[int]]) -> dict[str, Any]:
    """With the adapter off the logits are those of the plain base, bit for bit; with it on they differ.

    Raises ResepError otherwise: the comparison of the two arms would be no comparison of base and tuned.
    """
    with peft_model.disable_adapter():
        off = largest_difference(plain, logits(peft_model, prompts))
    on = largest_difference(plain, logits(peft_model, prompts))
    if off != 0.0:
        raise ResepError(
            f"the base model with the adapter switched off is not the base model: its logits differ by up to {off:g}. "
            "Does the adapter change embeddings or train whole modules? Then its base cannot be had from one load"
        )
    if on == 0.0:
        raise ResepError(
            "the adapter changes nothing: with it the logits are bit for bit those of the base model. "
            "Was anything learned? See the losses and gradients of the training"
        )
    return {"prompts": len(prompts), "adapter_off": off, "adapter_on": _rounded(on)}


def prove_other_model(model: Any, plain: Sequence[torch.Tensor], prompts: Sequence[Sequence[int]]) -> dict[str, Any]:
    """Every weight was trained, so there is nothing to switch off: the two models differ."""
    difference = largest_difference(plain, logits(model, prompts))
    if difference == 0.0:
        raise ResepError("the tuned model's logits are bit for bit those of the base model: nothing was learned")
    return {"prompts": len(prompts), "adapter_off": None, "adapter_on": _rounded(difference)}


def largest_difference(one: Sequence[torch.Tensor], other: Sequence[torch.Tensor]) -> float:
    """The largest absolute difference of any logit; NaN and infinity are no agreement."""
    largest = max(float((a - b).abs().max()) for a, b in zip(one, other, strict=True))
    if not largest < float("inf"):
        raise ResepError("the model's logits are not finite numbers: are its weights whole, did its training diverge?")
    return largest


def _rounded(difference: float) -> float:
    return float(f"{difference:.3g}")  # the rest depends on the number of threads
