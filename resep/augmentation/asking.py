"""Who is asked for children, and what the asking came to: answers, failures, tokens, money."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from resep.augmentation.forms import Texts, question, read_texts
from resep.augmentation.settings import Settings
from resep.augmentation.wishes import Wish
from resep.digests import digest_json
from resep.endpoints import Answer, ChatRequest, Endpoint, complete_for, open_answers
from resep.generation.asked import Child, ask_locally, read_name
from resep.records import Message

_KEY = "preprocessing.augment"
Ask = Callable[[Sequence[ChatRequest]], Iterable[Answer]]


@dataclass
class Tally:
    """What was asked and what came of it. `unreadable` answers are no JSON of the wanted form, after a second try."""

    asked: int = 0
    answered: int = 0
    cached: int = 0
    unreadable: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    served_as: Counter[str] = field(default_factory=Counter)
    tokens: dict[str, int | None] = field(default_factory=lambda: {"input": 0, "output": 0})
    fresh_tokens: dict[str, int | None] = field(default_factory=lambda: {"input": 0, "output": 0})
    seconds: float = 0.0

    def add(self, answer: Answer) -> None:
        self.asked += 1
        if answer.error is not None:
            self.failed[answer.error] += 1
            return
        self.answered += 1
        self.cached += answer.cached
        self.served_as[answer.model or "unknown"] += 1
        _count(self.tokens, answer)
        if not answer.cached:
            _count(self.fresh_tokens, answer)

    def cost(self, price: Mapping[str, float]) -> dict[str, float | None] | None:
        """What all answers cost when they were asked for, and what of it this run spent; None without a price."""
        if not price:
            return None
        return {"all": _cost(self.tokens, price), "this_run": _cost(self.fresh_tokens, price)}


def asker(settings: Settings, instruction: str) -> Ask:
    """What sends requests to the model that the settings name; answers that are on disk are not asked for again."""
    about = {"instruction": digest_json(instruction), "decoding": settings.decoding}
    if settings.endpoint is None:
        return partial(ask_locally, read_name(settings.model, _KEY), _child(settings), about)
    endpoint = Endpoint(settings.endpoint, settings.model, settings.api_key_env)
    answers = open_answers({"url": settings.endpoint, "model": settings.model, **about})
    return partial(complete_for, _KEY, endpoint, concurrency=settings.concurrency, answers=answers)


def _child(settings: Settings) -> Child:
    temperature = 1.0 if settings.temperature is None else settings.temperature
    drawn = {"do_sample": True, "temperature": temperature} if temperature else {"do_sample": False}
    limits = {"max_new_tokens": settings.max_new_tokens, "repetition_penalty": 1.0, "stop": []}
    decoding = {**drawn, **limits, "batch_size": settings.concurrency}
    return Child("resep.augmentation.worker", "augment", {"decoding": decoding})


def fulfil(wishes: Sequence[Wish], ask: Ask, settings: Settings, instruction: str, tally: Tally) -> list[Texts | None]:
    """The texts of every wish's child. What cannot be read is asked for once more, with another seed."""
    texts = _ask_all(wishes, ask, settings, instruction, tally)
    unread = [at for at, found in enumerate(texts) if found is None]
    second = _ask_all([wishes[at].again() for at in unread], ask, settings, instruction, tally)
    for at, found in zip(unread, second, strict=True):
        texts[at] = found
    tally.unreadable += second.count(None)
    return texts


def _ask_all(
    wishes: Sequence[Wish], ask: Ask, settings: Settings, instruction: str, tally: Tally
) -> list[Texts | None]:
    requests = [_request(wish, settings, instruction) for wish in wishes]
    started, texts = time.monotonic(), []
    for wish, answer in zip(wishes, ask(requests), strict=True):
        tally.add(answer)
        texts.append(None if answer.error is not None else read_texts(answer.text, wish.shown))
    tally.seconds += time.monotonic() - started
    return texts


def _request(wish: Wish, settings: Settings, instruction: str) -> ChatRequest:
    message = Message("user", question(instruction, wish.shown))
    return ChatRequest((message,), {**settings.decoding, "seed": wish.seed})


def _count(tokens: dict[str, int | None], answer: Answer) -> None:
    for side, new in (("input", answer.prompt_tokens), ("output", answer.output_tokens)):
        before = tokens[side]
        tokens[side] = None if new is None or before is None else before + new  # None: somebody did not count


def _cost(tokens: Mapping[str, int | None], price: Mapping[str, float]) -> float | None:
    total = 0.0
    for side in ("input", "output"):
        count = tokens[side]
        if count is None:
            return None
        total += count * price.get(f"{side}_per_million", 0.0) / 1_000_000
    return round(total, 6)
