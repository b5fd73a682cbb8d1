"""The stage `train` at a service: send the rows, start one job, follow it, keep the name of what it made.

Leaves model.json (the tuned model's name), training.jsonl and summary.json; notes.json and events.jsonl beside.
Whatever breaks here, the job goes on there: the next attempt follows it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resep.digests import write_json
from resep.errors import ResepError, StageError
from resep.hosted.client import in_words, opened
from resep.hosted.configuring import JOB
from resep.hosted.curve import curve, hyperparameters, planned_steps, summary
from resep.hosted.following import Follower, events_in, write_lines
from resep.hosted.foreseen import before_sending
from resep.hosted.jobs import job_of, note, noted, start
from resep.hosted.service import FINE_TUNED, Service
from resep.printable import on_one_line
from resep.store import Emit, Stage, Task

if TYPE_CHECKING:
    from openai import OpenAI
    from openai.types.fine_tuning import FineTuningJob

    from resep.recipe import Recipe

_FILES = {"training_file": "train.jsonl", "validation_file": "validation.jsonl"}


def stage(recipe: Recipe, service: Service) -> Stage:
    """Train what `configure` rendered on what `tokenise` left. Its key is what the job is known by."""
    return Stage(
        name="train",
        run=partial(_run, recipe=recipe, service=service),
        config={"model": service.identity},
        outputs=(FINE_TUNED, "training.jsonl", "summary.json"),
        needs={"configure": (JOB,), "tokenise": tuple(_FILES.values())},
    )


def key_of(out: Path) -> str:
    """A stage's key, from the folder it works in (`<key>.partial`)."""
    return out.name.partition(".")[0]


def _run(tasks: Sequence[Task], emit: Emit, *, recipe: Recipe, service: Service) -> Iterator[Task]:
    for task in tasks:
        with opened(service) as client:
            try:
                note(task.out, job=_running(client, service, task, recipe, emit))
                job = Follower(client, service, task.out, emit).follow(noted(task.out)["job"])
            except KeyboardInterrupt:
                emit({"event": "warning", "message": _farewell(recipe, service, noted(task.out).get("job"))})
                raise
            _require_success(job, service)
            _keep(client, job, service, task.out)
        yield task


def _running(client: OpenAI, service: Service, task: Task, recipe: Recipe, emit: Emit) -> str:
    """The id of this training's job: one that is there already, or one that is started now."""
    from openai import APIError

    key = key_of(task.out)
    try:
        if job := job_of(client, task.out, key):
            message = f"{job.id} trains these very rows in this way already ({job.status}): no other job is started"
            emit({"event": "note", "message": message})
            return job.id
    except APIError as error:
        raise ResepError(f"its jobs cannot be looked through: {in_words(error, service, quoted=True)}") from error
    for line in before_sending(recipe, service, task.inputs["tokenise"]):
        emit({"event": "note", "message": line})
    body = json.loads((task.inputs["configure"] / JOB).read_text(encoding="utf-8"))
    return start(client, service, body | _uploaded(client, service, task, body, emit), key)


def _uploaded(client: OpenAI, service: Service, task: Task, body: Mapping[str, Any], emit: Emit) -> dict[str, str]:
    """The ids of the files that a job names; each is sent once, whatever broke off in between."""
    from openai import APIError

    ids = {}
    for name, file in _FILES.items():
        if name not in body:
            continue
        path = task.inputs["tokenise"] / file
        try:
            ids[name] = _known_file(client, noted(task.out).get(name)) or _send(client, path)
        except APIError as error:
            raise ResepError(f"{file} was not sent: {in_words(error, service, quoted=False)}") from error
        note(task.out, **{name: ids[name]})
        emit({"event": "note", "message": f"{file} is there as {ids[name]} ({path.stat().st_size:,} bytes)"})
    return ids


def _known_file(client: OpenAI, file_id: str | None) -> str | None:
    """The id of a file that an earlier attempt sent, if it is still there."""
    from openai import NotFoundError

    try:
        return client.files.retrieve(file_id).id if file_id else None
    except NotFoundError:
        return None


def _send(client: OpenAI, path: Path) -> str:
    with path.open("rb") as file:
        return client.files.create(file=(path.name, file, "application/jsonl"), purpose="fine-tune").id


def _require_success(job: FineTuningJob, service: Service) -> None:
    if job.status == "cancelled":
        raise StageError("train", f"the job {job.id} was cancelled at {service.name}; the same command starts another")
    if job.status == "failed":
        error = job.error
        codes = ", ".join(str(part) for part in (error.code, error.param) if part) if error else ""
        said = on_one_line(error.message)[:300] if error and error.message else "it does not say why"
        raise StageError("train", f"the job {job.id} failed at {service.name}{f' ({codes})' if codes else ''}: {said}")
    if not job.fine_tuned_model:
        raise StageError("train", f"the job {job.id} has succeeded, but {service.name} names no model that it made")


def _keep(client: OpenAI, job: FineTuningJob, service: Service, out: Path) -> None:
    events = list(events_in(out))
    records = curve(events, hyperparameters(job).get("n_epochs"))
    write_lines(out / "training.jsonl", records)
    found = summary(job, records, planned_steps(events))
    write_json(out / "summary.json", {**found, "checkpoints": _checkpoints(client, job)})
    write_json(out / FINE_TUNED, {"model": job.fine_tuned_model, "base": service.model, "endpoint": service.url})


def _checkpoints(client: OpenAI, job: FineTuningJob) -> list[dict[str, Any]] | None:
    """The models of earlier epochs that can be asked too; None where the service does not say."""
    from openai import APIError

    try:
        found = list(client.fine_tuning.jobs.checkpoints.list(job.id))
    except APIError:  # other services with this API have none: the training is what counts
        return None
    return [
        {"step": each.step_number, "model": each.fine_tuned_model_checkpoint, "eval_loss": each.metrics.full_valid_loss}
        for each in sorted(found, key=lambda each: each.step_number)
    ]


def _farewell(recipe: Recipe, service: Service, job_id: str | None) -> str:
    job = f"{job_id} goes on at {service.name}" if job_id else f"if a job was started at {service.name}, it goes on"
    return (
        f"{job}, and is paid for; nothing was asked of it. The same command finds it again; "
        f"`resep cancel {recipe.path}` ends it (with the same --set, if you had any)"
    )
