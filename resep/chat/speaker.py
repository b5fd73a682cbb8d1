"""The model of a run in a child process, asked through pipes: its answers come as they are made, and can be stopped."""

from __future__ import annotations

import json
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from resep.chat.conversation import Turns
from resep.errors import ResepError, StageError
from resep.hardware import detect
from resep.predicting import trained_files
from resep.predicting.opening import OpenedRun
from resep.process import explain, tail, talking
from resep.stages.generate import decoding_options, ground_of
from resep.stages.generate.arms import Arm
from resep.stages.language_models.request import ArmModels

NAME = "chat"


@dataclass(frozen=True)
class Said:
    """A whole answer, and how it ended: `stop`, `length`, or `interrupted`.

    Seconds are counted from the question; `first_s`, to the first token, is None where not one came.
    """

    text: str
    finish_reason: str
    tokens: int
    first_s: float | None
    seconds: float


@dataclass
class Speaker:
    """A running child. `loading_s` is how long its models took to load; `count`, the questions so far."""

    child: subprocess.Popen[bytes]
    log: Path
    lines: queue.Queue[bytes | None] = field(default_factory=queue.Queue)
    count: int = 0
    loading_s: float = 0.0

    def answer(self, arm: str, messages: Turns) -> Iterator[str | Said]:
        """The pieces of the answer as they come, and how it ended. Raises ResepError for what cannot be asked."""
        self.count += 1
        self._send({"ask": self.count, "arm": arm, "messages": [vars(message) for message in messages]})
        yield from self._heard()

    def interrupt(self) -> Iterator[str | Said]:
        """Stop the answer that is under way: what is left of it to hear."""
        self._send({"stop": self.count})
        yield from self._heard()

    def _heard(self) -> Iterator[str | Said]:
        while True:
            event = self.next_event()
            if event["event"] == "text":
                yield event["text"]
            elif event["event"] == "said":
                yield Said(**{key: value for key, value in event.items() if key != "event"})
                return

    def next_event(self) -> Mapping[str, Any]:
        """The next thing that the child says. Raises ResepError for a refusal, StageError where it has ended."""
        line = self.lines.get()
        if line is None:
            self.child.wait()
            raise StageError(NAME, explain(self.child.returncode, tail(self.log)), self.log)
        event: Mapping[str, Any] = json.loads(line)
        if event["event"] == "refused":
            raise ResepError(event["message"])
        return event

    def _send(self, message: Mapping[str, Any]) -> None:
        assert self.child.stdin is not None
        try:
            self.child.stdin.write(json.dumps(message).encode() + b"\n")
            self.child.stdin.flush()
        except BrokenPipeError:
            return  # the child has ended: why is told where its next word is waited for


@contextmanager
def speaking(run: OpenedRun, arms: Mapping[str, Arm]) -> Iterator[Speaker]:
    """The models behind these arms, loaded, as long as the block lasts. The log stays where the child failed."""
    for name, arm in arms.items():
        if arm.server:
            raise ResepError(f"{name} is answered by a server: chat talks to models on this machine; see resep predict")
    profile = detect(run.recipe["compute.profile"])
    ground = ground_of(run.recipe, profile, run.model)
    if any(arm.weights == "tuned" for arm in arms.values()):
        trained_files(run, ground)
    models = ArmModels(arms, ground)
    request = {
        **models.request({"train": run.folder}),
        "decoding": decoding_options(run.recipe),
        "seed": run.recipe["seed"],
    }
    command = [sys.executable, "-m", "resep.chat.worker"]
    with (
        _work_folder() as folder,
        talking(command, folder=folder, request=request, environment=profile.environment) as child,
    ):
        assert child.stdout is not None
        speaker = Speaker(child, folder / "log.txt")
        threading.Thread(target=_listen, args=(child.stdout, speaker.lines), daemon=True).start()
        speaker.loading_s = speaker.next_event()["seconds"]
        yield speaker


@contextmanager
def _work_folder() -> Iterator[Path]:
    """A folder that is gone afterwards, but for the log of a child that failed."""
    folder = Path(tempfile.mkdtemp(prefix="resep-chat-"))
    try:
        yield folder
    except StageError:
        raise
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(folder, ignore_errors=True)


def _listen(pipe: IO[bytes], lines: queue.Queue[bytes | None]) -> None:
    """A thread of its own: an interruption must not tear a line that is being read."""
    for line in pipe:
        lines.put(line)
    lines.put(None)
