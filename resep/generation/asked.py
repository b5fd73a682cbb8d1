"""A model on this machine that is asked as a server is: in a child process, so that its memory comes back."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from resep import hardware, models
from resep.endpoints import Answer, Answers, ChatRequest, open_answers
from resep.errors import ResepError, StageError
from resep.process import follow

_AMPERE = (8, 0)  # the first GPUs with bfloat16


@dataclass(frozen=True)
class LocalModel:
    """A model by its name, and what it is: for the keys of its answers. `key` of the recipe names it, for errors."""

    name: str
    revision: str | None
    identity: str
    key: str


@dataclass(frozen=True)
class Child:
    """The module that is run, and what its request has besides model, device, questions and the file of answers."""

    module: str
    task: str
    options: Mapping[str, Any]


def read_name(name: str, key: str) -> LocalModel:
    """An embedded name, `owner/name@revision` or a folder. Raises ResepError, with the nearest, for none of them."""
    base, revision = models.split_revision(name)
    try:
        return LocalModel(base, revision, models.identify(base, revision), key)
    except ResepError as error:
        raise ResepError(f"{key}.{error} (a model of a server needs its `endpoint`)") from error


def ask_locally(
    model: LocalModel, child: Child, about: Mapping[str, Any], requests: Sequence[ChatRequest]
) -> Iterator[Answer]:
    """The answer to every request, in order: from disk, or by the child, which puts each batch there at once.

    `about` is what the answers depend on besides their requests: it names the file in which they are kept.
    """
    known = open_answers({"model": model.identity, **about})
    missing = [request for request in requests if known.get(request.digest(model.identity)) is None]
    if missing:
        _run_child(model, child, known, missing)
    asked = {request.digest(model.identity) for request in missing}
    answers = open_answers({"model": model.identity, **about})
    too_long = Answer(error="the question and its answer are longer than the model can read")
    for request in requests:
        digest = request.digest(model.identity)
        answer = answers.get(digest) or too_long
        yield replace(answer, cached=False) if digest in asked else answer


def _run_child(model: LocalModel, child: Child, known: Answers, requests: Sequence[ChatRequest]) -> None:
    profile = hardware.detect()
    request = {
        "folder": str(models.folder(model.name, model.revision, lambda event: None).resolve()),  # noqa: ARG005
        "model": model.identity,
        "device": profile.name,
        "dtype": _dtype(profile),
        **child.options,
        "answers": str(known.path),
        "questions": [
            {"digest": each.digest(model.identity), "text": each.messages[-1].content, "seed": each.options["seed"]}
            for each in requests
        ],
    }
    with tempfile.TemporaryDirectory(prefix=f"resep-{child.task}-") as folder:  # for this person alone: it holds rows
        command = [sys.executable, "-m", child.module]
        try:
            for _ in follow(
                command, name=child.task, folder=Path(folder), request=request, environment=profile.environment
            ):
                pass
        except StageError as error:
            raise ResepError(f"{model.key}: {model.name}: {error}") from error


def _dtype(profile: hardware.Profile) -> str:
    if profile.name == "cpu":
        return "float32"
    return "float16" if profile.capability is not None and profile.capability < _AMPERE else "bfloat16"
