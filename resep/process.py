"""Child processes: heavy work runs in one of its own, so that memory comes back and a crash is an explained error.

A child gets a request (a JSON file named by RESEP_REQUEST), reports JSON lines to the file named by RESEP_EVENTS,
prints to a log, and ends when the pipe that is its standard input closes: no orphan trains on.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

from resep.errors import StageError
from resep.events import EVENTS, REQUEST

_POLL_S = 0.05
_GRACE_S = 5.0  # between asking a child to end and killing it
_ATTEMPT = "==== a new attempt ====\n"  # in a log: what stands above it must not explain a later failure
_PACKAGE_ROOT = Path(__file__).resolve().parent.parent

# What a log's last lines mean, and what to do. The first pattern that is found is told.
_EXPLANATIONS: Sequence[tuple[str, str]] = (
    (
        r"custom code which must be executed|requires you to execute the .* file",
        "transformers has no code of its own for this model, and the code that came with it runs only if you say so: "
        "read the model's .py files, then add --trust-remote-code",
    ),
    (r"No space left on device", "the disk is full: free some space, then run the same command again"),
    (
        r"CUDA out of memory|OutOfMemoryError",
        "the GPU ran out of memory: lower training.micro_batch_size, training.sequence_len or generation.batch_size",
    ),
    (r"MemoryError|DefaultCPUAllocator: can't allocate", "memory ran out: lower the batch size or use a smaller model"),
    (
        r"ModuleNotFoundError: No module named '([\w.]+)'",  # libraries also warn of what they can do without
        "the package {0} is not installed here: pip install 'resep[train,eval]' (a clone: make install)",
    ),
)


def follow(
    command: Sequence[str],
    *,
    name: str,
    folder: Path,
    request: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Mapping[str, Any]]:
    """Run `command` in `folder` as its own process group and yield its events as they come.

    Leaves `request.json`, `events.jsonl` and `log.txt` in the folder. Raises StageError(name, ...) when the child
    fails, with the reason that its `error` event or its log gives. An interruption ends the whole group.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "request.json").write_text(json.dumps(request or {}), encoding="utf-8")
    events = folder / "events.jsonl"
    events.write_text("", encoding="utf-8")
    log = folder / "log.txt"
    errors = []
    with events.open(encoding="utf-8") as reader, log.open("ab") as output:
        if output.tell():
            output.write(_ATTEMPT.encode())
            output.flush()
        try:
            child = _start(command, folder, output, environment or {})
        except OSError as error:
            raise StageError(name, f"{command[0]} cannot be started: {error.strerror}") from error
        try:
            for event in _events_until_exit(child, reader):
                if event["event"] == "error":
                    errors.append(str(event["message"]))
                else:
                    yield event
        finally:
            _end(child)
    if child.returncode != 0 or errors:
        raise StageError(name, errors[-1] if errors else explain(child.returncode, tail(log)), log)


@contextmanager
def talking(
    command: Sequence[str],
    *,
    folder: Path,
    request: Mapping[str, Any],
    environment: Mapping[str, str] | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """A child in `folder` to talk with: lines to its standard input, lines from its standard output, as long as the
    block lasts. Leaves `request.json` and `log.txt` in the folder; nothing that is said in between.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "request.json").write_text(json.dumps(request), encoding="utf-8")
    with (folder / "log.txt").open("ab") as log:
        child = _start(command, folder, log, environment or {}, subprocess.PIPE)
        try:
            yield child
        finally:
            _end(child)


def run_child(
    command: Sequence[str],
    *,
    name: str,
    folder: Path,
    emit: Any,
    request: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
) -> None:
    """`follow` for a child whose every event is simply passed on to `emit`."""
    for event in follow(command, name=name, folder=folder, request=request, environment=environment):
        emit(event)


def explain(returncode: int, log_tail: str) -> str:
    """Why a child failed, in words, from its exit code and the end of its log."""
    for pattern, explanation in _EXPLANATIONS:
        found = re.findall(pattern, log_tail)
        if found:
            return explanation.format(found[-1])
    if returncode == -signal.SIGKILL:
        return (
            "it was killed (signal 9), most often because memory ran out: lower the batch size, "
            "use a smaller model, or close other programs; what was finished is kept"
        )
    if returncode < 0:
        return f"it was ended by signal {-returncode} ({signal.Signals(-returncode).name})"
    last = [line.strip() for line in log_tail.splitlines() if line.strip()]
    return f"it ended with exit code {returncode}: {last[-1] if last else 'its log is empty'}"


def tail(log: Path, size: int = 20_000) -> str:
    """The last `size` bytes of a log, those of its last attempt alone, or nothing if there is no log."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - size))
        return file.read().decode("utf-8", "replace").rpartition(_ATTEMPT)[2]


def _start(
    command: Sequence[str], folder: Path, log: Any, environment: Mapping[str, str], output: Any = None
) -> subprocess.Popen[bytes]:
    inherited = os.environ.get("PYTHONPATH")
    variables = {
        # Threads that wait for each other sleep after a moment. Spinning on, as is their custom, they take the cores
        # from those they wait for: beside other work on two cores, a step of training took 5.2 s instead of 3.3.
        "GOMP_SPINCOUNT": "1000",
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, [str(_PACKAGE_ROOT), inherited])),
        "PYTHONUNBUFFERED": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "TQDM_DISABLE": "1",
        REQUEST: str((folder / "request.json").resolve()),
        EVENTS: str((folder / "events.jsonl").resolve()),
        **environment,
    }
    return subprocess.Popen(
        command,
        cwd=folder,
        env=variables,
        stdin=subprocess.PIPE,
        stdout=log if output is None else output,
        stderr=log,
        start_new_session=True,
    )


def _events_until_exit(child: subprocess.Popen[bytes], reader: TextIO) -> Iterator[Mapping[str, Any]]:
    pending = ""
    while True:
        ended = child.poll() is not None  # asked before reading: what was written before the end is still read
        pending += reader.read()
        *lines, pending = pending.split("\n")
        yield from (json.loads(line) for line in lines if line)
        if ended:
            return
        time.sleep(_POLL_S)


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.stdin:
        child.stdin.close()
    if child.poll() is None:
        _signal_group(child, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            child.wait(_GRACE_S)
    _signal_group(child, signal.SIGKILL)  # also what the child itself has started
    child.wait()


def _signal_group(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, number)
