"""Answers to token prompts, in left-padded batches from which finished rows are taken out.

transformers' `generate` carries a finished row along as padding until the longest one ends. So it is asked for some
tokens at a time, and goes on with the same cache for the rows that are still talking (measured on 45 how-to prompts,
fp32, one thread of a busy machine, CPU seconds: batch 32 54.6 -> 49.8, batch 45 68.7 -> 47.8; the tokens are the same).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Literal

import torch
from transformers import AutoTokenizer, GenerationConfig
from transformers.generation.streamers import BaseStreamer

from resep.errors import ResepError
from resep.generation.processors import processors
from resep.generation.quick import quickened
from resep.models.foreign import may_run_code
from resep.templates import Tokenizer

_SEGMENT = 32  # new tokens between two looks at who has finished


@dataclass(frozen=True)
class Answer:
    """What a model said: ids without the end token and what follows it; `tokens` counts the end token too."""

    ids: list[int]
    tokens: int
    finish_reason: Literal["stop", "length"]


@dataclass(frozen=True)
class Decoder:
    """A model and how it is asked. `stop_ids` end an answer; `stop` are texts that do; `tokenizer` is transformers'."""

    model: Any
    tokenizer: Any
    stop_ids: tuple[int, ...]
    pad_id: int
    options: Mapping[str, Any]

    @property
    def limit(self) -> int:
        return int(self.options["max_new_tokens"])


def open_decoder(model: Any, folder: Path, tokenizer: Tokenizer, options: Mapping[str, Any]) -> Decoder:
    """A model ready to be asked; its tokenizer's files are in `folder`."""
    stop_ids = end_ids(model, folder, tokenizer)
    pad_id = stop_ids[0] if tokenizer.pad_id is None else tokenizer.pad_id
    decode = AutoTokenizer.from_pretrained(folder, trust_remote_code=may_run_code(folder))
    return Decoder(model, decode, stop_ids, pad_id, options)


def end_ids(model: Any, folder: Path, tokenizer: Tokenizer) -> tuple[int, ...]:
    """Answers end at what the tokenizer calls its end and at what the model does: they do not always agree."""
    named = model.generation_config.eos_token_id
    ends = [tokenizer.eos_id, *(named if isinstance(named, list) else [named])]
    found = tuple(dict.fromkeys(end for end in ends if end is not None))
    if not found:
        raise ResepError(f"the model in {folder} names no end token: no answer would ever end")
    return found


def answer(
    decoder: Decoder, prompts: Sequence[Sequence[int]], seeds: Sequence[str] = ()
) -> Iterator[dict[int, Answer]]:
    """Each batch's answers by the position of their prompt. Prompts of like length share a batch, the longest first.

    `seeds`, one for each prompt, are what tokens are drawn by: a row's answer does not depend on who shares its batch.
    """
    # What the model's own generation_config says of sampling must not leak into an answer.
    decoder.model.generation_config = _generation_config(decoder)
    order = sorted(range(len(prompts)), key=lambda at: len(prompts[at]), reverse=True)
    size = int(decoder.options["batch_size"])
    with quickened(decoder.model):
        for start in range(0, len(order), size):
            rows = {at: prompts[at] for at in order[start : start + size]}
            dice = {at: Random(seeds[at]) for at in rows} if decoder.options["do_sample"] else {}
            with torch.inference_mode():
                yield _answer_batch(decoder, rows, dice)


def answer_aloud(decoder: Decoder, prompt: Sequence[int], seed: str, hear: Callable[[Sequence[int]], None]) -> Answer:
    """One answer, the same as `answer` gives; `hear` is told after each token what was said so far, in ids, the end
    token among them. What it raises ends the answer.
    """
    decoder.model.generation_config = _generation_config(decoder)
    dice = {0: Random(seed)} if decoder.options["do_sample"] else {}
    with torch.inference_mode():
        return _answer_batch(decoder, {0: prompt}, dice, _Ear(hear))[0]


def spoken(decoder: Decoder, ids: Sequence[int]) -> str:
    """The text of an answer, up to where a stop text begins."""
    text = str(decoder.tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False))
    for stop in decoder.options["stop"]:
        text = text.partition(stop)[0]
    return text


class _Ear(BaseStreamer):  # type: ignore[misc]
    """Collects the ids of an answer over several calls of `generate`, each of which begins with what came before."""

    def __init__(self, hear: Callable[[Sequence[int]], None]) -> None:
        self.hear, self.is_prompt = hear, True
        self.said: list[int] = []

    def put(self, value: Any) -> None:
        if self.is_prompt:
            self.is_prompt = False
            return
        self.said.append(int(value))
        self.hear(self.said)

    def end(self) -> None:
        self.is_prompt = True


def _answer_batch(
    decoder: Decoder,
    prompts: Mapping[int, Sequence[int]],
    dice: Mapping[int, Random],
    streamer: BaseStreamer | None = None,
) -> dict[int, Answer]:
    rows, answers = list(prompts), {}
    sequences, mask = _padded(list(prompts.values()), decoder)
    width, cache = sequences.shape[1], None
    while rows:
        said = sequences.shape[1] - width
        result = decoder.model.generate(
            input_ids=sequences,
            attention_mask=mask,
            past_key_values=cache,
            max_new_tokens=min(_SEGMENT, decoder.limit - said),
            return_dict_in_generate=True,
            logits_processor=processors(decoder.options, mask[:, :width], [dice[row] for row in rows if row in dice]),
            streamer=streamer,
            **_stop_strings(decoder),
        )
        sequences, cache = result.sequences, result.past_key_values
        mask = torch.nn.functional.pad(mask, (0, sequences.shape[1] - mask.shape[1]), value=1)
        ended = [_ended(decoder, ids) for ids in sequences[:, width:].tolist()]
        answers.update({row: found for row, found in zip(rows, ended, strict=True) if found})
        going = [at for at, found in enumerate(ended) if found is None]
        rows = [rows[at] for at in going]
        if rows and len(going) < len(ended):
            kept = torch.tensor(going, device=sequences.device)
            sequences, mask = sequences[kept], mask[kept]
            cache.batch_select_indices(kept)
    return answers


def _ended(decoder: Decoder, ids: Sequence[int]) -> Answer | None:
    """The answer, if it has ended: at a stop id, at a stop text, or at the limit."""
    end = next((at for at, token in enumerate(ids) if token in decoder.stop_ids), None)
    said = list(ids[:end])
    if any(text in decoder.tokenizer.decode(said) for text in decoder.options["stop"]):
        said = _until_stop_text(decoder, said)
        return Answer(said, len(said), "stop")
    if end is not None:
        return Answer(said, end + 1, "stop")
    return Answer(said, len(said), "length") if len(said) >= decoder.limit else None


def _until_stop_text(decoder: Decoder, ids: Sequence[int]) -> list[int]:
    """The shortest beginning that contains a stop text; what follows it in the batch is padding."""
    beginnings = (list(ids[: at + 1]) for at in range(len(ids)))
    return next(
        part for part in beginnings if any(t in decoder.tokenizer.decode(part) for t in decoder.options["stop"])
    )


def _padded(prompts: Sequence[Sequence[int]], decoder: Decoder) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids and attention mask, padded on the left, so that every answer begins in the same column."""
    width = max(map(len, prompts))
    ids = [[decoder.pad_id] * (width - len(prompt)) + list(prompt) for prompt in prompts]
    mask = [[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts]
    return torch.tensor(ids, device=decoder.model.device), torch.tensor(mask, device=decoder.model.device)


def _stop_strings(decoder: Decoder) -> dict[str, Any]:
    texts = list(decoder.options["stop"])
    return {"stop_strings": texts, "tokenizer": decoder.tokenizer} if texts else {}


def _generation_config(decoder: Decoder) -> GenerationConfig:
    """Always greedy: where tokens are drawn, the processors leave each row the one that was."""
    return GenerationConfig(do_sample=False, eos_token_id=list(decoder.stop_ids), pad_token_id=decoder.pad_id)
