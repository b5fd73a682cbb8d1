"""What BERTScore costs, and how exact it is, beside the bert-score library: outputs of two arms, the same references.

    python benchmarks/evaluation.py [--pairs 1000] [--repeats 3] [--encoder all-minilm-l6-v2] [--layer 6]

Texts are made of the steps of the quickstart's data: one step each, a whole answer, and answers of up to forty steps.
CPU seconds of one thread, the best of several rounds in which every way has its turn, so that ratios hold on a busy
machine; loading an encoder is not counted (importing the library costs another 2.5). onnxruntime is measured where it
is installed, with onnx: the forward passes alone.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import random
import shutil
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from resep import models
from resep.bertscore.cache import SIZE_VARIABLE
from resep.bertscore.encoder import Tokens, open_token_encoder
from resep.bertscore.rows import score_texts
from resep.bertscore.settings import Settings
from resep.encoding.batches import batches
from resep.encoding.opening import open_encoder_model
from resep.paths import data_folder
from resep.steps import render_steps

Numbers = list[tuple[float, ...]]
Way = Callable[[], Any]
EXACT = 1e-6
STEPS = {"one step": (1, 1), "an answer": (5, 9), "long": (20, 40)}


@dataclass(frozen=True)
class Arms:
    """References, and the outputs of two arms for them: one answers something else, the other nearly the same."""

    references: list[str]
    base: list[str]
    tuned: list[str]

    @property
    def pairs(self) -> list[tuple[str, str]]:
        return [*zip(self.base, self.references, strict=True), *zip(self.tuned, self.references, strict=True)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--pairs", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--encoder", default="all-minilm-l6-v2")
    parser.add_argument("--layer", type=int, default=6)
    parser.add_argument("--kinds", type=lambda text: text.split(","), default=list(STEPS))
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    folder = models.folder(*models.split_revision(args.encoder), lambda event: None)  # noqa: ARG005
    settings = Settings(args.encoder, args.layer, idf=False, rescale=None, dtype="float32", batch_tokens=1024)
    cache = tempfile.mkdtemp(prefix="resep-benchmark-")
    os.environ["RESEP_CACHE"] = cache
    try:
        for kind in args.kinds:
            arms = make_arms(args.pairs, STEPS[kind])
            compare(kind, arms, settings, folder, args.repeats)
            compare_forward(arms, settings, folder, args.repeats)
    finally:
        shutil.rmtree(cache)


def make_arms(count: int, steps: tuple[int, int]) -> Arms:
    lines = (data_folder("recipes") / "data" / "quickstart.jsonl").read_text(encoding="utf-8").splitlines()
    known = sorted({step for line in lines for step in json.loads(line)["response"]})
    rng = random.Random(0)
    answers = [render_steps(rng.sample(known, rng.randint(*steps)), "numbered_steps") for _ in range(2 * count)]
    references = answers[:count]
    return Arms(references, answers[count:], [_reworded(text, rng) for text in references])


def compare(kind: str, arms: Arms, settings: Settings, folder: Path, repeats: int) -> None:
    narrow = replace(settings, dtype="bfloat16")
    ways: dict[str, Way] = {
        "bert-score": _library(arms, settings, folder),
        "float32": lambda: _ours(arms, settings, folder, cache="off"),
        "float32, references cached": lambda: _ours(arms, settings, folder, cache="8GiB"),
        "bfloat16": lambda: _ours(arms, narrow, folder, cache="off"),
        "bfloat16, references cached": lambda: _ours(arms, narrow, folder, cache="8GiB"),
    }
    for each in (settings, narrow):  # open the encoders, and fill the cache
        _ours(arms, each, folder, cache="8GiB")
    seconds, found = best(ways, repeats)
    tokens = sum(map(len, _tokenised(arms, settings, folder)))
    texts = len({text for pair in arms.pairs for text in pair})
    print(f"\n{kind}: {len(arms.references):,} pairs per arm, two arms; {tokens / texts:.0f} tokens per text")
    print(f"{'':28}{'CPU s':>8}{'ratio':>8}{'largest error':>15}{'mean error':>12}")
    for name, spent in seconds.items():
        largest, mean = errors(found[name], found["bert-score"])
        print(f"{name:28}{spent:8.2f}{seconds['bert-score'] / spent:7.1f}x{largest:15.1e}{mean:12.1e}")
    print(_agreement(arms, found["float32"], found["bert-score"], settings, folder))


def compare_forward(arms: Arms, settings: Settings, folder: Path, repeats: int) -> None:
    """The encoder alone, on the same batches: torch as it is, with oneDNN's linear layers, and onnxruntime."""
    tokens = _tokenised(arms, settings, folder)[:1000]
    plan = [_batch([tokens[at] for at in batch]) for batch in batches([len(text) for text in tokens], 1024)]
    plain = open_encoder_model(folder).model
    fast = open_token_encoder(settings.called, folder, settings.layer, "float32", settings.batch_tokens).model
    ways: dict[str, Way] = {
        "torch as it is": lambda: _through(plain, plan),
        "torch, linear by oneDNN": lambda: _through(fast, plan),
    }
    if onnx := _onnx_session(plain):
        ways["onnxruntime"] = lambda: [onnx.run(None, {"ids": i.numpy(), "there": t.numpy()}) for i, t in plan]
    seconds, _ = best(ways, repeats)
    told = ", ".join(f"{name} {spent:.2f}" for name, spent in seconds.items())
    print(f"forward of {len(tokens):,} texts alone, CPU s: {told}{'' if onnx else ' (onnxruntime is not installed)'}")


def best(ways: Mapping[str, Way], repeats: int) -> tuple[dict[str, float], dict[str, Any]]:
    """The fewest CPU seconds of each way over the rounds, and what it gave."""
    seconds = dict.fromkeys(ways, float("inf"))
    found: dict[str, Any] = {}
    for _ in range(repeats):
        for name, way in ways.items():
            started = time.process_time()
            found[name] = way()
            seconds[name] = min(seconds[name], time.process_time() - started)
    return seconds, found


def errors(found: Numbers, expected: Numbers) -> tuple[float, float]:
    """The largest absolute difference of precision, recall or F1, and the mean one."""
    apart = [abs(a - b) for one, other in zip(found, expected, strict=True) for a, b in zip(one, other, strict=True)]
    return max(apart), sum(apart) / len(apart)


def _agreement(arms: Arms, found: Numbers, expected: Numbers, settings: Settings, folder: Path) -> str:
    """How many rows are the library's, and whether the others are once a longer pair beside them has them padded.

    A token whose every cosine is negative has 0 in the library, but its negative cosine where the other text is the
    longest of its batch.
    """
    apart = [at for at, pair in enumerate(zip(found, expected, strict=True)) if errors([pair[0]], [pair[1]])[0] > EXACT]
    told = f"float32 is within {EXACT:.0e} of bert-score in {len(found) - len(apart):,} of {len(found):,} pairs"
    if not apart:
        return told
    longest = max((text for pair in arms.pairs for text in pair), key=len) * 2
    chosen = [*(arms.pairs[at] for at in apart), (longest, longest)]
    padded = _open_library(settings, folder).score(*map(list, zip(*chosen, strict=True)))
    again = list(zip(*(side.tolist() for side in padded), strict=True))
    equal = sum(errors([found[at]], [right])[0] <= EXACT for at, right in zip(apart, again, strict=False))
    return f"{told}; of the others, {equal} of {len(apart)} once the library pads them"


def _library(arms: Arms, settings: Settings, folder: Path) -> Way:
    scorer = _open_library(settings, folder)

    def score() -> Numbers:
        sides = (scorer.score(outputs, arms.references) for outputs in (arms.base, arms.tuned))
        return [values for side in sides for values in zip(*(each.tolist() for each in side), strict=True)]

    return score


def _open_library(settings: Settings, folder: Path) -> Any:
    from bert_score import BERTScorer

    return BERTScorer(model_type=str(folder), num_layers=settings.layer)


def _ours(arms: Arms, settings: Settings, folder: Path, cache: str) -> Numbers:
    os.environ[SIZE_VARIABLE] = cache
    found = score_texts(arms.pairs, [], settings, folder)
    return [tuple(value for value in score.numbers if value is not None) for score in found]


def _tokenised(arms: Arms, settings: Settings, folder: Path) -> list[Tokens]:
    encoder = open_token_encoder(settings.called, folder, settings.layer, "float32", settings.batch_tokens)
    return encoder.tokenise(list(dict.fromkeys(text for pair in arms.pairs for text in pair)))


def _batch(texts: Sequence[Tokens]) -> tuple[torch.Tensor, torch.Tensor]:
    ids = torch.zeros(len(texts), max(map(len, texts)), dtype=torch.long)
    for row, text in zip(ids, texts, strict=True):
        row[: len(text)] = torch.from_numpy(text.ids)
    there = torch.arange(ids.shape[1]) < torch.tensor([len(text) for text in texts])[:, None]
    return ids, there.long()


def _through(model: Any, plan: Sequence[tuple[torch.Tensor, torch.Tensor]]) -> None:
    with torch.inference_mode():
        for ids, there in plan:
            model(input_ids=ids, attention_mask=there)


class _Reader(torch.nn.Module):  # type: ignore[misc]  # torch is untyped for us
    """A model with the arguments and the answer that onnxruntime is to have."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, ids: Any, there: Any) -> Any:
        return self.model(input_ids=ids, attention_mask=there).last_hidden_state


def _onnx_session(model: Any) -> Any:
    """The model in onnxruntime on one thread, or None where that is not installed."""
    if not all(importlib.util.find_spec(name) for name in ("onnx", "onnxruntime")):
        return None
    runtime = importlib.import_module("onnxruntime")
    example = (torch.full((2, 8), 7), torch.ones(2, 8, dtype=torch.long))
    axes = {name: {0: "texts", 1: "tokens"} for name in ("ids", "there", "vectors")}
    names: Mapping[str, Any] = {"input_names": ["ids", "there"], "output_names": ["vectors"], "dynamic_axes": axes}
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "encoder.onnx"
        torch.onnx.export(_Reader(model), example, file, dynamo=False, opset_version=17, **names)
        return runtime.InferenceSession(file, options, providers=["CPUExecutionProvider"])


def _reworded(text: str, rng: random.Random) -> str:
    words = text.split(" ")
    return " ".join(rng.choice(words) if rng.random() < 0.2 else word for word in words)


if __name__ == "__main__":
    main()
