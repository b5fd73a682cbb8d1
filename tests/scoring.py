"""What the tests of evaluators share: samples, a context without any model, and pairs of texts that are alike."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from resep.context import Context, Encoder
from resep.plugins import find, open_plugin
from resep.records import Sample, Score

HUGE = 100_000  # characters


def no_encoder(name: str) -> Encoder:
    raise AssertionError(f"{name} was asked for by an evaluator that needs no encoder")


def no_model(name: str) -> Path:
    raise AssertionError(f"{name} was loaded by an evaluator that needs no model")


LIGHT = Context(encoder=no_encoder, model_folder=no_model)
HOSTILE = (
    "",
    " \n\t ",
    "\ud800 half a character \udfff",
    "<script>alert(1)</script><p>1. Open&nbsp;it</p>",
    "a\x00b\x07c\x1b[31m\u202e",
    "a\x85b\u2028c",
    "{{ 7*7 }} ${x} %s \\1 \\",
    "=1+1",
    "\N{PILE OF POO}\N{ZERO WIDTH JOINER}",
    "NaN",
)
ENORMOUS = (
    "word " * (HUGE // 5),
    "".join(f"w{number} " for number in range(HUGE // 7)),
    "x" * HUGE,
    "\n" * HUGE,
    "a\n" * (HUGE // 2),
    "1. a\n" * (HUGE // 5),
    "[" * HUGE,
    '{"' * (HUGE // 2),
    '\\"' * (HUGE // 2),
    "&quot;" * (HUGE // 6),
    "9" * HUGE,
)

ANY_TEXT = [*HOSTILE, *(pytest.param(text, marks=pytest.mark.slow) for text in ENORMOUS)]


def plugin(name: str) -> ModuleType:
    return open_plugin(find("evaluators", name))


def sample(output: str, target: str | tuple[str, ...] = "", id: str = "1", arm: str = "model", **more: Any) -> Sample:
    return Sample(id, arm, target, output, **more)


def scores(name: str, *samples: Sample, context: Context = LIGHT, **options: Any) -> list[Score]:
    return list(plugin(name).evaluate(iter(samples), context, **options))


def values(name: str, output: str, target: str | tuple[str, ...] = "", **options: Any) -> dict[str, float | None]:
    return dict(scores(name, sample(output, target), **options)[0].values)


def corpus(name: str, metric: str, found: list[Score]) -> float:
    """The corpus metric of all these rows, from their sums."""
    sums = np.array([score.stats[metric] for score in found]).sum(axis=0)
    return float(plugin(name).AGGREGATES[metric](sums))


_ENGLISH = ["open", "the", "settings", "Tap", "on", "Security,", "running", "cats", ".", "app;", "don't", "12", "3.5"]
_OTHERS = [
    "e-mail",
    "(see",
    "below)",
    "Buka",
    "pengaturan",
    "\u00fcber",
    "caf\u00e9",
    "na\u00efve",
    "&amp;",
    "x_y",
    "\u6f22",
]
_WORDS = [*_ENGLISH, *_OTHERS]


def pairs(count: int, seed: int = 7) -> Iterator[tuple[str, str]]:
    """(output, reference): lines of words; the output is the reference with words lost, moved and put in."""
    rng = random.Random(seed)
    for _ in range(count):
        lines = [rng.choices(_WORDS, k=rng.randint(0, 12)) for _ in range(rng.randint(1, 7))]
        said = [_changed(line, rng) for line in lines if rng.random() < 0.9]
        rng.shuffle(said) if rng.random() < 0.3 else None
        yield _text(said if rng.random() < 0.95 else [], rng), _text(lines, rng)


def _changed(line: list[str], rng: random.Random) -> list[str]:
    kept = [word for word in line if rng.random() < 0.85]
    for _ in range(rng.randint(0, 2)):
        kept.insert(rng.randint(0, len(kept)), rng.choice(_WORDS))
    return kept


def _text(lines: list[list[str]], rng: random.Random) -> str:
    numbered = rng.random() < 0.7
    return "\n".join(f"{f'{n}. ' if numbered else ''}{' '.join(line)}" for n, line in enumerate(lines, 1))
