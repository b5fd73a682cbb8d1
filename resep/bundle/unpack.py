"""Open a bundle of a stranger, and find what it does not bring: the data, and a model that was a folder."""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import shutil
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from resep import models
from resep.digests import digest_tree
from resep.errors import ResepError
from resep.paths import recipe_cache
from resep.repeatable import INPUTS, RECIPE, Input, read_inputs
from resep.sources.found import digest_of, files_at

if TYPE_CHECKING:
    from resep.recipe import Recipe

ENDINGS = (".tar.gz", ".tgz")
MOST_FILES = 200
MOST_BYTES = 8 * 1024**3
MOST_TEXT_BYTES = 256 * 1024**2  # of one file without weights
_MOST_AT_ONCE = 16 * 1024**2  # a header of the archive may claim to be gigabytes long
_NAMES = re.compile(
    r"recipe\.yaml|inputs\.json|recipe\.lock\.yaml|report\.(?:html|md)|(?:results|ratings)\.json|axolotl\.yaml"
    r"|predictions\.csv|job\.json|(?:ledger|samples|scores)\.jsonl"
    r"|adapter/[\w.-]+\.(?:safetensors|json|jinja|md|model|txt)|templates/[\w.-]+\.jinja"
    r"|(?:evaluators|(?:adapter/)?preprocessing)/[A-Za-z]\w{0,99}\.py"
)


@dataclass(frozen=True)
class Bundle:
    """An opened bundle: its folder in this person's cache, and what has to be supplied for it to run."""

    path: Path
    folder: Path
    inputs: tuple[Input, ...]

    @property
    def recipe(self) -> Path:
        return self.folder / RECIPE


def is_bundle(path: Path) -> bool:
    """Whether the path is that of a bundle rather than of a recipe."""
    return path.name.endswith(ENDINGS)


def open_bundle(path: Path) -> Bundle:
    """Unpack a bundle into the cache, where that was not done before. Raises ResepError where it is not sound.

    Nothing is written outside that folder: only files of the names that `resep bundle` writes are accepted, no links,
    and no more than MOST_FILES and MOST_BYTES of them.
    """
    folder = recipe_cache().parent / "bundles" / _sha256(path)[:32]
    if not folder.is_dir():
        partial = folder.with_name(f"{folder.name}.{os.getpid()}")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        try:
            _unpack(path, partial)
            read_inputs(partial)
        except (tarfile.TarError, OSError, EOFError, ValueError, KeyError, TypeError) as error:
            shutil.rmtree(partial, ignore_errors=True)
            raise ResepError(f"{path} is not a bundle that can be read: {error}") from error
        except ResepError:
            shutil.rmtree(partial, ignore_errors=True)
            raise
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
    return Bundle(path, folder, tuple(read_inputs(folder)))


def found_here(bundle: Bundle, overrides: Sequence[str]) -> list[str]:
    """`--set` for every input that lies under the current folder by its own name and that nothing else replaces."""
    missing = [each for each in bundle.inputs if not any(_speaks_of(text, each.key) for text in overrides)]
    return [f"{each.key}='{each.path}'" for each in missing if _is_safe(each.path) and files_at(Path(each.path))]


def require_inputs(bundle: Bundle, recipe: Recipe) -> list[str]:
    """A sentence for every input that is not what the run was made from. Raises ResepError where one is missing."""
    here = [(each, recipe.locate(each.key)) for each in bundle.inputs]
    missing = [each for each, path in here if not files_at(path)]
    if missing:
        lines = [f"  {each.path} (sha256 {each.digest}), or: --set {each.key}=..." for each in missing]
        raise ResepError(f"{bundle.path} brings no data; put it under the current folder:\n" + "\n".join(lines))
    return [
        f"{path} is not what the run was made from ({_digest(path)}, not {each.digest}): its numbers will differ"
        for each, path in here
        if _digest(path) != each.digest
    ]


def _digest(path: Path) -> str:
    if (path / "adapter_config.json").is_file() and not (path / "config.json").is_file():
        return digest_tree(path)
    return models.identify(str(path)) if path.is_dir() else digest_of([digest_tree(each) for each in files_at(path)])


def _speaks_of(override: str, key: str) -> bool:
    named = override.partition("=")[0].strip()
    return named == key or key.startswith((f"{named}.", f"{named}["))


def _is_safe(path: str) -> bool:
    from resep.recipe.paths import escapes

    return escapes(path) is None and "'" not in path


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ResepError(f"{path} cannot be read: {error.strerror}") from error


def _unpack(path: Path, folder: Path) -> None:
    size = 0
    with _Bounded(path) as unzipped, tarfile.open(fileobj=unzipped, mode="r:") as archive:
        for number, entry in enumerate(archive):
            name = _checked_name(entry)
            size += entry.size
            most = MOST_BYTES if name.endswith(".safetensors") else MOST_TEXT_BYTES
            if number >= MOST_FILES or size > MOST_BYTES or entry.size > most:
                raise ResepError(f"{path} holds more than a bundle does: '{entry.name}' has {entry.size:,} bytes")
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            body = archive.extractfile(entry)
            assert body is not None, "a regular file has a body"
            with target.open("xb") as file:
                shutil.copyfileobj(body, file)
    for name in (RECIPE, INPUTS):
        if not (folder / name).is_file():
            raise ResepError(f"{path} has no {name}: it was not written by `resep bundle`")


class _Bounded(gzip.GzipFile):
    """A file that refuses to be read in very large pieces."""

    def read(self, size: int | None = -1) -> bytes:
        if size is None or not 0 <= size <= _MOST_AT_ONCE:
            raise ResepError(f"the bundle has a header of {size} bytes: it was not written by resep")
        return super().read(size)


def _checked_name(entry: tarfile.TarInfo) -> str:
    """The name below the bundle's top folder."""
    if not entry.isreg():
        raise ResepError(f"the bundle holds '{entry.name}', which is no plain file: it was not written by resep")
    top, _, name = entry.name.partition("/")
    if ".." in PurePosixPath(entry.name).parts or not top or not _NAMES.fullmatch(name):
        raise ResepError(f"the bundle holds '{entry.name}', a name that `resep bundle` does not write")
    return name
