"""The child that judges with a local model: one load of the weights, every batch of answers kept at once.

Request: `folder`, `model` (its identity), `device`, `dtype`, `temperature`, `max_new_tokens`, `batch_size`, `answers`
(the file of kept answers), `questions` [{"digest", "text", "seed"}]. Answers carry the log-probabilities of the 20
likeliest tokens in every place, as a server's do. A question that does not fit the model's context gets no answer.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import transformers

from resep.endpoints import Answer, Answers, Token
from resep.events import emit, work
from resep.generation.loading import load_model
from resep.generation.quick import quickened
from resep.models.foreign import may_run_code
from resep.records import Message
from resep.templates import encode_prompt, load_template, load_tokenizer

_TOP = 20


def job(request: Mapping[str, Any]) -> None:
    """Answer all questions, report progress."""
    folder, questions = Path(request["folder"]), request["questions"]
    tokenizer = load_tokenizer(folder)
    template = load_template("native", folder, tokenizer)
    prompts = [encode_prompt(template, tokenizer, [Message("user", asked["text"])]).ids for asked in questions]
    model = load_model(folder, {"dtype": request["dtype"], "four_bit": False, "dequantise": False}, request["device"])
    words = transformers.AutoTokenizer.from_pretrained(folder, trust_remote_code=may_run_code(folder))
    model.generation_config = _generation_config(model, tokenizer, request)
    kept = Answers(Path(request["answers"]), {}, threading.Lock())
    done = 0
    with quickened(model):
        for batch in _batches(prompts, model.config, request):
            torch.manual_seed(int(questions[batch[0]]["seed"]))
            for at, answer in zip(batch, _answers(model, words, [prompts[at] for at in batch]), strict=True):
                kept.add(questions[at]["digest"], answer)
            done += len(batch)
            emit("progress", done=done, total=len(prompts), unit="questions", task="judge")


def _batches(prompts: Sequence[Sequence[int]], config: Any, request: Mapping[str, Any]) -> Iterator[list[int]]:
    """Places of prompts of like length, those that are too long for the model left out."""
    context = getattr(config, "max_position_embeddings", None)
    fitting = [at for at, p in enumerate(prompts) if not context or len(p) + request["max_new_tokens"] <= context]
    order = sorted(fitting, key=lambda at: len(prompts[at]), reverse=True)
    for start in range(0, len(order), request["batch_size"]):
        yield order[start : start + request["batch_size"]]


def _generation_config(model: Any, tokenizer: Any, request: Mapping[str, Any]) -> transformers.GenerationConfig:
    named = model.generation_config.eos_token_id
    ends = [tokenizer.eos_id, *(named if isinstance(named, list) else [named])]
    stop_ids = list(dict.fromkeys(end for end in ends if end is not None))
    drawn = {"do_sample": True, "temperature": request["temperature"]} if request["temperature"] else {}
    return transformers.GenerationConfig(
        max_new_tokens=request["max_new_tokens"],
        eos_token_id=stop_ids,
        pad_token_id=tokenizer.pad_id if tokenizer.pad_id is not None else (stop_ids or [0])[0],
        **{"do_sample": False, **drawn},
    )


def _answers(model: Any, words: Any, prompts: Sequence[Sequence[int]]) -> Iterator[Answer]:
    pad, stop_ids = model.generation_config.pad_token_id, set(model.generation_config.eos_token_id)
    width = max(map(len, prompts))
    ids = torch.tensor([[pad] * (width - len(p)) + list(p) for p in prompts], device=model.device)
    mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in prompts], device=model.device)
    with torch.inference_mode():
        result = model.generate(
            input_ids=ids, attention_mask=mask, output_logits=True, return_dict_in_generate=True, use_cache=True
        )
    chances = torch.stack(result.logits, dim=1).float().log_softmax(-1)  # (rows, places, vocabulary)
    for row, said in enumerate(result.sequences[:, width:].tolist()):
        end = next((at for at, token in enumerate(said) if token in stop_ids), len(said))
        yield Answer(
            text=words.decode(said[:end], skip_special_tokens=True, clean_up_tokenization_spaces=False),
            finish_reason="stop" if end < len(said) else "length",
            logprobs=tuple(_token(words, said[at], chances[row, at]) for at in range(end)),
            prompt_tokens=len(prompts[row]),
            output_tokens=min(end + 1, len(said)),
        )


def _token(words: Any, token: int, chances: torch.Tensor) -> Token:
    """Several tokens may read the same (with a space before, without): their probabilities are those of one text."""
    top: dict[str, float] = {}
    likeliest = chances.topk(_TOP)
    for logprob, other in zip(likeliest.values.tolist(), likeliest.indices.tolist(), strict=True):
        text = words.decode([other])
        top[text] = logprob if text not in top else float(torch.logaddexp(*torch.tensor([top[text], logprob])))
    text = words.decode([token])
    return Token(text, top.get(text, float(chances[token])), top)


if __name__ == "__main__":
    work(job)
