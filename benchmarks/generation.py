"""How much sooner test rows are answered in batches than one at a time, with the same tokens in fp32.

    python benchmarks/generation.py [--model NAME|FOLDER] [--rows 48] [--tokens 64] [--batches 8,32,64] [--threads 1]

The baseline is what a short script does: `model.generate` of transformers on one prompt after another. Beside it our
decoder, which sorts prompts by length, pads them on the left and takes finished rows out of the batch. Told are CPU and
wall time of this process, all from one run, and how many times sooner than the baseline; every answer is compared with
the baseline's, token by token. Prompts are questions of the quickstart's data, in the model's own format.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from resep import models
from resep.generation.decoding import Decoder, answer, open_decoder
from resep.generation.loading import load_model
from resep.records import Message
from resep.templates import encode_prompt, load_template, load_tokenizer

QUESTIONS = Path(__file__).parent.parent / "recipes" / "data" / "quickstart.jsonl"
FLOAT32 = {"dtype": "float32", "four_bit": False, "dequantise": False}

Ids = list[int]


@dataclass(frozen=True)
class Measured:
    """CPU and wall seconds of one way of asking, and the tokens of every answer, end tokens aside."""

    name: str
    cpu_s: float
    wall_s: float
    answers: list[Ids]

    @property
    def tokens(self) -> int:
        return sum(map(len, self.answers))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--model", default="smollm2-135m-instruct")
    parser.add_argument("--rows", type=int, default=48)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--batches", default="8,32,64")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    folder = models.folder(args.model, None, lambda event: None)  # noqa: ARG005
    prompts = questions(folder, args.rows)
    model = load_model(folder, FLOAT32, "cpu")
    tokenizer = load_tokenizer(folder)
    options = {"do_sample": False, "max_new_tokens": args.tokens, "repetition_penalty": 1.0, "stop": []}

    def decoder(size: int) -> Decoder:
        return open_decoder(model, folder, tokenizer, {**options, "batch_size": size})

    alone = decoder(1)
    one_by_one(alone, prompts[:1])  # the first call of a process is slower
    lengths = sorted(map(len, prompts))
    print(f"{len(prompts)} prompts of {lengths[0]} to {lengths[-1]} tokens, {args.threads} threads")
    print(f"{'':<18}{'CPU s':>9}{'tokens':>9}{'times':>8}{'wall s':>9}{'times':>8}   equal answers", flush=True)
    base = measure("one at a time", lambda: one_by_one(alone, prompts))
    show(base, base)
    for size in map(int, args.batches.split(",")):
        show(measure(f"batches of {size}", partial(together, decoder(size), prompts)), base)


def questions(folder: Path, rows: int) -> list[Ids]:
    """The first questions of the data, rendered in the model's own format."""
    tokenizer = load_tokenizer(folder)
    template = load_template("native", folder, tokenizer)
    lines = QUESTIONS.read_text(encoding="utf-8").splitlines()[:rows]
    return [encode_prompt(template, tokenizer, [Message("user", json.loads(line)["prompt"])]).ids for line in lines]


def one_by_one(decoder: Decoder, prompts: Sequence[Ids]) -> list[Ids]:
    """As transformers' own documentation shows it."""
    answers = []
    for prompt in prompts:
        ids = torch.tensor([prompt])
        with torch.inference_mode():
            said: Any = decoder.model.generate(
                input_ids=ids,
                attention_mask=torch.ones_like(ids),
                max_new_tokens=decoder.limit,
                do_sample=False,
                eos_token_id=list(decoder.stop_ids),
                pad_token_id=decoder.pad_id,
            )
        answers.append(without_end(said[0, len(prompt) :].tolist(), decoder))
    return answers


def together(decoder: Decoder, prompts: Sequence[Ids]) -> list[Ids]:
    found = {at: said.ids for batch in answer(decoder, prompts) for at, said in batch.items()}
    return [found[at] for at in range(len(prompts))]


def without_end(ids: Ids, decoder: Decoder) -> Ids:
    return next((ids[:at] for at, token in enumerate(ids) if token in decoder.stop_ids), ids)


def measure(name: str, ask: Callable[[], list[Ids]]) -> Measured:
    wall, cpu = time.perf_counter(), time.process_time()
    answers = ask()
    return Measured(name, time.process_time() - cpu, time.perf_counter() - wall, answers)


def show(found: Measured, base: Measured) -> None:
    equal = sum(one == other for one, other in zip(found.answers, base.answers, strict=True))
    print(
        f"{found.name:<18}{found.cpu_s:>9.1f}{found.tokens:>9}{base.cpu_s / found.cpu_s:>8.2f}{found.wall_s:>9.1f}"
        f"{base.wall_s / found.wall_s:>8.2f}   {equal} of {len(base.answers)}",
        flush=True,
    )


if __name__ == "__main__":
    main()
