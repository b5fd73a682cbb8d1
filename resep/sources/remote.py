"""Rows that lie elsewhere (`s3://bucket/rows.jsonl`): copied into the person's cache once, when they say --fetch.

The copy's sha256 stands for the content from then on. A copy is a folder that appears by a rename: complete, or not
there. To get a newer one, remove the folder and fetch again.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO

from resep.digests import read_json_or_nothing, write_json
from resep.errors import ResepError
from resep.paths import rows_cache
from resep.recipe.paths import is_address
from resep.recipe.remote import holds_credentials
from resep.suggest import did_you_mean, listed

if TYPE_CHECKING:
    from resep.recipe import Recipe

# Protocol -> the package that fsspec needs for it. A closed list: fsspec also knows protocols that read this machine's
# files (file, dir, reference) and chains of them, through which a stranger's recipe could reach what is not its own.
PACKAGES: Mapping[str, str] = {
    "https": "aiohttp",
    "s3": "s3fs",
    "gs": "gcsfs",
    "gcs": "gcsfs",
    "az": "adlfs",
    "abfs": "adlfs",
    "abfss": "adlfs",
    "oci": "ocifs",
    "oss": "ossfs",
    "hdfs": "pyarrow",
    "webhdfs": "requests",
    "sftp": "paramiko",
    "smb": "smbprotocol",
    "memory": "fsspec",
}
_ABOUT = "about.json"
_PIECE = 2**20


@dataclass(frozen=True)
class Copy:
    """A copy on this machine of what lies at an address."""

    file: Path
    sha256: str


def complaint(address: str) -> str | None:
    """Why nothing may be fetched from an address, or None. Nothing is asked of it."""
    protocol = address.partition("://")[0].lower()
    if holds_credentials(address):
        return "a recipe holds no user names, passwords and keys: leave them to the driver's own settings"
    if "::" in address:
        return "addresses are not chained; name the file itself"
    if protocol in ("http", "ftp"):
        return f"{protocol} can be changed by anyone on the way; only https is fetched"
    if protocol == "hf":
        return "data of the Hugging Face hub is named with 'hub: owner/name' and 'revision', instead of 'path'"
    if protocol in ("file", "local"):
        return "a file of this machine is named by its path alone"
    if protocol not in PACKAGES:
        hint = did_you_mean(protocol, PACKAGES) or f"; there are {listed(PACKAGES)}"
        return f"nothing is fetched over the protocol '{protocol}'{hint}"
    return "one address is one file: it cannot hold * or ?" if "*" in address or "?" in address else None


def copy_of(address: str) -> Copy | None:
    """What an earlier fetch left; None: it was not fetched yet."""
    folder = _folder(address)
    about = read_json_or_nothing(folder / _ABOUT)
    file = folder / _file_name(address)
    return Copy(file, about["sha256"]) if about.get("address") == address and file.is_file() else None


def copied(address: str) -> Path:
    """The copy's file. Raises ResepError where there is none, with what the person has to say."""
    if refusal := complaint(address):
        raise ResepError(f"{address}: {refusal}")
    copy = copy_of(address)
    if copy is None:
        raise ResepError(
            f"{address}: this is not on this machine yet, and nothing is fetched unless you say so: add --fetch, "
            "which copies it once"
        )
    return copy.file


def missing(recipe: Recipe) -> Iterator[str]:
    """The addresses among a recipe's sources of which there is no copy yet."""
    for source in recipe["data.sources"]:
        path = source.get("path")
        if path and is_address(path) and copy_of(path) is None:
            yield path


def fetch(address: str) -> Copy:
    """Copy what lies at an address. Raises ResepError where it cannot be had; nothing is left behind then."""
    if refusal := complaint(address):
        raise ResepError(f"{address}: {refusal}")
    folder = _folder(address)
    partial = folder.with_name(f"{folder.name}.{os.getpid()}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        sha256 = _download(address, partial / _file_name(address))
        write_json(partial / _ABOUT, {"address": address, "sha256": sha256})
        shutil.rmtree(folder, ignore_errors=True)
        with suppress(FileExistsError):  # another process fetched it meanwhile
            partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    copy = copy_of(address)
    assert copy is not None, f"{folder} holds what was just fetched"
    return copy


def folder_of(address: str) -> Path:
    """Where the copy lies, or would lie."""
    return _folder(address)


def _download(address: str, target: Path) -> str:
    """Write what lies at the address to a file, and return its sha256."""
    try:
        import fsspec
    except ImportError as error:
        raise ResepError(f"{address}: fetching needs the package fsspec: pip install 'resep[data]'") from error
    digest = hashlib.sha256()
    try:
        with fsspec.open(address, "rb") as remote, target.open("wb") as out:
            for piece in _pieces(remote):
                digest.update(piece)
                out.write(piece)
    except ImportError as error:
        package = PACKAGES[address.partition("://")[0].lower()]
        raise ResepError(f"{address}: fetching it needs the package {package}: pip install {package}") from error
    except FileNotFoundError as error:
        raise ResepError(f"{address}: there is no such file, or you may not see it") from error
    except Exception as error:  # every driver has exceptions of its own
        raise ResepError(f"{address}: could not be fetched: {type(error).__name__}: {error}") from error
    return digest.hexdigest()


def _pieces(remote: Any) -> Iterator[bytes]:
    file: BinaryIO = remote
    while piece := file.read(_PIECE):
        yield piece


def _folder(address: str) -> Path:
    return rows_cache() / hashlib.sha256(address.encode()).hexdigest()[:32]


def _file_name(address: str) -> str:
    return PurePosixPath(address.partition("://")[2]).name
