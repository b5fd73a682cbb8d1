import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from resep.errors import StageError
from resep.process import explain, follow
from tests.processes import is_alive

PYTHON = [sys.executable, "-c"]


def _run(tmp_path: Path, code: str, **more: Any) -> list[Mapping[str, Any]]:
    return list(follow([*PYTHON, code], name="train", folder=tmp_path / "child", **more))


def test_a_child_reads_its_request_and_its_events_arrive_in_order(tmp_path: Path) -> None:
    code = (
        "from resep import events\n"
        "def job(request):\n"
        "    for i in range(request['n']): events.emit('progress', done=i)\n"
        "print('noise on standard output')\n"
        "events.work(job)\n"
    )
    events = _run(tmp_path, code, request={"n": 3})
    assert [event["done"] for event in events] == [0, 1, 2]
    assert "noise" in (tmp_path / "child" / "log.txt").read_text()


def test_an_error_event_is_the_explanation(tmp_path: Path) -> None:
    code = (
        "from resep import events\nfrom resep.errors import ResepError\n"
        "def job(request): raise ResepError('row 7 is too long')\n"
        "events.work(job)\n"
    )
    with pytest.raises(StageError, match="row 7 is too long") as caught:
        _run(tmp_path, code)
    assert caught.value.log == tmp_path / "child" / "log.txt"


def test_a_traceback_is_told_by_its_last_line(tmp_path: Path) -> None:
    with pytest.raises(StageError, match="exit code 1: ValueError: odd weights"):
        _run(tmp_path, "raise ValueError('odd weights')")


def test_a_child_killed_for_memory_is_explained(tmp_path: Path) -> None:
    with pytest.raises(StageError, match="most often because memory ran out"):
        _run(tmp_path, "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")


def test_a_missing_package_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(StageError, match="package no_such_package is not installed"):
        _run(tmp_path, "import no_such_package")


@pytest.mark.parametrize(
    ("log", "words"),
    [
        ("OSError: [Errno 28] No space left on device", "disk is full"),
        ("torch.OutOfMemoryError: CUDA out of memory.", "micro_batch_size"),
        ("RuntimeError: DefaultCPUAllocator: can't allocate memory", "memory ran out"),
    ],
)
def test_known_failures_say_what_to_do(log: str, words: str) -> None:
    assert words in explain(1, log)


def test_a_command_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(StageError, match=r"/no/python cannot be started: No such file or directory"):
        list(follow(["/no/python", "-c", ""], name="train", folder=tmp_path / "child"))


def test_what_an_earlier_attempt_died_of_does_not_explain_the_next(tmp_path: Path) -> None:
    with pytest.raises(StageError, match="the disk is full"):
        _run(tmp_path, "raise OSError(28, 'No space left on device')")
    with pytest.raises(StageError, match="ValueError: odd weights"):
        _run(tmp_path, "raise ValueError('odd weights')")
    assert "No space left" in (tmp_path / "child" / "log.txt").read_text()


def test_an_interrupted_runner_leaves_no_child_behind(tmp_path: Path) -> None:
    events = follow([*PYTHON, _SLEEPER], name="train", folder=tmp_path)
    pid = next(iter(events))["pid"]
    events.close()  # type: ignore[attr-defined]
    assert not is_alive(pid)


def test_a_killed_runner_leaves_no_child_behind(tmp_path: Path) -> None:
    runner = (
        f"from resep.process import follow\nfrom pathlib import Path\nimport sys\n"
        f"for e in follow([sys.executable, '-c', {_SLEEPER!r}], name='t', folder=Path({str(tmp_path)!r})):"
        f" print(e['pid'], flush=True)\n"
    )
    parent = subprocess.Popen([*PYTHON, runner], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    for _ in range(100):
        if not is_alive(pid):
            break
        time.sleep(0.05)
    assert not is_alive(pid)


_SLEEPER = (
    "from resep import events\nimport os, time\n"
    "def job(request):\n    events.emit('begin', pid=os.getpid())\n    time.sleep(60)\n"
    "events.work(job)\n"
)
