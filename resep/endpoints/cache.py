"""Answers kept on disk, one file for each server, model and way of asking: nothing is asked, or paid for, twice.

A line is written the moment its answer is there, so a kill loses what was on its way and nothing else. Answers to
private rows are private: the folder and its files are for their owner alone (modes 0700 and 0600). Requests are not
kept, only their digests.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from resep.digests import digest_json
from resep.endpoints.records import Answer, Token
from resep.paths import answer_cache


@dataclass(frozen=True)
class Answers:
    """What was answered so far, by the digest of the request. Several threads, and several runs, may add to it."""

    path: Path
    known: dict[str, Answer]
    lock: threading.Lock

    def __len__(self) -> int:
        return len(self.known)

    def get(self, digest: str) -> Answer | None:
        return self.known.get(digest)

    def add(self, digest: str, answer: Answer) -> None:
        """Keep an answer. A failure is not kept: it is asked again the next time."""
        if answer.error is not None:
            return
        line = json.dumps({"request": digest, "answer": asdict(answer)}).encode() + b"\n"
        with self.lock:
            self.known[digest] = replace(answer, cached=True)
            _append(self.path, line)


def open_answers(about: Mapping[str, Any]) -> Answers:
    """The answers of one way of asking. `about`: whatever they depend on beyond the single request."""
    return answers_in(answer_cache() / f"{digest_json(about)}.jsonl")


def answers_in(path: Path) -> Answers:
    """The answers in a file, which need not be there yet."""
    return Answers(path, dict(_read(path)), threading.Lock())


def _append(path: Path, line: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_APPEND | os.O_CREAT | os.O_RDWR, 0o600)
    with os.fdopen(descriptor, "r+b", buffering=0) as file:
        size = os.fstat(descriptor).st_size
        # A torn last line, left by a kill, must not swallow this one.
        is_torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        file.write(b"\n" + line if is_torn else line)


def _read(path: Path) -> Iterator[tuple[str, Answer]]:
    """Every whole line; a torn one is as good as not written."""
    if not path.exists():
        return
    with path.open("rb") as file:
        for line in file:
            try:
                entry = json.loads(line)
                answer = entry["answer"]
                tokens = answer["logprobs"] and tuple(Token(**token) for token in answer["logprobs"])
                yield str(entry["request"]), Answer(**{**answer, "logprobs": tokens, "cached": True})
            except (ValueError, KeyError, TypeError):
                continue
