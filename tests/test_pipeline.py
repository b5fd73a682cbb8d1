import errno
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from resep import pipeline
from resep.errors import StageError
from resep.store import Emit, Stage, Store, Task


def test_a_full_disk_is_an_explained_failure_of_the_stage(tmp_path: Path) -> None:
    def run(tasks: Sequence[Task], emit: Emit) -> Iterator[Task]:
        del tasks, emit
        raise OSError(errno.ENOSPC, "No space left on device")
        yield

    events: list[Mapping[str, Any]] = []
    with pytest.raises(StageError, match=r"the disk that holds .* is full: free some space") as caught:
        pipeline.run([Stage("prepare", run, {}, outputs=())], Store(tmp_path, "r"), events.append)
    assert caught.value.stage == "prepare"
    assert [event["name"] for event in events] == ["prepare"]
