"""Look for what must not leave this machine: personal data, keys and passwords, paths and values of the environment."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from resep.detectors import DETECTORS, Detector
from resep.printable import on_one_line
from resep.recipe.variables import looks_like_a_secret

PERSONAL = ("email", "phone", "card", "ip", "iban", "nik", "us_ssn")
KINDS = (*PERSONAL, "secret", "path")
_SHORTEST_SECRET = 8  # characters of an environment's value: shorter ones stand in any text

_SECRETS = re.compile(
    r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----"
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"  # Amazon
    r"|\bhf_[A-Za-z0-9]{30,}\b|\bgh[pousr]_[A-Za-z0-9]{30,}\b|\bgithub_pat_[A-Za-z0-9_]{30,}\b|\bglpat-[\w-]{20,}"
    r"|\bsk-[A-Za-z0-9_-]{20,}|\bxox[abprs]-[A-Za-z0-9-]{10,}|\bAIza[A-Za-z0-9_-]{30,}"
    r"|\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"  # JSON web tokens
    r"|://[^/\s:@]{1,100}:[^/\s@]{1,100}@"  # a password within an address
    r"|(?i:\b(?:api[_-]?key|access[_-]?token|auth[_-]?token|client[_-]?secret|password|passwd)\b"
    r"[\"']?\s{0,3}[:=]\s{0,3}[\"']?(?=[^\s\"']{0,40}\d)[A-Za-z0-9+/_.=-]{12,})"
)


@dataclass(frozen=True)
class Finding:
    """Something in a file that must not leave this machine. `hint` shows where, never the whole value."""

    file: str
    kind: str
    hint: str


def findings(name: str, text: str) -> list[Finding]:
    """What is found in a file's text, in its order. Numbers of JSON and the code of a page are not looked at."""
    detect = _detectors()
    return [
        Finding(name, kind, _hint(found))
        for piece in _pieces(name, text)
        for kind, look in detect.items()
        if (found := look(piece))
    ]


def _detectors() -> Mapping[str, Callable[[str], str | None]]:
    return {**{kind: _first_find(DETECTORS[kind]) for kind in PERSONAL}, "secret": _secret(), "path": _path()}


def _first_find(detector: Detector) -> Callable[[str], str | None]:
    return lambda text: next(detector.finds(text), None)


def _secret() -> Callable[[str], str | None]:
    kept = [value for name, value in os.environ.items() if looks_like_a_secret(name) and len(value) >= _SHORTEST_SECRET]

    def look(text: str) -> str | None:
        found = _SECRETS.search(text)
        return found[0] if found else next((value for value in kept if value in text), None)

    return look


def _path() -> Callable[[str], str | None]:
    """Paths of this person: those that begin with the home folder or with the current one."""
    here = [re.escape(str(folder)) for folder in (Path.home(), Path.cwd()) if len(folder.parts) > 1]
    known = re.compile(rf"(?:{'|'.join(here)})(?![\w.-])" if here else "(?!)")

    def look(text: str) -> str | None:
        found = known.search(text)
        return found[0] if found else None

    return look


def _hint(found: str) -> str:
    return on_one_line(found[:3]) + "..."


def _pieces(name: str, text: str) -> Iterable[str]:
    if name.endswith(".json"):
        return _strings(json.loads(text))
    if name.endswith(".jsonl"):
        return (piece for line in text.splitlines() for piece in _strings(json.loads(line)))
    if name.endswith(".html"):
        page = _Page()
        page.feed(text)
        return page.pieces
    return text.splitlines()


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield key
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)


class _Page(HTMLParser):
    """The words of a page: its texts and the values of its attributes that people read."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self._skipping = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._skipping = tag == "style"
        self.pieces += [value for name, value in attrs if value and name in {"title", "alt", "href", "content"}]

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002
        self._skipping = False

    def handle_data(self, data: str) -> None:
        if not self._skipping and data.strip():
            self.pieces.append(data)
