"""A model on this machine as the judge: asked in a child process, so that its memory comes back."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from resep import hardware, models
from resep.endpoints import Answer, Answers, ChatRequest, open_answers
from resep.errors import ResepError, StageError
from resep.judging_answers.settings import Settings
from resep.process import follow

_AMPERE = (8, 0)  # the first GPUs with bfloat16
_BATCH_SIZE = 8


@dataclass(frozen=True)
class LocalModel:
    """A model by its name, and what it is: for the keys of its answers."""

    name: str
    revision: str | None
    identity: str


def read_name(name: str) -> LocalModel:
    """An embedded name, `owner/name@revision` or a folder. Raises ResepError, with the nearest, for none of them."""
    base, revision = models.split_revision(name)
    try:
        return LocalModel(base, revision, models.identify(base, revision))
    except ResepError as error:
        raise ResepError(f"evaluation.evaluators.judge.model: {error}") from error


def ask_locally(model: LocalModel, settings: Settings, requests: Sequence[ChatRequest]) -> Iterator[Answer]:
    """The answer to every request, in order: from disk, or by the child, which puts each batch there at once."""
    about = {"model": model.identity, "judge": settings.decoding}
    known = open_answers(about)
    missing = [request for request in requests if known.get(request.digest(model.identity)) is None]
    if missing:
        _run_child(model, settings, known, missing)
    answers = open_answers(about)
    too_long = Answer(error="the question and its answer are longer than the judge can read")
    for request in requests:
        yield replace(answers.get(request.digest(model.identity)) or too_long, cached=False)


def _run_child(model: LocalModel, settings: Settings, known: Answers, requests: Sequence[ChatRequest]) -> None:
    profile = hardware.detect()
    request = {
        "folder": str(models.folder(model.name, model.revision, lambda event: None).resolve()),  # noqa: ARG005
        "model": model.identity,
        "device": profile.name,
        "dtype": _dtype(profile),
        "temperature": settings.temperature or 0.0,
        "max_new_tokens": settings.max_new_tokens,
        "batch_size": _BATCH_SIZE,
        "answers": str(known.path),
        "questions": [
            {"digest": each.digest(model.identity), "text": each.messages[-1].content, "seed": each.options["seed"]}
            for each in requests
        ],
    }
    environment = {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", str(profile.cores))}
    with tempfile.TemporaryDirectory(prefix="resep-judge-") as folder:  # for this person alone: it holds rows
        command = [sys.executable, "-m", "resep.judging_answers.worker"]
        try:
            for _ in follow(command, name="judge", folder=Path(folder), request=request, environment=environment):
                pass
        except StageError as error:
            raise ResepError(f"evaluation.evaluators.judge: {model.name}: {error}") from error


def _dtype(profile: hardware.Profile) -> str:
    if profile.name == "cpu":
        return "float32"
    return "float16" if profile.capability is not None and profile.capability < _AMPERE else "bfloat16"
