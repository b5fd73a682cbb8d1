"""One request until it is answered: tries, waiting between them, and when to give up.

What all requests of a call have to know of one another stands in Shared: a server that asks for time is left alone by
all of them, and failures that follow one another without an answer between them end the call.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from resep.address import read_address
from resep.endpoints.connection import Connection, DroppedError, Reply, UnreachableError, UntrustedError
from resep.endpoints.judging import Failure, judge, refused_parameter
from resep.endpoints.records import Answer, ChatRequest, Endpoint, EndpointError, read_answer

_LONGEST_WAIT_S = 60.0
_TRIES_BEFORE_FIRST_ANSWER = 3  # a server that is not there, or spelt wrongly, is told within seconds
_MOST_IN_A_ROW = 3


class MissingError(EndpointError):
    """The server has no such model, or nothing at this address."""


class StoppedError(Exception):
    """The call is over: another request failed for all, or the person interrupted."""


@dataclass
class Shared:
    """What the requests of one call share. `answered` counts answers, `in_a_row` failed requests since the last one."""

    endpoint: Endpoint
    key: str | None
    answered: int = 0
    in_a_row: int = 0
    quiet_until: float = 0.0  # nobody sends before this time (monotonic seconds)
    renamed: dict[str, str] = field(default_factory=dict)  # options that this server knows under another name
    ended: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def succeed(self) -> None:
        with self.lock:
            self.answered += 1
            self.in_a_row = 0

    def fail(self) -> bool:
        """Count a failed request, and say whether so many in a row mean that no other will be answered either."""
        with self.lock:
            self.in_a_row += 1
            return self.in_a_row >= _MOST_IN_A_ROW


def ask(shared: Shared, connection: Connection, request: ChatRequest) -> Answer:
    """The answer to one request, or an Answer with `error` where this request alone cannot be answered.

    Raises EndpointError where no request would be, and StoppedError where the call has ended meanwhile.
    """
    started, tries = time.monotonic(), 0
    while True:
        _be_quiet(shared)
        tries += 1
        outcome = _try(shared, connection, request)
        if isinstance(outcome, Answer):
            shared.succeed()
            return replace(outcome, tries=tries)
        if outcome.kind == "missing":
            raise MissingError(str(_error(shared, outcome.message)))
        if outcome.kind == "all":
            raise _error(shared, outcome.message)
        wait_s = _wait_s(shared.endpoint, tries, outcome)
        is_over = time.monotonic() + wait_s - started > shared.endpoint.patience_s
        if outcome.kind == "own" or is_over or tries >= _most_tries(shared, outcome):
            return _give_up(shared, outcome, tries)
        _wait(shared, outcome, wait_s)


def get(endpoint: Endpoint, key: str | None, path: str) -> Reply | None:
    """What the server says of itself at a path, or None where it says nothing."""
    address = read_address(endpoint.url)
    connection = Connection(address, endpoint.connect_timeout_s, min(endpoint.timeout_s, 30.0))
    try:
        return connection.exchange("GET", address.path + path, headers(key))
    except (UnreachableError, DroppedError, UntrustedError):
        return None
    finally:
        connection.close()


def headers(key: str | None) -> dict[str, str]:
    said = {"Content-Type": "application/json", "Accept": "application/json", "User-Agent": "resep"}
    return said | ({"Authorization": f"Bearer {key}"} if key else {})


def _try(shared: Shared, connection: Connection, request: ChatRequest) -> Answer | Failure:
    try:
        reply = _send(shared, connection, request)
        if (name := refused_parameter(reply)) == "max_tokens" and name not in shared.renamed:
            shared.renamed[name] = "max_completion_tokens"  # as OpenAI's newer models want it
            reply = _send(shared, connection, request)
    except UntrustedError as error:
        return Failure("all", str(error))
    except UnreachableError as error:
        return Failure("unreachable", str(error))
    except DroppedError as error:
        if shared.ended.is_set():
            raise StoppedError from error
        return Failure("passing", str(error))
    answer = read_answer(reply.body) if 200 <= reply.status < 300 else None
    return answer or judge(reply, shared.endpoint)


def _send(shared: Shared, connection: Connection, request: ChatRequest) -> Reply:
    path = read_address(shared.endpoint.url).path + request.path
    body = _renamed(request.body(shared.endpoint.model), shared.renamed)
    return connection.exchange("POST", path, headers(shared.key), _encoded(body))


def _renamed(body: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {names.get(key, key): value for key, value in body.items()}


def _encoded(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body).encode()  # escaped to ASCII, so that a lone surrogate travels too


def _most_tries(shared: Shared, failure: Failure) -> float:
    """A server that asks for time gets all the time there is."""
    if failure.kind == "unreachable" and not shared.answered:
        return min(_TRIES_BEFORE_FIRST_ANSWER, shared.endpoint.tries)
    return float("inf") if failure.wait_s is not None else shared.endpoint.tries


def _wait_s(endpoint: Endpoint, tries: int, failure: Failure) -> float:
    """Twice as long after every try, and never two requests at the same moment (full jitter would forget the pause)."""
    longest = min(_LONGEST_WAIT_S, endpoint.first_wait_s * 2.0 ** min(tries - 1, 16))
    own = longest * random.uniform(0.5, 1.0)
    return own if failure.wait_s is None else failure.wait_s + own / 10


def _wait(shared: Shared, failure: Failure, wait_s: float) -> None:
    if failure.wait_s is not None:
        with shared.lock:
            shared.quiet_until = max(shared.quiet_until, time.monotonic() + failure.wait_s)
    if shared.ended.wait(wait_s):
        raise StoppedError


def _be_quiet(shared: Shared) -> None:
    """Wait while the server has asked all for time, each request a little longer than another."""
    while (left := shared.quiet_until - time.monotonic()) > 0:
        if shared.ended.wait(left + random.uniform(0, shared.endpoint.first_wait_s)):
            raise StoppedError
    if shared.ended.is_set():
        raise StoppedError


def _give_up(shared: Shared, failure: Failure, tries: int) -> Answer:
    """The request's own failure, unless it says that the server is gone or wants none of them."""
    times = "once" if tries == 1 else f"{tries} times"
    is_row = shared.fail()
    if failure.kind == "unreachable":
        raise _error(shared, failure.message)
    if is_row and (failure.kind == "passing" or not shared.answered):
        raise _error(
            shared, f"{_MOST_IN_A_ROW} requests in a row failed; of the last, tried {times}: {failure.message}"
        )
    return Answer(error=f"tried {times}: {failure.message}", tries=tries)


def _error(shared: Shared, message: str) -> EndpointError:
    origin = read_address(shared.endpoint.url).origin
    return EndpointError(f"{origin}: {message}")
