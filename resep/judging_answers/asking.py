"""Questions to a judge and what came back: each distinct question once, unreadable answers once more, then None."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from resep.endpoints import Answer, ChatRequest, Endpoint, complete_for, open_answers
from resep.events import EVENTS, emit
from resep.generation.asked import Child, ask_locally, read_name
from resep.judging_answers.prompts import REMINDER, as_messages
from resep.judging_answers.reading import LETTER, NUMBER, Rating, read_choice, read_rating
from resep.judging_answers.settings import Settings

Ask = Callable[[Sequence[ChatRequest]], Iterable[Answer]]
_BATCH_SIZE = 8  # questions that a model on this machine reads at once
_REPORTS = 20  # progress events of one round


@dataclass(frozen=True)
class Question:
    """What is asked, and of which form the answer has to be."""

    text: str
    form: Literal["number", "letter"]


@dataclass(frozen=True)
class Reply:
    """What came of a question: `found` is None where the judge could not be read, or not be reached, as `error` says.

    Tokens are those of both tries; None where the server does not count.
    """

    found: Rating | str | None
    error: str | None
    input_tokens: int | None
    output_tokens: int | None
    served_as: str | None


def put(questions: Iterable[Question], settings: Settings) -> dict[Question, Reply]:
    """The reply to every distinct question, in their order. Raises ResepError where the judge cannot be used at all."""
    distinct = list(dict.fromkeys(questions))
    ask = _asker(settings)
    replies = dict(zip(distinct, _round(distinct, ask, settings, again=False), strict=True))
    unread = [question for question, reply in replies.items() if reply.found is None and reply.error is None]
    second = _round(unread, ask, settings, again=True)
    replies |= {question: _together(replies[question], reply) for question, reply in zip(unread, second, strict=True)}
    return {question: _told(question, reply) for question, reply in replies.items()}


def _asker(settings: Settings) -> Ask:
    key, name = "evaluation.evaluators.judge", settings.model or ""
    if settings.endpoint is None:
        return partial(ask_locally, read_name(name, key), _child(settings), {"judge": settings.decoding})
    endpoint = Endpoint(settings.endpoint, name, settings.api_key_env)
    answers = open_answers({"url": endpoint.url, "model": name, "judge": settings.decoding})
    return partial(complete_for, key, endpoint, concurrency=settings.concurrency, answers=answers)


def _child(settings: Settings) -> Child:
    options = {"temperature": settings.temperature or 0.0, "max_new_tokens": settings.max_new_tokens}
    return Child("resep.judging_answers.worker", "judge", {**options, "batch_size": _BATCH_SIZE})


def _round(questions: Sequence[Question], ask: Ask, settings: Settings, *, again: bool) -> list[Reply]:
    requests = [_request(question, settings, again) for question in questions]
    replies = []
    for question, answer in zip(questions, ask(requests), strict=True):
        replies.append(_read(question, answer))
        _report(len(replies), len(questions))
    return replies


def _request(question: Question, settings: Settings, again: bool) -> ChatRequest:
    form = NUMBER if question.form == "number" else LETTER
    text = question.text + (REMINDER.format(form=form) if again else "")
    return ChatRequest(as_messages(text), {**settings.decoding, "seed": settings.seed + again})


def _read(question: Question, answer: Answer) -> Reply:
    if answer.error is not None:
        return Reply(None, answer.error, 0, 0, None)
    found = read_rating(answer) if question.form == "number" else read_choice(answer)
    return Reply(found, None, answer.prompt_tokens, answer.output_tokens, answer.model)


def _together(first: Reply, second: Reply) -> Reply:
    tokens = (
        _sum(first.input_tokens, second.input_tokens),
        _sum(first.output_tokens, second.output_tokens),
    )
    return Reply(second.found, second.error, *tokens, second.served_as or first.served_as)


def _told(question: Question, reply: Reply) -> Reply:
    if reply.found is not None or reply.error is not None:
        return reply
    form = NUMBER if question.form == "number" else LETTER
    return replace(reply, error=f"the judge did not write {form}, not even when asked again")


def _sum(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other


def _report(done: int, total: int) -> None:
    if EVENTS in os.environ and (done == total or done % max(1, total // _REPORTS) == 0):
        emit("progress", done=done, total=total, unit="questions", task="judge")
