"""The child that writes new rows with a local model: one load of the weights, every batch of answers kept at once.

Request: `folder`, `model` (its identity), `device`, `dtype`, `decoding`, `answers` (the file of kept answers),
`questions` [{"digest", "text", "seed"}]. A question that does not fit the model's context gets no answer.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from resep.endpoints import Answer, Answers
from resep.events import emit, work
from resep.generation.decoding import Answer as Said
from resep.generation.decoding import Decoder, answer, open_decoder
from resep.generation.loading import load_model
from resep.records import Message
from resep.templates import encode_prompt, load_template, load_tokenizer


def job(request: Mapping[str, Any]) -> None:
    """Answer all questions, report progress."""
    folder, questions = Path(request["folder"]), request["questions"]
    tokenizer = load_tokenizer(folder)
    template = load_template("native", folder, tokenizer)
    prompts = [encode_prompt(template, tokenizer, [Message("user", asked["text"])]).ids for asked in questions]
    precision = {"dtype": request["dtype"], "four_bit": False, "dequantise": False}
    model = load_model(folder, precision, request["device"])
    fitting = _fitting(prompts, model.config, request["decoding"]["max_new_tokens"])
    decoder = open_decoder(model, folder, tokenizer, request["decoding"])
    kept = Answers(Path(request["answers"]), {}, threading.Lock())
    done = 0
    seeds = [str(questions[at]["seed"]) for at in fitting]  # a second try of a question draws with another
    for batch in answer(decoder, [prompts[at] for at in fitting], seeds):
        for place, said in batch.items():
            at = fitting[place]
            kept.add(questions[at]["digest"], _answer(said, decoder, len(prompts[at]), request["model"]))
        done += len(batch)
        emit("progress", done=done, total=len(fitting), unit="rows", task="augment")


def _fitting(prompts: Sequence[Sequence[int]], config: Any, answer_tokens: int) -> list[int]:
    context = getattr(config, "max_position_embeddings", None)
    return [at for at, ids in enumerate(prompts) if context is None or len(ids) + answer_tokens <= context]


def _answer(said: Said, decoder: Decoder, prompt_tokens: int, model: str) -> Answer:
    text = decoder.tokenizer.decode(said.ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
    return Answer(text, said.finish_reason, prompt_tokens=prompt_tokens, output_tokens=said.tokens, model=model)


if __name__ == "__main__":
    work(job)
