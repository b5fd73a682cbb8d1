"""One job for one training: noted, found again, started, and never started twice.

A job carries the key of its stage (what it is trained on and how, as a digest) in its metadata. A run that was killed
between asking for a job and noting it finds it by that, and so does another machine with the same recipe and rows. The
request that starts a job is never repeated before it was looked whether the first one has arrived.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resep.digests import read_json_or_nothing, write_json
from resep.errors import ResepError
from resep.hosted.client import in_words, is_passing
from resep.hosted.service import Service

if TYPE_CHECKING:
    from openai import OpenAI
    from openai.types.fine_tuning import FineTuningJob

NOTES = "notes.json"  # in the stage's folder: the ids of the uploaded files, and of the job
MARK = "resep"  # the key of the metadata that holds the stage's key
LOST = ("failed", "cancelled")
_LISTED = 1000  # jobs of an account that are looked through, the newest first
_WAITS_S = (2.0, 5.0, 15.0, 30.0)  # before a start whose answer did not come is looked for, and then repeated

Body = Mapping[str, Any]


def noted(folder: Path) -> dict[str, Any]:
    """What an earlier attempt noted in this folder."""
    return read_json_or_nothing(folder / NOTES)


def note(folder: Path, **ids: str) -> None:
    """Keep ids of the service's, besides those that are noted already."""
    write_json(folder / NOTES, {**noted(folder), **ids})


def job_of(client: OpenAI, folder: Path, key: str) -> FineTuningJob | None:
    """The job of this training that runs or has succeeded: by the notes in the folder, else by its mark. Else None."""
    from openai import NotFoundError

    if known := noted(folder).get("job"):
        try:
            job = client.fine_tuning.jobs.retrieve(known)
        except NotFoundError:
            job = None  # another account's, or deleted there
        if job and job.status not in LOST:
            return job
    return find(client, key)


def find(client: OpenAI, key: str) -> FineTuningJob | None:
    """The newest job with this mark that was neither lost nor cancelled. Not every service filters: we do."""
    jobs = client.fine_tuning.jobs.list(limit=100, metadata={MARK: key})
    for job in islice(jobs, _LISTED):
        if (job.metadata or {}).get(MARK) == key and job.status not in LOST:
            return job
    return None


def start(client: OpenAI, service: Service, body: Body, key: str, sleep: Callable[[float], None] = time.sleep) -> str:
    """Start a job and return its id. Raises ResepError where the service refuses it, or stays away."""
    from openai import APIError

    once = client.with_options(max_retries=0)
    for wait_s in (*_WAITS_S, None):
        try:
            return str(once.fine_tuning.jobs.create(**body, metadata={MARK: key}).id)
        except APIError as error:
            if wait_s is None or not is_passing(error):
                raise ResepError(f"the job was not started: {in_words(error, service, quoted=True)}") from error
        sleep(wait_s)
        if job := find(client, key):
            return job.id
    raise AssertionError("the last attempt returns or raises")
