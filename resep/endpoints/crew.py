"""The threads of one call: so many requests are on their way at once, and an interruption ends them all."""

from __future__ import annotations

import queue
import threading
from concurrent.futures import Future
from dataclasses import dataclass, field

from resep.address import read_address
from resep.endpoints.asking import MissingError, Shared, StoppedError, ask
from resep.endpoints.cache import Answers
from resep.endpoints.connection import Connection
from resep.endpoints.models import model_names
from resep.endpoints.records import Answer, ChatRequest, EndpointError
from resep.errors import ResepError
from resep.suggest import did_you_mean

_FAREWELL_S = 2.0


@dataclass
class Crew:
    """The threads of one call, each with a connection of its own. They are started as requests come."""

    shared: Shared
    answers: Answers | None
    most: int
    todo: queue.SimpleQueue[tuple[Future[Answer], ChatRequest] | None] = field(default_factory=queue.SimpleQueue)
    threads: list[threading.Thread] = field(default_factory=list)
    connections: list[Connection] = field(default_factory=list)
    failure: EndpointError | None = None

    def take(self, request: ChatRequest) -> Future[Answer]:
        """The future answer of a request, which is here already if it is known."""
        future: Future[Answer] = Future()
        known = None if self.answers is None else self.answers.get(request.digest(self.shared.endpoint.model))
        if known:
            future.set_result(known)
            return future
        self.todo.put((future, request))
        if len(self.threads) < self.most:
            self._hire()
        return future

    def dismiss(self) -> None:
        """End every thread: what is under way is broken off. Waits a moment, and never for a server."""
        self.shared.ended.set()
        for connection in self.connections:
            connection.abort()
        for _ in self.threads:
            self.todo.put(None)
        for thread in self.threads:
            thread.join(_FAREWELL_S / len(self.threads))

    def _hire(self) -> None:
        endpoint = self.shared.endpoint
        connection = Connection(read_address(endpoint.url), endpoint.connect_timeout_s, endpoint.timeout_s)
        # A daemon: one that still waits for a name server must not keep an interrupted run from ending.
        name = f"resep-endpoint-{len(self.threads)}"
        thread = threading.Thread(target=self._work, args=(connection,), daemon=True, name=name)
        self.connections.append(connection)
        self.threads.append(thread)
        thread.start()

    def _work(self, connection: Connection) -> None:
        while job := self.todo.get():
            future, request = job
            try:
                future.set_result(self._answer(connection, request))
            except EndpointError as error:
                self.failure = self.failure or _with_models(error, self.shared)
                self.shared.ended.set()
                future.set_exception(self.failure)
            except StoppedError:
                future.set_exception(self.failure or EndpointError("the call has ended"))
            except BaseException as error:  # noqa: BLE001  raised again where the answer is waited for
                future.set_exception(error)
        connection.close()

    def _answer(self, connection: Connection, request: ChatRequest) -> Answer:
        answer = ask(self.shared, connection, request)
        if self.answers is not None:
            self.answers.add(request.digest(self.shared.endpoint.model), answer)
        return answer


def _with_models(error: EndpointError, shared: Shared) -> EndpointError:
    """The error, with the names of the models where it speaks of one that there is not."""
    if not isinstance(error, MissingError):
        return error
    endpoint = shared.endpoint
    try:
        names = model_names(endpoint)
    except ResepError:
        names = None
    if names is None:
        return EndpointError(f"{error}; it lists no models there: an address usually ends in /v1")
    hint = did_you_mean(endpoint.model, names) or f"; it has {', '.join(names[:10]) or 'none'}"
    return EndpointError(f"{error}{hint}")
