"""Paths that a recipe names: relative to its file and below it, so that a stranger's recipe reads nothing of yours."""

from __future__ import annotations

import os.path
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from resep.document.places import Place
from resep.errors import ResepError

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|[A-Za-z][A-Za-z0-9+.-]*::")


@dataclass(frozen=True)
class Folder:
    """Where the relative paths of one file begin. Links lead out of `bounds` at most: for a hub's cache, its blobs."""

    path: Path
    bounds: Path


@dataclass(frozen=True)
class Lead:
    """A path begins with a variable: the place of the variable's value decides what the path is relative to."""

    place: Place
    text: str


@dataclass(frozen=True)
class Grounds:
    """What the paths of a recipe are relative to: the file that names them or, for what was typed, the current folder.

    `places` holds the place of every value by its dotted key, `folders` the folder of every file of the recipe.
    """

    home: Folder
    folders: Mapping[str, Folder] = field(default_factory=dict)
    places: Mapping[str, Place] = field(default_factory=dict)
    leads: Mapping[str, Lead] = field(default_factory=dict)

    def path(self, key: str, text: str) -> Path:
        """The file or folder that the text at this key means, wherever it lies."""
        if self._is_typed(key):
            return Path.cwd() / os.path.expanduser(text)  # noqa: PTH111  the other raises where there is no such person
        return self._folder(key).path / text

    def complaint(self, key: str, text: str) -> str | None:
        """Why the text at this key leads where a recipe may not, or None. Nothing on disk is looked at."""
        if self._is_typed(key):  # the person's own path; what the recipe adds to it stays below
            lead = self.leads.get(key)
            return escapes(text[len(lead.text) :].lstrip("/") or ".") if lead else None
        return escapes(text)

    def locate(self, key: str, text: str) -> Path:
        """The path. Raises ResepError where it, or a link on its way, leaves the folder of the file that names it."""
        path = self.path(key, text)
        if reason := self.complaint(key, text) or self._leaves_by_link(key, path):
            raise ResepError(f"{self._place(key) or key}: '{text}' {reason}")
        return path

    def admits(self, key: str, path: Path) -> bool:
        """Whether a file that the path at this key led to lies where it may, every link followed."""
        return self._leaves_by_link(key, path) is None

    def _leaves_by_link(self, key: str, path: Path) -> str | None:
        bounds = self._folder(key).bounds
        if self._is_typed(key) or stays_within(path, bounds):
            return None
        return "leads out of the recipe's folder through a link; give it with --set, or put it below"

    def _is_typed(self, key: str) -> bool:
        place = self._place(key)
        return place is not None and place.typed

    def _place(self, key: str) -> Place | None:
        return self.leads[key].place if key in self.leads else self.places.get(key)

    def _folder(self, key: str) -> Folder:
        place = self._place(key)
        return self.folders.get(place.file, self.home) if place else self.home


def escapes(path: str) -> str | None:
    """Why this path does not stay below the recipe's folder, or None where it does. Nothing on disk is looked at."""
    if "\0" in path:
        return "has a zero byte in it, which no file's name has"
    normal = os.path.normpath(path)
    if path.startswith("~") or Path(path).is_absolute() or re.match(r"[A-Za-z]:[\\/]", path):
        return "is an absolute path, which would be wrong on another machine; give it with --set, or put it below"
    if normal == ".." or normal.startswith(f"..{os.sep}"):
        return "leads out of the recipe's folder; give it with --set, or put it below"
    return None


def stays_within(path: Path, bounds: Path) -> bool:
    """Whether a path leads to a place below `bounds` when every link on its way is followed, circles of links aside."""
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(bounds))


def is_address(path: str) -> bool:
    """Whether this is an address (`s3://bucket/rows.jsonl`) rather than a path. Nothing is fetched of it unasked."""
    return _ADDRESS.match(path) is not None


def is_pattern(path: str) -> bool:
    """Whether this may stand for several files: `rows/*.jsonl`."""
    return any(sign in path for sign in "*?[")


def is_hub_id(name: str) -> bool:
    """Whether a model's name has the form owner/name. A local folder is written with ./ in front."""
    return _HUB_ID.fullmatch(name) is not None


def is_written_as_folder(name: str) -> bool:
    """Whether a model's name can only be a folder."""
    return name.startswith((".", "/", "~", "\\")) or name.count("/") > 1
