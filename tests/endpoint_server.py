"""A small server with the API of OpenAI, for tests: it answers as it is told to, and fails as it is told to.

    with serving(faults=[Fault(429, retry_after="0.01")]) as server:
        ...  Endpoint(server.url, "tiny") ...
        assert len(server.asked) == 2

Its address is one that the person of the test has agreed to send rows to.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from resep.endpoints import Endpoint
from resep.endpoints.consent import agree

Body = dict[str, Any]


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one request: a status, or 200 with `raw` bytes, cut off, or no answer at all."""

    status: int = 200
    retry_after: str | None = None
    error: Mapping[str, Any] = field(default_factory=dict)
    raw: bytes | None = None
    promised: int | None = None  # a Content-Length that is not kept
    is_dropped: bool = False
    location: str | None = None


@dataclass
class Server:
    """What a test tells the server, and what it learns from it. `asked` are the bodies in the order of arrival."""

    url: str
    say: Callable[[Body], str]
    faults: Iterator[Fault | None]
    delay_s: float = 0.0
    key: str | None = None
    models: tuple[str, ...] = ("tiny",)
    dies_after: int | None = None
    reports_usage: bool = True
    asked: list[Body] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    answered: int = 0
    connections: int = 0
    at_once: int = 0
    most_at_once: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def endpoint(self, **options: Any) -> Endpoint:
        """This server, asked with little patience."""
        patience = {"first_wait_s": 0.001, "timeout_s": 5.0, "patience_s": 5.0}
        return Endpoint(self.url, **{"model": "tiny", **patience, **options})

    @property
    def is_dead(self) -> bool:
        return self.dies_after is not None and self.answered >= self.dies_after


@contextmanager
def serving(
    say: Callable[[Body], str] | str = "Good.", faults: Iterable[Fault | None] = (), **options: Any
) -> Iterator[Server]:
    """A server on this machine until the block ends. `faults` are spent one by one, None for a good answer."""
    speak = (lambda body: say) if isinstance(say, str) else say  # noqa: ARG005
    server = Server("", speak, iter(faults), **options)
    listening = _Listening(("127.0.0.1", 0), _Handler)
    listening.told = server
    server.url = f"http://127.0.0.1:{listening.server_port}/v1"
    agree(server.url)
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.005}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        listening.shutdown()
        listening.server_close()
        thread.join()


class _Listening(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 512
    told: Server

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that broke off is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Listening

    def setup(self) -> None:
        with self.server.told.lock:
            self.server.told.connections += 1
        super().setup()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: a test reads `asked`."""

    def do_GET(self) -> None:
        told = self.server.told
        if told.is_dead:
            self._drop()
        elif self.path == "/v1/models":
            self._reply(200, {"object": "list", "data": [{"id": name, "object": "model"} for name in told.models]})
        else:
            self._reply(404, {"detail": "Not Found"})

    def do_POST(self) -> None:
        told = self.server.told
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with told.lock:
            told.at_once += 1
            told.most_at_once = max(told.most_at_once, told.at_once)
            told.asked.append(body)
            told.paths.append(self.path)
            told.headers.append(dict(self.headers.items()))
            told.times.append(time.monotonic())
            fault = next(told.faults, None)
        try:
            if told.delay_s:
                time.sleep(told.delay_s)
            self._fail(fault) if fault else self._answer(body)
        finally:
            with told.lock:
                told.at_once -= 1

    def _answer(self, body: Body) -> None:
        told = self.server.told
        if told.is_dead:
            return self._drop()
        if told.key and self.headers.get("Authorization") != f"Bearer {told.key}":
            return self._reply(401, _error("invalid_request_error", "invalid_api_key", body))
        if urlsplit(self.path).path not in ("/v1/chat/completions", "/v1/completions"):
            return self._reply(404, {"detail": "Not Found"})
        if body["model"] not in told.models:
            return self._reply(404, _error("invalid_request_error", "model_not_found", body))
        with told.lock:
            told.answered += 1
        return self._reply(200, completion(body, told.say(body), told.reports_usage))

    def _fail(self, fault: Fault) -> None:
        if fault.is_dropped:
            return self._drop()
        raw = fault.raw if fault.raw is not None else json.dumps({"error": fault.error}).encode()
        extra = {"Retry-After": fault.retry_after, "Location": fault.location}
        return self._send(fault.status, raw, fault.promised, {k: v for k, v in extra.items() if v is not None})

    def _drop(self) -> None:
        self.close_connection = True

    def _reply(self, status: int, body: Any) -> None:
        self._send(status, json.dumps(body).encode(), None, {})

    def _send(self, status: int, raw: bytes, promised: int | None, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(raw) if promised is None else promised))
        self.end_headers()
        self.wfile.write(raw)
        if promised is not None:
            self._drop()


def completion(body: Body, text: str, reports_usage: bool = True) -> Body:
    """The JSON of an answer; tokens are words."""
    asked = body.get("prompt") or " ".join(message["content"] for message in body["messages"])
    words = text.split()
    usage = {"prompt_tokens": len(asked.split()), "completion_tokens": len(words), "total_tokens": 0}
    chat: Body = {"message": {"role": "assistant", "content": text}} if "messages" in body else {"text": text}
    if body.get("logprobs"):
        chat["logprobs"] = _logprobs(words, "messages" in body)
    whole = {"id": "1", "model": f"{body['model']}-2026", "choices": [{"index": 0, "finish_reason": "stop", **chat}]}
    return {**whole, "usage": usage} if reports_usage else whole


def _logprobs(words: list[str], is_chat: bool) -> Body:
    if is_chat:
        tops = [{"token": "Good.", "logprob": -0.1}, {"token": "Bad.", "logprob": -2.5}]
        return {"content": [{"token": word, "logprob": -0.1, "top_logprobs": tops} for word in words]}
    return {"tokens": words, "token_logprobs": [None] + [-0.5] * (len(words) - 1), "top_logprobs": None}


def _error(kind: str, code: str, body: Body) -> Body:
    """As real servers do, the message quotes the request: it must not reach a log."""
    return {"error": {"type": kind, "code": code, "param": None, "message": f"cannot serve {json.dumps(body)}"}}
