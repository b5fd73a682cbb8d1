"""All due instances of a kind in one child process: what is heavy is loaded once, each task is committed by itself."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from resep.process import follow
from resep.store import Emit, Task


def run_in_one_child(
    worker: str,
    request: Mapping[str, Any],
    tasks: Sequence[Task],
    emit: Emit,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Task]:
    """Run the module `worker` on the request and yield each task when the child reports it as `done`.

    The child lives in the folder of the last task, which is yielded after it has ended: a folder that is yielded is
    renamed, and would take the log along. The request names the tasks in the same order.
    """
    by_name = {task.name: task for task in tasks}
    home = tasks[-1]
    command = [sys.executable, "-m", worker]
    kind = home.name.partition(":")[0]
    for event in follow(command, name=kind, folder=home.out, request=request, environment=environment):
        if event["event"] != "done":
            emit(event)
        elif event["task"] != home.name:
            yield by_name[event["task"]]
    yield home
