"""A judge's answer as a score or a choice: a bare number, or a bare letter, or it does not count."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from resep.endpoints import Answer, Token
from resep.rubric import LEVELS

NUMBER, LETTER = "one number from 1 to 5", "one letter: A, B or C"
_THOUGHT = re.compile(r"\A\s*<think>.*?</think>", re.DOTALL)
_NUMBER = re.compile(r"\**([1-5])\**\.?")
_LETTER = re.compile(r"\**([ABC])\**\.?")


@dataclass(frozen=True)
class Rating:
    """`value` is the expected score where the server gave log-probabilities, else the number `said`.

    `mass` is the probability that lay on the numbers 1 to 5 before they were made to sum to 1; None without any.
    """

    value: float
    said: int
    mass: float | None = None


def read_rating(answer: Answer) -> Rating | None:
    """The score in an answer, or None where it is anything else than one number from 1 to 5.

    The expected score over the log-probabilities of the number's place in the answer: Liu et al. 2023 (G-Eval),
    arXiv:2303.16634.
    """
    found = _NUMBER.fullmatch(_said(answer))
    if found is None:
        return None
    said = int(found[1])
    chances = _chances(_token_of(answer, found[1]))
    mass = math.fsum(chances.values())
    if not mass:
        return Rating(float(said), said)
    return Rating(math.fsum(level * chance for level, chance in chances.items()) / mass, said, min(1.0, mass))


def read_choice(answer: Answer) -> str | None:
    """A, B or C, or None where the answer is anything else."""
    found = _LETTER.fullmatch(_said(answer))
    return found[1] if found else None


def _said(answer: Answer) -> str:
    """The answer without what a reasoning model thinks aloud before it."""
    return _THOUGHT.sub("", answer.text).strip()


def _token_of(answer: Answer, number: str) -> Token | None:
    """The token that is the number: the last of its kind, since thoughts come before it."""
    matching = (token for token in reversed(answer.logprobs or ()) if token.text.strip() == number)
    return next(matching, None)


def _chances(token: Token | None) -> Mapping[int, float]:
    """Level -> its probability in the place of this token; empty where nothing is known of it."""
    chances: dict[int, float] = {}
    if token is None:
        return chances
    for text, logprob in {**token.top, token.text: token.logprob}.items():
        level = text.strip()
        if level.isascii() and level.isdigit() and int(level) in LEVELS:
            chances[int(level)] = chances.get(int(level), 0.0) + math.exp(min(0.0, logprob))
    return chances
