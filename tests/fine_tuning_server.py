"""A small server that plays OpenAI's fine-tuning API, for tests: files, jobs, events, and answers of base and tuned.

    with tuning(faults={"POST /fine_tuning/jobs": [Fault(500)]}) as service:
        ...  training.openai.endpoint: service.url ...
        assert len(service.jobs) == 1

A job goes one state on each time somebody looks at it. Faults are spent one by one on the requests to their path, None
for a good answer; `Fault(..., late=True)` does what was asked and then loses the answer. Its address is one that the
person of the test has agreed to send rows to, with the key in OPENAI_API_KEY.

    python -m tests.fine_tuning_server FOLDER     the same as a process of its own; FOLDER/url says where it listens
"""

from __future__ import annotations

import json
import re
import socket
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from resep.endpoints.consent import agree

KEY = "sk-test"
BASE = "gpt-4.1-mini-2025-04-14"
Json = dict[str, Any]
_PAGE = 3
STATES = ("validating_files", "queued", "running", "running", "running", "succeeded")


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one request: a status, or no answer at all."""

    status: int = 500
    error: Mapping[str, Any] = field(default_factory=dict)
    is_dropped: bool = False
    late: bool = False
    location: str | None = None
    page: str | None = None


@dataclass
class Job:
    """A job, the states it still has to go through, and its events, the oldest first."""

    shown: Json
    states: list[str]
    events: list[Json] = field(default_factory=list)


@dataclass
class Service:
    """What a test tells the service, and what it learns from it."""

    url: str = ""
    states: Sequence[str] = STATES
    faults: dict[str, list[Fault | None]] = field(default_factory=dict)
    failure: Json | None = None
    steps: int = 6
    filters: bool = True  # whether jobs are listed by their metadata
    files: dict[str, bytes] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)
    asked: list[tuple[str, Json]] = field(default_factory=list)  # (model, body) of every chat request
    requests: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def job(self) -> Job:
        """The only job."""
        (job,) = self.jobs.values()
        return job


@contextmanager
def tuning(port: int = 0, service: Service | None = None, **options: Any) -> Iterator[Service]:
    """A service on this machine until the block ends: a new one, or one that was here before, on its port."""
    service = service or Service(**options)
    listening = _Listening(("127.0.0.1", port), _Handler)
    listening.service = service
    service.url = f"http://127.0.0.1:{listening.server_port}/v1"
    agree(f"{service.url}=OPENAI_API_KEY")
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.005}, daemon=True)
    thread.start()
    try:
        yield service
    finally:
        listening.shutdown()
        listening.server_close()
        for connection in listening.connections:  # kept alive, they would still be answered
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        thread.join()


class _Listening(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    service: Service

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.connections: list[socket.socket] = []

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that broke off is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Listening

    def setup(self) -> None:
        super().setup()
        self.server.connections.append(self.connection)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: a test reads `requests`."""

    def do_GET(self) -> None:
        self._serve("GET")

    def do_POST(self) -> None:
        self._serve("POST")

    def _serve(self, method: str) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = urlsplit(self.path).path.removeprefix("/v1")
        service = self.server.service
        with service.lock:
            service.requests.append(f"{method} {path}")
            service.headers.append({name.lower(): value for name, value in self.headers.items()})
            fault = _next_fault(service, f"{method} {path}")
            status, reply = (0, None) if fault and not fault.late else self._answer(method, path, raw)
        if fault is None:
            self._reply(status, reply)
        elif fault.is_dropped:
            self.close_connection = True
        elif fault.page is not None:
            self._reply(200, fault.page, {"Content-Type": "text/html"})
        else:
            more = {"Location": fault.location, "Retry-After-Ms": "1"}
            self._reply(fault.status, {"error": dict(fault.error)}, {k: v for k, v in more.items() if v is not None})

    def _answer(self, method: str, path: str, raw: bytes) -> tuple[int, Any]:
        if self.headers.get("Authorization") != f"Bearer {KEY}":
            return 401, {
                "error": {"message": f"bad key {self.headers.get('Authorization')}", "code": "invalid_api_key"}
            }
        service = self.server.service
        if (method, path) == ("POST", "/files"):
            return 200, _upload(service, self.headers["Content-Type"], raw)
        if (method, path) == ("POST", "/fine_tuning/jobs"):
            return _create(service, json.loads(raw))
        if (method, path) == ("GET", "/fine_tuning/jobs"):
            return 200, _listed(service, parse_qs(urlsplit(self.path).query))
        if (method, path) == ("POST", "/chat/completions"):
            return _chat(service, json.loads(raw))
        if found := re.fullmatch(r"/files/([\w-]+)", path):
            known = found[1] in service.files
            return (200, _file(service, found[1])) if known else (404, {"error": {"message": "No such file"}})
        if found := re.fullmatch(r"/fine_tuning/jobs/([\w-]+)(/\w+)?", path):
            return _of_job(service, found[1], found[2] or "", parse_qs(urlsplit(self.path).query))
        return 404, {"error": {"message": "Not Found"}}

    def _reply(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
        raw = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)


def _next_fault(service: Service, request: str) -> Fault | None:
    """The next fault for requests that begin so."""
    for path, faults in service.faults.items():
        if re.fullmatch(path, request) and faults:
            return faults.pop(0)
    return None


def _upload(service: Service, content_type: str, raw: bytes) -> Json:
    message = BytesParser().parsebytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + raw)
    parts = {part.get_param("name", header="content-disposition"): part for part in message.get_payload()}  # type: ignore[union-attr]
    assert parts["purpose"].get_payload() == "fine-tune"  # type: ignore[union-attr]
    file_id = f"file-{len(service.files) + 1}"
    service.files[file_id] = parts["file"].get_payload(decode=True)  # type: ignore[union-attr,assignment]
    return _file(service, file_id)


def _file(service: Service, file_id: str) -> Json:
    size = len(service.files[file_id])
    return {
        **{"id": file_id, "object": "file", "bytes": size, "created_at": 1, "filename": "rows.jsonl"},
        **{"purpose": "fine-tune", "status": "processed"},
    }


def _create(service: Service, body: Json) -> tuple[int, Any]:
    for name in ("training_file", "validation_file"):
        if name in body and body[name] not in service.files:
            return 400, {"error": {"message": f"{body[name]} does not exist", "param": name, "code": "invalid_file"}}
    job_id = f"ftjob-{len(service.jobs) + 1}"
    given = body["method"]["supervised"]["hyperparameters"]
    knobs = {"n_epochs": "auto", "batch_size": "auto", "learning_rate_multiplier": "auto", **given}
    shown = {
        **{"id": job_id, "object": "fine_tuning.job", "created_at": 1_760_000_000, "error": None},
        **{"fine_tuned_model": None, "finished_at": None, "hyperparameters": knobs, "model": body["model"]},
        **{"organization_id": "org-1", "result_files": [], "seed": body["seed"], "status": service.states[0]},
        **{"trained_tokens": None, "training_file": body["training_file"]},
        **{"validation_file": body.get("validation_file"), "metadata": body.get("metadata")},
        **{"method": {"type": "supervised", "supervised": {"hyperparameters": dict(knobs)}}},
        **{"suffix": body.get("suffix")},
    }
    service.jobs[job_id] = Job(shown, list(service.states))
    _say(service.jobs[job_id], f"Created fine-tuning job: {job_id}")
    return 200, shown


def _listed(service: Service, query: Mapping[str, list[str]]) -> Json:
    wanted = {k[9:-1]: v[0] for k, v in query.items() if k.startswith("metadata[")} if service.filters else {}
    jobs = [job.shown for job in service.jobs.values() if wanted.items() <= (job.shown["metadata"] or {}).items()]
    return _page(jobs[::-1], query)


def _of_job(service: Service, job_id: str, what: str, query: Mapping[str, list[str]]) -> tuple[int, Any]:
    if job_id not in service.jobs:
        return 404, {"error": {"message": "no such job", "code": "not_found"}}
    job = service.jobs[job_id]
    if what == "/cancel":
        job.shown["status"], job.states = "cancelled", ["cancelled"]
        return 200, job.shown
    if what == "/events":
        return 200, _page(job.events[::-1], query)
    if what == "/checkpoints":
        return 200, _page([_checkpoint(service, job)] if job.shown["status"] == "succeeded" else [], query)
    _go_on(service, job)
    return 200, job.shown


def _page(records: Sequence[Json], query: Mapping[str, list[str]]) -> Json:
    """A few at once, so that every test turns pages."""
    after = query.get("after", [""])[0]
    start = next((at + 1 for at, record in enumerate(records) if record["id"] == after), 0)
    return {"object": "list", "data": records[start : start + _PAGE], "has_more": start + _PAGE < len(records)}


def _go_on(service: Service, job: Job) -> None:
    state = job.states.pop(0) if len(job.states) > 1 else job.states[0]
    shown, before = job.shown, job.shown["status"]
    shown["status"] = state
    if state == "running":
        chosen = {"n_epochs": 1, "batch_size": 2, "learning_rate_multiplier": 1.8}
        for knobs in (shown["hyperparameters"], shown["method"]["supervised"]["hyperparameters"]):
            knobs.update({name: chosen[name] for name, value in knobs.items() if value == "auto"})
        _train(job, service.steps)
    if state == "succeeded" and before != state:
        _train(job, service.steps, until=service.steps)
        shown["fine_tuned_model"] = f"ft:{shown['model']}:me:{shown['suffix']}:1"
        shown["trained_tokens"] = 1234
        _say(job, "The job has successfully completed")
    if state == "failed" and before != state:
        shown["error"] = service.failure or {"code": "server_error", "message": "it broke", "param": None}


def _train(job: Job, steps: int, until: int | None = None) -> None:
    done = sum(event["type"] == "metrics" for event in job.events)
    for step in range(done + 1, (until or min(done + 2, steps)) + 1):
        data = {
            "step": step,
            "total_steps": steps,
            "train_loss": 3 - step / steps,
            "valid_loss": 3 - step / (2 * steps),
        }
        data |= {"full_valid_loss": 2.4} if step == steps else {}
        _say(job, f"Step {step}/{steps}: training loss={data['train_loss']:.2f}", data)


def _say(job: Job, message: str, data: Json | None = None) -> None:
    number = len(job.events) + 1
    job.events.append(
        {
            **{"id": f"ftevent-{number}", "object": "fine_tuning.job.event", "created_at": number, "level": "info"},
            **{"message": message, "type": "metrics" if data else "message", "data": data or {}},
        }
    )


def _checkpoint(service: Service, job: Job) -> Json:
    return {
        **{"id": "ftckpt-1", "object": "fine_tuning.job.checkpoint", "created_at": 9, "fine_tuning_job_id": "ftjob-1"},
        **{"fine_tuned_model_checkpoint": f"{job.shown['fine_tuned_model']}:ckpt", "step_number": service.steps},
        "metrics": {"step": service.steps, "full_valid_loss": 2.4},
    }


def _chat(service: Service, body: Json) -> tuple[int, Any]:
    known = {BASE, *(job.shown["fine_tuned_model"] for job in service.jobs.values())}
    if body["model"] not in known:
        return 404, {"error": {"message": "no such model", "code": "model_not_found"}}
    service.asked.append((body["model"], body))
    asked = body["messages"][-1]["content"]
    said = f"1. {asked}\n2. open the app" if body["model"].startswith("ft:") else "I do not know."
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": said}}
    usage = {"prompt_tokens": len(asked.split()), "completion_tokens": len(said.split()), "total_tokens": 0}
    return 200, {"id": "1", "model": body["model"], "choices": [choice], "usage": usage}


def _main(folder: Path) -> None:
    with tuning() as service:
        (folder / "url").write_text(service.url)
        while True:
            time.sleep(60)


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
