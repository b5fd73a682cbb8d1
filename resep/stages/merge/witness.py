"""What a model says to a few prompts, and whether another says the same, rounding aside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from resep.errors import ResepError
from resep.generation.decoding import answer, open_decoder
from resep.stages.generate.proof import largest_difference
from resep.templates import Tokenizer

PROMPTS, TOKENS = 8, 16
_GREEDY: Mapping[str, Any] = {
    "do_sample": False,
    "repetition_penalty": 1.0,
    "stop": (),
    "batch_size": 1,  # no padding, no neighbours
    "max_new_tokens": TOKENS,
}
# How far rounding may move a logit, in units of the largest one's last place: W x + B (A x) and (W + B A) x are one
# number computed in two ways. Measured on a CPU, SmolLM2-135M and a tiny Mistral: up to 28 in float32, where the sums
# are rounded too, 4 in bfloat16 and 6 in float16.
_UNITS = {"float32": 128, "bfloat16": 16, "float16": 16}
_END = -1  # in an answer: the end token, whichever it was

Answers = tuple[tuple[int, ...], ...]
Logits = tuple[torch.Tensor, ...]


@dataclass(frozen=True)
class Prompts:
    """Prompts in ids, and what they are asked with: the base model's tokenizer and its folder."""

    ids: tuple[tuple[int, ...], ...]
    tokenizer: Tokenizer
    folder: Path


@dataclass(frozen=True)
class Witness:
    """The greedy answer to each prompt, in ids, and the logits along some answers, fp32: (tokens + 1, vocabulary)."""

    said: Answers
    logits: Logits


def hear(model: Any, prompts: Prompts, along: Answers | None = None) -> Witness:
    """The model's answers, and its logits along other answers to the same prompts, or along its own."""
    said = _answers(model, prompts)
    return Witness(said, logits(model, prompts, said if along is None else along))


def logits(model: Any, prompts: Prompts, along: Answers) -> Logits:
    """The logits that decide on each token of the answers, and on the one after the last."""
    return tuple(_logits(model, prompt, said) for prompt, said in zip(prompts.ids, along, strict=True))


def compare(reference: Witness, merged: Witness, plain: Logits, dtype: str) -> dict[str, Any]:
    """What merge.json says of base and adapter, and of the two merged in `dtype`; `plain` are the base's logits.

    All logits are along the answers of the reference. Raises ResepError where the two differ by more than rounding
    does, or by as much as the adapter changes.
    """
    largest, effect = (largest_difference(reference.logits, each) for each in (merged.logits, plain))
    allowed = tolerance(reference.logits, dtype)
    if largest > allowed:
        raise ResepError(
            f"the merged model is not base and adapter: its logits differ from theirs by up to {largest:.3g}, and "
            f"rounding in {dtype} explains {allowed:.3g}. It was not kept; the adapter is whole"
        )
    if largest >= effect:
        raise ResepError(
            f"merged in {dtype}, rounding moves the logits by up to {largest:.3g}, no less than the whole adapter does "
            f"({effect:.3g}): what was trained would be lost. It was not kept; use the adapter itself"
        )
    ties = _ties(reference, merged, allowed)
    return {
        "prompts": len(reference.said),
        "tokens": TOKENS,
        "largest_difference": _rounded(largest),
        "tolerance": _rounded(allowed),
        "adapter_effect": _rounded(effect),
        "equal_answers": len(reference.said) - ties,
        "ties": ties,
    }


def distance(evaluated: Witness, merged: Witness) -> dict[str, Any]:
    """How close the merged model is to the one that was evaluated, where it is known to be another.

    The logits of both are along the answers of the evaluated one.
    """
    return {
        "largest_difference": _rounded(largest_difference(evaluated.logits, merged.logits)),
        "equal_answers": sum(one == other for one, other in zip(evaluated.said, merged.said, strict=True)),
    }


def tolerance(reference: Logits, dtype: str) -> float:
    """The largest difference of a logit that rounding to `dtype` explains."""
    scale = max(float(each.abs().max()) for each in reference)
    return float(_UNITS[dtype] * torch.finfo(getattr(torch, dtype)).eps * scale)


def _ties(reference: Witness, merged: Witness, allowed: float) -> int:
    """How many answers part where the reference hardly prefers one token. Raises ResepError for any other parting."""
    parted = list(_partings(reference.said, merged.said))
    for at, place in parted:
        first, second = reference.logits[at][place].topk(2).values.tolist()
        if first - second > 2 * allowed:
            raise ResepError(
                f"the merged model answers otherwise than base and adapter: at token {place + 1} of prompt {at + 1}, "
                f"where these prefer theirs by {first - second:.3g}, and rounding explains {2 * allowed:.3g}. "
                "It was not kept; the adapter is whole"
            )
    return len(parted)


def _partings(ours: Answers, theirs: Answers) -> Iterator[tuple[int, int]]:
    """(answer, token) where two answers part. None is a beginning of another: both go on to their end, or to TOKENS."""
    for at, pair in enumerate(zip(ours, theirs, strict=True)):
        if pair[0] != pair[1]:
            yield at, next(n for n, (one, other) in enumerate(zip(*pair, strict=False)) if one != other)


def _answers(model: Any, prompts: Prompts) -> Answers:
    kept = model.generation_config  # decoding sets its own
    decoder = open_decoder(model, prompts.folder, prompts.tokenizer, _GREEDY)
    found: dict[int, tuple[int, ...]] = {}
    for batch in answer(decoder, prompts.ids):
        found.update({at: (*said.ids, *[_END] * (said.tokens - len(said.ids))) for at, said in batch.items()})
    model.generation_config = kept
    return tuple(found[at] for at in range(len(prompts.ids)))


def _logits(model: Any, prompt: Sequence[int], said: Sequence[int]) -> torch.Tensor:
    ids = [*prompt, *(token for token in said if token != _END)]
    with torch.inference_mode():
        rows = model(input_ids=torch.tensor([ids], device=model.device)).logits[0]
    return rows[len(prompt) - 1 :].float().cpu()


def _rounded(difference: float) -> float:
    return float(f"{difference:.3g}")  # the rest depends on the number of threads
