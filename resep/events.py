"""The child's side of a child process: read the request, report events, end when the parent ends.

Standard library only: Axolotl's process and the workers import it before anything heavy. Events go to a file of their
own because libraries write what they like to standard output.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, TextIO

from resep.errors import ResepError

REQUEST, EVENTS = "RESEP_REQUEST", "RESEP_EVENTS"


def work(job: Callable[[Mapping[str, Any]], None]) -> None:
    """Run a worker's job on its request; a ResepError becomes an `error` event and exit code 1."""
    end_with_parent()
    try:
        job(json.loads(Path(os.environ[REQUEST]).read_text(encoding="utf-8")))
    except ResepError as error:
        emit("error", message=str(error))
        sys.exit(1)


def emit(event: str, **fields: Any) -> None:
    """Report one event to the parent: begin, progress, metric, warning, error, done or end."""
    file = _events_file()
    file.write(json.dumps({"event": event, **fields}, ensure_ascii=False) + "\n")
    file.flush()


def end_with_parent() -> None:
    """Kill this process group when standard input closes, which it does when the parent dies, however it dies."""
    threading.Thread(target=_wait_for_end_of_input, daemon=True).start()


@cache
def _events_file() -> TextIO:
    # Opened once: the folder may be renamed (committed) while the child still works for another task.
    return Path(os.environ[EVENTS]).open("a", encoding="utf-8")


def _wait_for_end_of_input() -> None:
    while os.read(0, 1):
        pass
    os.killpg(os.getpgid(0), signal.SIGKILL)
