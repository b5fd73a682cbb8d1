"""Follow a job until it ends: status, events and losses as they come, through dropped connections."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resep.errors import ResepError
from resep.hosted.client import in_words, is_passing
from resep.hosted.curve import figures, hyperparameters
from resep.hosted.service import Service
from resep.store import Emit

if TYPE_CHECKING:
    from openai import OpenAI
    from openai.types.fine_tuning import FineTuningJob, FineTuningJobEvent

EVENTS = "events.jsonl"  # in the stage's folder: every event of the job, the oldest first
ENDED = ("succeeded", "failed", "cancelled")
_FIRST_WAIT_S, _LONGEST_WAIT_S, _GROWTH = 0.5, 20.0, 1.5  # between two questions: a mistake is told within seconds
_PATIENCE_S = 1800.0  # without any answer
_LONGEST = 300  # characters of an event that are shown
_PAGE = 100


@dataclass
class Follower:
    """What is known of the job so far, in the stage's `folder` and here."""

    client: OpenAI
    service: Service
    folder: Path
    emit: Emit
    sleep: Callable[[float], None] = time.sleep
    seen: set[str] = field(default_factory=set)
    status: str = ""
    chosen: dict[str, Any] = field(default_factory=dict)

    def follow(self, job_id: str) -> FineTuningJob:
        """The job when it has ended, however it did. Raises ResepError where the service stays away."""
        from openai import APIError

        known = list(events_in(self.folder))
        write_lines(self.folder / EVENTS, known)  # without the half line that a kill may have left
        self.seen = {_id(event) for event in known}
        wait_s, heard = _FIRST_WAIT_S, time.monotonic()
        while True:
            try:
                job = self._look(job_id)
                heard = time.monotonic()
                if job.status in ENDED:
                    return job
            except APIError as error:
                self._bear(error, job_id, time.monotonic() - heard)
            self.sleep(wait_s)
            wait_s = min(wait_s * _GROWTH, _LONGEST_WAIT_S)

    def _look(self, job_id: str) -> FineTuningJob:
        job = self.client.fine_tuning.jobs.retrieve(job_id)
        new = self._news(job_id)  # asked for after the status: what came before the end is among them
        with (self.folder / EVENTS).open("a", encoding="utf-8") as file:
            for event in new:
                file.write(json.dumps(event.to_dict(mode="json")) + "\n")
                file.flush()
                self._tell(event)
        if job.status != self.status:
            self.emit({"event": "note", "message": f"{job.id}: {job.status}"})
            self.status = job.status
        chosen = hyperparameters(job)
        if chosen != self.chosen and "auto" not in chosen.values():
            words = ", ".join(f"{name} {value}" for name, value in chosen.items())
            self.emit({"event": "note", "message": f"trained with {words}"})
            self.chosen = chosen
        return job

    def _news(self, job_id: str) -> list[FineTuningJobEvent]:
        """The events that were not seen yet, the oldest first. The service lists the newest first, page by page."""
        new = []
        for event in self.client.fine_tuning.jobs.list_events(job_id, limit=_PAGE):
            if _id(event.to_dict(mode="json")) in self.seen:
                break
            new.append(event)
        self.seen.update(_id(event.to_dict(mode="json")) for event in new)
        return new[::-1]

    def _tell(self, event: FineTuningJobEvent) -> None:
        if found := figures(event.to_dict(mode="json")):
            self.emit({"event": "metric", **found})
            if total := found.get("planned_steps"):
                self.emit({"event": "progress", "done": found["step"], "total": total, "unit": "steps"})
            return
        kind = "warning" if event.level != "info" else "note"
        self.emit({"event": kind, "message": str(event.message or "")[:_LONGEST]})

    def _bear(self, error: Any, job_id: str, silent_s: float) -> None:
        """Go on where the trouble may pass; the job does not mind whether anybody looks."""
        words = in_words(error, self.service, quoted=True)
        if not is_passing(error) or silent_s > _PATIENCE_S:
            raise ResepError(
                f"the job {job_id} cannot be followed: {words}. It goes on there, and the same command follows it again"
            ) from error
        self.emit({"event": "warning", "message": f"{words}: trying on, the job goes on there"})


def _id(event: Mapping[str, Any]) -> str:
    """What tells events apart, also at a service that does not number them."""
    return str(event.get("id") or [event.get("created_at"), event.get("message")])


def write_lines(file: Path, records: Iterable[Mapping[str, Any]]) -> None:
    """One JSON object per line."""
    file.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")


def events_in(folder: Path) -> Iterator[Mapping[str, Any]]:
    """The events that were written so far; half a line is what a kill may leave."""
    file = folder / EVENTS
    if file.exists():
        with file.open(encoding="utf-8") as lines:
            yield from (json.loads(line) for line in lines if line.endswith("\n"))
