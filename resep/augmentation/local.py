"""A model on this machine as the one that writes: asked in a child process, so that its memory comes back."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from resep import hardware, models
from resep.augmentation.settings import Settings
from resep.endpoints import Answer, Answers, ChatRequest, open_answers
from resep.errors import ResepError, StageError
from resep.process import follow

_AMPERE = (8, 0)  # the first GPUs with bfloat16


@dataclass(frozen=True)
class LocalModel:
    """A model by its name, and what it is: for the keys of its answers."""

    name: str
    revision: str | None
    identity: str


def read_name(name: str) -> LocalModel:
    """An embedded name, `owner/name@revision` or a folder. Raises ResepError, with the nearest, for none of them."""
    repository, at, revision = name.partition("@")
    is_pinned = bool(at) and not models.is_local(repository)
    base, pinned = (repository, revision) if is_pinned else (name, None)
    try:
        return LocalModel(base, pinned, models.identify(base, pinned))
    except ResepError as error:
        raise ResepError(f"preprocessing.augment.{error} (a model of a server needs its `endpoint`)") from error


def ask_locally(
    model: LocalModel, settings: Settings, about: dict[str, Any], requests: Sequence[ChatRequest]
) -> Iterator[Answer]:
    """The answer to every request, in order: from disk, or by the child, which puts each batch there at once."""
    known = open_answers(about)
    missing = [request for request in requests if known.get(request.digest(model.identity)) is None]
    if missing:
        _run_child(model, settings, known, missing)
    asked = {request.digest(model.identity) for request in missing}
    answers = open_answers(about)
    for request in requests:
        digest = request.digest(model.identity)
        answer = answers.get(digest) or Answer(error="the prompt and its answer are longer than the model can read")
        yield replace(answer, cached=False) if digest in asked else answer


def _run_child(model: LocalModel, settings: Settings, known: Answers, requests: Sequence[ChatRequest]) -> None:
    profile = hardware.detect()
    request = {
        "folder": str(models.folder(model.name, model.revision, lambda event: None).resolve()),  # noqa: ARG005
        "model": model.identity,
        "device": profile.name,
        "dtype": _dtype(profile),
        "decoding": _decoding(settings),
        "answers": str(known.path),
        "questions": [_question(each, model) for each in requests],
    }
    environment = {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", str(profile.cores))}
    with tempfile.TemporaryDirectory(prefix="resep-augment-") as folder:  # for this person alone: it holds rows
        command = [sys.executable, "-m", "resep.augmentation.worker"]
        try:
            for _ in follow(command, name="augment", folder=Path(folder), request=request, environment=environment):
                pass
        except StageError as error:
            raise ResepError(f"preprocessing.augment: {model.name}: {error}") from error


def _question(request: ChatRequest, model: LocalModel) -> dict[str, Any]:
    return {"digest": request.digest(model.identity), "text": request.messages[-1].content, **request.options}


def _dtype(profile: hardware.Profile) -> str:
    if profile.name == "cpu":
        return "float32"
    return "float16" if profile.capability is not None and profile.capability < _AMPERE else "bfloat16"


def _decoding(settings: Settings) -> dict[str, Any]:
    temperature = 1.0 if settings.temperature is None else settings.temperature
    drawn = {"do_sample": True, "temperature": temperature} if temperature else {"do_sample": False}
    limits = {"max_new_tokens": settings.max_new_tokens, "repetition_penalty": 1.0, "stop": []}
    return {**drawn, **limits, "batch_size": settings.concurrency}
