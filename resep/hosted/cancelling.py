"""End a job at a service: found as a run that was interrupted finds it."""

from __future__ import annotations

from resep.errors import ResepError
from resep.hosted.client import in_words, opened
from resep.hosted.following import ENDED
from resep.hosted.jobs import job_of
from resep.hosted.service import Service
from resep.store import Decision, Store


def cancel(service: Service, training: Decision, store: Store) -> str:
    """Cancel the job of a stage `train`, and say what became of it. Raises ResepError where there is none."""
    if training.key is None:
        raise ResepError("nothing was started for this recipe as it is now: its rows are not prepared")
    if training.reuse:
        return "there is nothing to cancel: this training is finished, and its model is there"
    folder = store.folder(training.stage, training.key).with_suffix(".partial")
    with opened(service) as client:
        from openai import APIError

        try:
            job = job_of(client, folder, training.key)
            if job is None:
                return f"there is nothing to cancel: {service.name} has no running job for this recipe as it is now"
            if job.status in ENDED:
                return f"there is nothing to cancel: {job.id} has {job.status} already"
            cancelled = client.fine_tuning.jobs.cancel(job.id)
        except APIError as error:
            raise ResepError(f"the job was not cancelled: {in_words(error, service, quoted=True)}") from error
    return f"{cancelled.id}: {cancelled.status}"
