"""Bring a recipe of another repository to this machine, because the person at the keyboard said so (`--fetch`).

The hub's own library keeps its snapshots by commit. Of a git repository, one commit is fetched without its history,
and its files are read out of git's database: no hook, filter, link or submodule of a stranger's takes effect. The
folder in our cache is called by the commit, appears by a rename, and is complete or not there.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from resep.errors import ResepError
from resep.recipe.paths import escapes
from resep.recipe.remote import Checkout, Remote, checkout_of

MOST_BYTES = 200_000_000  # of a repository's files
_TIMEOUT_S = 600
_FILES = ["*.yaml", "*.yml", "*.jinja", "preprocessing/*.py", "evaluators/*.py"]  # of a hub repository: no weights
# Whatever the person's own git is set up to do with a repository, none of it is done with this one.
_SETTINGS = {
    "core.hooksPath": os.devnull,
    "fetch.fsckObjects": "true",
    "fetch.recurseSubmodules": "false",
    "gc.auto": "0",
    "http.lowSpeedLimit": "1000",  # bytes per second, for a minute: then it is given up
    "http.lowSpeedTime": "60",
    "protocol.http.allow": "never",  # no redirect from https to http
    "protocol.git.allow": "never",
    "protocol.ext.allow": "never",
}
_OF_ANOTHER_REPOSITORY = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_NAMESPACE")


def fetch(remote: Remote) -> Checkout:
    """The repository of `remote` at its commit. Raises ResepError where it cannot be had."""
    if remote.kind == "hub":
        _from_hub(remote)
    else:
        _from_git(remote)
    return checkout_of(remote)


def _from_hub(remote: Remote) -> None:
    from resep.models import fetch_snapshot

    fetch_snapshot(remote.source, remote.commit, _FILES, lambda event: None)  # noqa: ARG005


def _from_git(remote: Remote) -> None:
    folder = checkout_of(remote).folder
    partial = folder.with_name(f"{folder.name}.{os.getpid()}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        database = partial / "git"
        _git(remote, database, "init", "--quiet", "--bare", "--template=", ".")
        _git(remote, database, "fetch", "--quiet", "--depth=1", "--no-tags", "--", remote.source, remote.commit)
        found = _git(remote, database, "rev-parse", "--verify", "FETCH_HEAD^{commit}").decode().strip()
        if found != remote.commit:
            raise ResepError(f"{remote.source} answered with the commit {found}: nothing of it was kept")
        _write_files(remote, database, partial / "files")
        _rename(partial / "files", folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _write_files(remote: Remote, database: Path, out: Path) -> None:
    """The files of the commit as they are in the database; links and submodules are left out."""
    files = list(_listed(_git(remote, database, "ls-tree", "-r", "-z", "-l", "--full-tree", remote.commit)))
    if (size := sum(size for _, size, _ in files)) > MOST_BYTES:
        raise ResepError(f"{remote.source} holds {size:,} bytes; a repository of recipes holds {MOST_BYTES:,} at most")
    out.mkdir()
    contents = _git(remote, database, "cat-file", "--batch", given="".join(f"{name}\n" for name, _, _ in files))
    at = 0
    for _, size, path in files:
        start = contents.index(b"\n", at) + 1
        target = out / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(contents[start : start + size])
        at = start + size + 1


def _listed(tree: bytes) -> Iterator[tuple[str, int, str]]:
    """(object, bytes, path) of every plain file in a `git ls-tree`."""
    for entry in tree.split(b"\0")[:-1]:
        about, _, name = entry.partition(b"\t")
        mode, _, digest, size = about.decode().split()
        path = os.fsdecode(name)
        if mode.startswith("100") and not escapes(path):
            yield digest, int(size), path


def _rename(files: Path, folder: Path) -> None:
    try:
        files.rename(folder)
    except OSError:
        if not folder.is_dir():  # else another process fetched the same commit meanwhile
            raise


def _git(remote: Remote, database: Path, *arguments: str, given: str = "") -> bytes:
    """Run git in the database, without a shell and without a prompt, and return what it prints."""
    settings = [part for key, value in _SETTINGS.items() for part in ("-c", f"{key}={value}")]
    database.mkdir(exist_ok=True)
    environment = {key: value for key, value in os.environ.items() if key not in _OF_ANOTHER_REPOSITORY}
    environment |= {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    try:
        done = subprocess.run(
            ["git", *settings, *arguments],
            cwd=database,
            env=environment,
            input=given.encode(),
            capture_output=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except FileNotFoundError as error:
        raise ResepError("git is not installed here, and recipes of git repositories are fetched with it") from error
    except subprocess.TimeoutExpired as error:
        raise ResepError(f"{remote.source} did not answer within {_TIMEOUT_S} seconds") from error
    if done.returncode != 0:
        raise ResepError(_explained(remote, done.stderr.decode("utf-8", "replace")))
    return done.stdout


def _explained(remote: Remote, said: str) -> str:
    last = next((line.strip() for line in reversed(said.splitlines()) if line.strip()), "nothing")
    if "not our ref" in said or "couldn't find remote ref" in said or "no such remote ref" in said:
        return f"{remote.source} has no commit {remote.commit}, or does not hand it out"
    if "could not read Username" in said or "Authentication failed" in said:
        return f"{remote.source} wants to know who you are: set up git's credential helper for it, then try again"
    return f"{remote.source} could not be fetched; git says: {last}"
