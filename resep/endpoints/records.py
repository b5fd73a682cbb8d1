"""What is asked of a server and what it answers, as values, and how they are written as JSON of the OpenAI API."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from resep.digests import digest_json
from resep.errors import ResepError
from resep.records import Message


class EndpointError(ResepError):
    """A server that cannot be used: not there, not willing, or gone. It is about all requests, not about one."""


@dataclass(frozen=True)
class Endpoint:
    """A server with the API of OpenAI, and how patiently it is asked.

    `url` is the address before `/chat/completions`, such as https://api.openai.com/v1. `api_key_env` names the
    environment variable that holds the key: the key itself stands nowhere. `timeout_s` is for one whole answer,
    `patience_s` for all tries of one request with the waiting between them.
    """

    url: str
    model: str
    api_key_env: str | None = None
    connect_timeout_s: float = 10.0
    timeout_s: float = 300.0
    patience_s: float = 900.0
    tries: int = 6
    first_wait_s: float = 0.5


@dataclass(frozen=True)
class ChatRequest:
    """A conversation to be continued, or a `prompt` as plain text for a server's older /completions.

    `options` go into the request as they are: temperature, max_tokens, seed, stop, logprobs, top_logprobs...
    """

    messages: tuple[Message, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    prompt: str | None = None

    @property
    def path(self) -> str:
        return "/chat/completions" if self.prompt is None else "/completions"

    def body(self, model: str) -> dict[str, Any]:
        """The request's JSON."""
        asked = {"prompt": self.prompt} if self.prompt is not None else {"messages": [vars(m) for m in self.messages]}
        return {"model": model, **asked, **self.options}

    def digest(self, model: str) -> str:
        """What the request is, for a cache: model, texts and options."""
        return digest_json([self.path, self.body(model)])


@dataclass(frozen=True)
class Token:
    """One token of an answer with its log-probability, and those of the likeliest tokens in its place."""

    text: str
    logprob: float
    top: Mapping[str, float]


@dataclass(frozen=True)
class Answer:
    """What came back for one request. With `error` there is no text: this request failed, others did not.

    None stands for what the server did not say. `model` is the server's own name for what answered.
    """

    text: str = ""
    finish_reason: str | None = None
    logprobs: tuple[Token, ...] | None = None
    prompt_tokens: int | None = None
    output_tokens: int | None = None
    model: str | None = None
    tries: int = 1
    cached: bool = False
    error: str | None = None


def read_answer(body: Any) -> Answer | None:
    """The answer in a server's JSON, or None where it is not the JSON of a completion."""
    try:
        choice = body["choices"][0]
        text = choice["message"]["content"] if "message" in choice else choice["text"]
        logprobs = _tokens(choice.get("logprobs"))
    except (KeyError, IndexError, TypeError, ValueError, AttributeError):
        return None
    if not isinstance(text, str | None):
        return None
    usage = body.get("usage") if isinstance(body.get("usage"), dict) else {}
    return Answer(
        text=text or "",
        finish_reason=_text(choice.get("finish_reason")),
        logprobs=logprobs,
        prompt_tokens=_count(usage.get("prompt_tokens")),
        output_tokens=_count(usage.get("completion_tokens")),
        model=_text(body.get("model")),
    )


def _tokens(logprobs: Any) -> tuple[Token, ...] | None:
    """Both spellings: a list under `content` (chat), and lists side by side (plain completions)."""
    if not logprobs:
        return None
    if "content" in logprobs:
        return tuple(
            Token(one["token"], float(one["logprob"]), _top(one.get("top_logprobs") or ()))
            for one in logprobs["content"] or ()
        )
    tops = logprobs.get("top_logprobs") or [{}] * len(logprobs["tokens"])
    columns = zip(logprobs["tokens"], logprobs["token_logprobs"], tops, strict=True)
    return tuple(Token(text, float(value), dict(top or {})) for text, value, top in columns if value is not None)


def _top(tokens: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    return {token["token"]: float(token["logprob"]) for token in tokens}


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
