"""A model's name -> what it is (for keys), and a Hugging Face folder on this machine (for those that load it).

A name is one of three things: an embedded model (EMBEDDED), a folder, or a hub id with its revision.
"""

from __future__ import annotations

import difflib
import json
import re
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from resep import process
from resep.digests import digest_tree
from resep.errors import ResepError, StageError
from resep.models.embedded import EMBEDDED, Emit, cache_folder, is_made, model_folder
from resep.models.foreign import CODE_FILES, require_safetensors

__all__ = ["EMBEDDED", "Model", "folder", "identify", "split_revision"]


@dataclass(frozen=True)
class Model:
    """A model as stages see it: what it is, for keys and reports, and its folder, fetched when first asked for.

    `unweighted` brings the same folder where its weights need not be there, which may be far less to fetch.
    """

    identity: str
    folder: Callable[[], Path]
    unweighted: Callable[[], Path] | None = None

    def tokenizer_folder(self) -> Path:
        """The folder with config and tokenizer; whether the weights lie in it, too, is not said."""
        return (self.unweighted or self.folder)()


# Of a repository, all but its weights; of these, fetch_hub.py takes the safetensors that transformers will look for.
_SMALL_FILES = ("*.json", "*.jinja", "*.txt", "*.model", "*.model.v*", "tekken.json")
_HUB_ID = re.compile(r"[\w-][\w.-]*/[\w.-]+")


def identify(name: str, revision: str | None = None) -> str:
    """What a model is, for keys and reports; downloads nothing.

    `smollm2-135m-instruct#<12 hex>`, `owner/name@<revision>`, or `local:<32 hex>` from the files of a folder.
    Raises ResepError for a name that is none of the three.
    """
    if name in EMBEDDED:
        return f"{name}#{EMBEDDED[name].digest}"
    if _is_hub_id(name):
        return f"{name}@{_require_revision(name, revision)}"
    return f"local:{digest_tree(_local(name))[:32]}"


def folder(name: str, revision: str | None, emit: Emit) -> Path:
    """The model's folder: made or fetched where it is not there yet. Raises ResepError when it cannot be had."""
    if name in EMBEDDED:
        return model_folder(name, emit)
    if _is_hub_id(name):
        return _from_hub(name, _require_revision(name, revision), emit)
    return require_safetensors(_local(name))


def tokenizer_folder(name: str, revision: str | None, emit: Emit) -> Path:
    """The same for those who read config and tokenizer alone: of a hub repository, no weights are fetched."""
    if name in EMBEDDED or not _is_hub_id(name):
        return folder(name, revision, emit)
    return _from_hub(name, _require_revision(name, revision), emit, weights=False)


def with_code(name: str, revision: str | None, emit: Emit) -> Path:
    """The model's folder with the Python files that came with it, for a person who asks to run them."""
    found = folder(name, revision, emit)
    return fetch_snapshot(name, str(revision), CODE_FILES, emit) if _is_hub_id(name) else found


def downloads(name: str, revision: str | None = None) -> str | None:
    """What `folder` would have to fetch, for a person who plans a run, or None where everything is here."""
    if name in EMBEDDED:
        wheel = EMBEDDED[name]
        return None if is_made(name) else f"{name} ({wheel.size_mb} MB, once)"
    return f"{name}@{revision} (unless the hub's cache has it)" if _is_hub_id(name) else None


def split_revision(name: str) -> tuple[str, str | None]:
    """`owner/name@revision` -> its two parts; any other name has no revision of its own."""
    owner_and_name, at, revision = name.partition("@")
    return (owner_and_name, revision) if at and not is_local(owner_and_name) else (name, None)


def is_local(name: str) -> bool:
    """Whether the name is a folder, as against an embedded model or a hub id."""
    return name not in EMBEDDED and not _is_hub_id(name)


def _is_hub_id(name: str) -> bool:
    return _HUB_ID.fullmatch(name) is not None and not Path(name).parent.is_dir()


def _require_revision(name: str, revision: str | None) -> str:
    if not revision:
        raise ResepError(
            f"model {name}: a model from the hub needs `revision` (a commit, or a tag), so that the same recipe "
            "means the same model next year; a folder of that name does not exist here"
        )
    return revision


def _local(name: str) -> Path:
    path = Path(name).expanduser().resolve()
    if not path.is_dir():
        raise ResepError(f"model {name}: there is no such folder, and no embedded model of that name{_nearest(path)}")
    if (path / "adapter_config.json").exists() and not (path / "config.json").exists():
        raise ResepError(f"model {name}: this is an adapter: name it as model.adapter, and its base as model.base")
    if not (path / "config.json").exists():
        raise ResepError(f"model {name}: the folder has no config.json, so it is not a Hugging Face model")
    return path


def _nearest(path: Path) -> str:
    beside = [entry.name for entry in path.parent.iterdir() if entry.is_dir()] if path.parent.is_dir() else []
    near = difflib.get_close_matches(path.name.lower(), [*EMBEDDED, *beside], n=3, cutoff=0.5)
    known = ", ".join(EMBEDDED)
    return f"; did you mean {' or '.join(near)}?" if near else f" (embedded: {known}; or a hub id with `revision`)"


def fetch_snapshot(repo: str, revision: str, patterns: Sequence[str], emit: Emit, *, weights: bool = False) -> Path:
    """The files of a hub repository that fit the patterns, in the hub's own cache, and its weights if they are wanted.

    Raises ResepError without them.
    """
    work = cache_folder() / "hub" / re.sub(r"[^\w.-]", "_", f"{repo}@{revision}")
    request = {"repo": repo, "revision": revision, "patterns": list(patterns), "weights": weights}
    command = [sys.executable, "-m", "resep.models.fetch_hub"]
    try:
        process.run_child(command, name=repo, folder=work, emit=emit, request=request)
    except StageError as error:
        raise ResepError(f"{error} (log: {error.log})") from error
    found = Path(json.loads((work / "result.json").read_text(encoding="utf-8"))["folder"])
    shutil.rmtree(work)
    return found


def _from_hub(name: str, revision: str, emit: Emit, *, weights: bool = True) -> Path:
    try:
        found = fetch_snapshot(name, revision, _SMALL_FILES, emit, weights=weights)
    except ResepError as error:
        raise ResepError(f"model {name}: {error}") from error
    return require_safetensors(found) if weights else found
