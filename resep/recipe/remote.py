"""Recipes of other repositories, each at one commit: what their names mean, and where they lie once they were fetched.

    hub:owner/name@<commit>#recipe.yaml          a model repository on the Hugging Face hub
    git+https://host/repo@<commit>#path.yaml     any git repository

The commit is a full hash, so that the same recipe means the same next year. Nothing here touches the network.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from resep.errors import ResepError
from resep.paths import recipe_cache
from resep.recipe.paths import escapes, is_hub_id

PREFIXES = ("hub:", "git+")
_DEFAULT_PATH = "recipe.yaml"
_CREDENTIALS = re.compile(r"//[^/]*:[^/]*@|//[^/@]*@[^/]*/")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_URL = re.compile(r"https://([A-Za-z0-9.-]+(?::[0-9]{1,5})?)(?:/[\w.~%+-]+)+/?", re.ASCII)


@dataclass(frozen=True)
class Remote:
    """One file of another repository: `source` is `owner/name` on the hub, or the URL of a git repository."""

    kind: Literal["hub", "git"]
    source: str
    commit: str
    path: str

    @property
    def name(self) -> str:
        """As `extends` writes it, in full."""
        return f"{self._prefix}@{self.commit}#{self.path}"

    @property
    def label(self) -> str:
        """As messages name the file, the commit shortened."""
        return f"{self._prefix}@{self.commit[:12]}#{self.path}"

    @property
    def host(self) -> str:
        """Where it would be fetched from."""
        return self.source if self.kind == "git" else f"{self.source} on the hub"

    @property
    def _prefix(self) -> str:
        return f"hub:{self.source}" if self.kind == "hub" else f"git+{self.source}"


@dataclass(frozen=True)
class Checkout:
    """A repository at one commit on this machine. Its links lead no further than `bounds`."""

    folder: Path
    bounds: Path


def parse_remote(name: str) -> Remote:
    """What a name under `extends` that begins with one of PREFIXES means. Raises ResepError with what is wrong."""
    address, _, path = name.partition("#")
    path = path or _DEFAULT_PATH
    source, at, commit = address.rpartition("@")
    if not at or "/" in commit:
        source, commit = address, ""
    kind: Literal["hub", "git"] = "hub" if name.startswith("hub:") else "git"
    source = source.removeprefix("hub:").removeprefix("git+")
    _check_source(kind, source)
    if not _COMMIT.fullmatch(commit.lower()):
        given = f"'{commit}' is no full commit hash" if commit else "there is no commit"
        form = "hub:owner/name@<commit>" if kind == "hub" else "git+https://host/repo@<commit>#path"
        raise ResepError(
            f"{given}: write {form} with all 40 hex digits. A branch, a tag or a short hash may mean something else "
            "next year, and then so would this recipe"
        )
    if not path.endswith((".yaml", ".yml")) or not path.isprintable():
        raise ResepError(f"{path!r} is no recipe: the path after the '#' ends in .yaml")
    if escapes(path):
        raise ResepError(f"'{path}' leads out of its repository")
    return Remote(kind, source.rstrip("/"), commit.lower(), os.path.normpath(path))


def holds_credentials(name: str) -> bool:
    """Whether the address has a user name or a password in it, which messages must not repeat."""
    return _CREDENTIALS.search(name) is not None


def cached_checkout(remote: Remote) -> Checkout | None:
    """The repository at this commit where an earlier fetch left it, if the file is in it; None: fetch it first."""
    checkout = checkout_of(remote)
    return checkout if os.path.exists(checkout.folder / remote.path) else None  # noqa: PTH110  no raising


def checkout_of(remote: Remote) -> Checkout:
    """Where the repository at this commit lies, or would lie: in the hub's own cache, or in ours by its commit."""
    if remote.kind == "git":
        folder = recipe_cache() / remote.commit
        return Checkout(folder, folder)
    repository = hub_cache() / f"models--{remote.source.replace('/', '--')}"
    return Checkout(repository / "snapshots" / remote.commit, repository)


def _check_source(kind: str, source: str) -> None:
    if kind == "hub" and not is_hub_id(source):
        raise ResepError(f"'{source}' is no repository on the hub: write hub:owner/name@<commit>")
    if kind == "hub":
        return
    if not source.startswith("https://"):
        raise ResepError("only https is allowed for git: write git+https://host/repo@<commit>#path")
    if holds_credentials(source):
        raise ResepError("a recipe holds no user names and passwords: leave them to git's credential helper")
    if not _URL.fullmatch(source):
        raise ResepError(f"'{source}' is no address of a repository: write git+https://host/repo@<commit>#path")


def hub_cache() -> Path:
    """Where huggingface_hub keeps repositories; its import, half a second, would only tell the same."""
    environment = os.environ
    if chosen := environment.get("HF_HUB_CACHE") or environment.get("HUGGINGFACE_HUB_CACHE"):
        return Path(chosen).expanduser()
    cache = Path(environment.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(environment.get("HF_HOME") or cache / "huggingface").expanduser() / "hub"
