"""Names of people and places, found by Presidio on a spaCy model that is installed here (names_child.py)."""

from __future__ import annotations

import atexit
import importlib.metadata
import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from resep.placeholders import HIDDEN

Find = Callable[[str], list[tuple[int, int, str]]]  # (start, end, entity) in characters, from left to right

_HALF_CHARACTER = re.compile("[\ud800-\udfff]")  # which no model reads
_ROOT = Path(__file__).resolve().parent.parent.parent


def names_in(model: str, entities: Sequence[str]) -> Find:
    """What finds the named entities in a text whose placeholders are hidden; none of them reaches into a placeholder.

    `model` is the name of an installed spaCy model, or a folder. ValueError, with the command that mends it, where
    Presidio or the model is missing; nothing is ever downloaded.
    """
    _require(model)
    return _finder(model, tuple(entities), os.getpid())


@lru_cache(maxsize=4)
def _finder(model: str, entities: tuple[str, ...], process: int) -> Find:
    child = _Child(model, entities)
    assert process == os.getpid(), "a child answers the process that started it, no fork of it"

    def find(text: str) -> list[tuple[int, int, str]]:
        # Blanks where a placeholder stands: the places of all other characters stay the same.
        readable = _HALF_CHARACTER.sub("\ufffd", HIDDEN.sub(lambda hidden: " " * len(hidden.group()), text))
        found = child.ask(readable)
        return [piece for start, end, entity in found for piece in _pieces(text, start, end, entity)]

    return find


class _Child:
    """One running child process and its two pipes."""

    def __init__(self, model: str, entities: Sequence[str]) -> None:
        path = os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH")]))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "resep.detectors.names_child", model, *entities],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": path, "CUDA_VISIBLE_DEVICES": "", "HF_HUB_OFFLINE": "1"},
            encoding="utf-8",
        )
        try:
            self._read(f"the spaCy model {model} cannot be used")
        except ValueError:
            self.close()
            raise
        atexit.register(self.close)

    def ask(self, text: str) -> list[tuple[int, int, str]]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(text) + "\n")
        self._process.stdin.flush()
        return [(start, end, entity) for start, end, entity in self._read("Presidio failed")["found"]]

    def close(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process.wait()

    def _read(self, what: str) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        answer: dict[str, Any] = json.loads(line) if line else {"error": f"it ended (exit {self._process.wait()})"}
        if "error" in answer:
            raise ValueError(f"{what}: {answer['error']}")
        return answer


def _require(model: str) -> None:
    if not model:
        raise ValueError("model: name an installed spaCy model, for example model: en_core_web_sm")
    for package in ("presidio_analyzer", "spacy"):
        if importlib.util.find_spec(package) is None:
            raise ValueError(f"the package {package} is not installed here: pip install 'resep[presidio]'")
    if not Path(model).is_dir() and not _is_installed(model):
        raise ValueError(
            f"the spaCy model {model!r} is not installed here, and there is no such folder: "
            f"python -m spacy download {model if re.fullmatch('[a-z0-9_]+', model) else 'NAME'}"
        )


def _is_installed(package: str) -> bool:
    try:
        importlib.metadata.distribution(package)
    except (importlib.metadata.PackageNotFoundError, ValueError):
        return False
    return True


def _pieces(text: str, start: int, end: int, entity: str) -> list[tuple[int, int, str]]:
    """The parts of an entity beside the placeholders in it, without the white space around them."""
    bounds = [start, *(at for hidden in HIDDEN.finditer(text, start, end) for at in hidden.span()), end]
    found = []
    for begin, stop in zip(bounds[::2], bounds[1::2], strict=True):
        piece = text[begin:stop]
        if re.search(r"\w", piece):
            begin += len(piece) - len(piece.lstrip())
            found.append((begin, begin + len(piece.strip()), entity))
    return found
