"""An OpenAI-compatible server as an arm, a judge or an augmenter: the only HTTP client.

    answers = complete(Endpoint("http://localhost:8000/v1", "my-model"), requests, concurrency=64, answers=kept)

One answer per request, in the order of the requests, however many are on their way at once. A request that fails for
good is an Answer with `error`; a server that cannot be used ends the call with an EndpointError, and what was answered
until then is in `answers`. Nothing is sent to a server that the person has not agreed to (consent.py), no redirect is
followed, and no request, no answer and no server's own words stand in a log or a message: rows are private.

records.py requests and answers; connection.py one connection; judging.py what a
failure means; asking.py one request until it is answered; crew.py many at once; cache.py answers on disk.

Threads and http.client, not asyncio and a library: an answer takes seconds and a thread next to nothing of them, and
evaluators and steps stay plain functions.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future

from resep.endpoints.asking import Shared
from resep.endpoints.cache import Answers, answers_in, open_answers
from resep.endpoints.consent import api_key, require_agreement
from resep.endpoints.crew import Crew
from resep.endpoints.models import model_names
from resep.endpoints.records import Answer, ChatRequest, Endpoint, EndpointError, Token
from resep.errors import ResepError

__all__ = [
    "Answer",
    "Answers",
    "ChatRequest",
    "Endpoint",
    "EndpointError",
    "Token",
    "answers_in",
    "complete",
    "complete_for",
    "model_names",
    "open_answers",
]

MOST_AT_ONCE = 1024
_AHEAD = 4  # requests per thread that may be answered before an earlier one is


def complete(
    endpoint: Endpoint, requests: Iterable[ChatRequest], *, concurrency: int = 8, answers: Answers | None = None
) -> Iterator[Answer]:
    """The answer to every request, in order, at most `concurrency` of them on their way at any time.

    `requests` are drawn as they are needed. Those that `answers` knows are not sent; every new answer is added to it
    as it comes. Raises EndpointError where the server cannot be used, or was not agreed to.
    """
    if not 1 <= concurrency <= MOST_AT_ONCE:
        raise EndpointError(f"concurrency is from 1 to {MOST_AT_ONCE}, not {concurrency}")
    require_agreement(endpoint)
    shared = Shared(endpoint, api_key(endpoint), answered=len(answers or ()))
    crew = Crew(shared, answers, concurrency)
    waiting: deque[Future[Answer]] = deque()
    try:
        for request in requests:
            waiting.append(crew.take(request))
            while len(waiting) >= concurrency * _AHEAD or (waiting and waiting[0].done()):
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        crew.dismiss()


def complete_for(
    key: str, endpoint: Endpoint, requests: Iterable[ChatRequest], *, concurrency: int, answers: Answers
) -> Iterator[Answer]:
    """`complete` for what stands at a key of a recipe: its error names the key, and how many answers are kept."""
    before = len(answers)
    try:
        yield from complete(endpoint, requests, concurrency=concurrency, answers=answers)
    except EndpointError as error:
        new = len(answers) - before
        kept = f"; {new} answers that came before are kept, the same command goes on after them" if new else ""
        raise ResepError(f"{key}: {error}{kept}") from error
