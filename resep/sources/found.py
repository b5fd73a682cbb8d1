"""Which files the sources of a recipe are: one by its name, those that a glob finds, a copy of what lies elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from glob import glob
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from resep.digests import digest_json
from resep.errors import ResepError
from resep.recipe.paths import is_address, is_pattern
from resep.sources import hub, remote
from resep.sources.kinds import kind_of
from resep.suggest import did_you_mean

if TYPE_CHECKING:
    from resep.recipe import Recipe
    from resep.store import Emit

_MOST_SHOWN = 8  # names that a message lists


@dataclass(frozen=True)
class SourceFile:
    """One file of a source. `name` is what places in messages call it."""

    path: Path
    name: str


@dataclass(frozen=True)
class Source:
    """One entry of `data.sources`, its files in the order in which they are read. `name` is as the recipe has it."""

    index: int
    name: str
    files: tuple[SourceFile, ...]


def open_sources(recipe: Recipe, emit: Emit) -> list[Source]:
    """The sources of a recipe, all of them on this machine: data of the hub is brought here.

    Raises ResepError with a place where something is not there.
    """
    sources = []
    for index, given in enumerate(recipe["data.sources"]):
        if given.get("hub"):
            wanted = hub.Wanted.from_source(given)
            files: tuple[SourceFile, ...] = (SourceFile(hub.brought(wanted, emit), wanted.label),)
        else:
            files = local_files(recipe, index)
        for file in files:
            check_file(file)
        sources.append(Source(index, source_name(given), files))
    return sources


def source_name(given: Mapping[str, Any]) -> str:
    """One entry of `data.sources` as messages call it: its path, or what it is on the hub."""
    return hub.Wanted.from_source(given).label if given.get("hub") else str(given["path"])


def local_source(recipe: Recipe, index: int) -> Source | None:
    """A source for those who only look: None where it is not on this machine yet. Raises ResepError as open_sources."""
    given = recipe["data.sources"][index]
    files: tuple[SourceFile, ...]
    if given.get("hub"):
        wanted = hub.Wanted.from_source(given)
        files = (SourceFile(wanted.file, wanted.label),) if wanted.file.is_file() else ()
    else:
        is_elsewhere = is_address(given["path"]) and remote.copy_of(given["path"]) is None
        files = () if is_elsewhere else local_files(recipe, index)
    return Source(index, source_name(given), files) if files else None


def local_files(recipe: Recipe, index: int) -> tuple[SourceFile, ...]:
    """The files of a source with a `path`. Raises ResepError where there are none."""
    key, text = f"data.sources[{index}].path", recipe[f"data.sources[{index}].path"]
    if is_address(text):
        return (SourceFile(remote.copied(text), text),)
    path = recipe.locate(key)
    if not is_pattern(text) or path.is_file():
        return (SourceFile(path, text),)
    folder, names = _matches(path)
    if not names:
        raise ResepError(f"{text}: no file has a name like this{_there(folder)}")
    above = PurePosixPath(*PurePosixPath(text).parts[: -len(path.relative_to(folder).parts)])
    for name in names:
        if not recipe.grounds.admits(key, folder / name):
            raise ResepError(
                f"{above / name}: leads out of the recipe's folder through a link; put the file itself here"
            )
    return tuple(SourceFile(folder / name, str(above / name)) for name in names)


def lookup_file(recipe: Recipe, index: int) -> SourceFile | None:
    """The table that a source looks its rows up in, if it does. Raises ResepError for a path that leads elsewhere."""
    given = recipe["data.sources"][index].get("lookup")
    return SourceFile(recipe.locate(f"data.sources[{index}].lookup.path"), given["path"]) if given else None


def files_at(path: Path) -> list[Path]:
    """The files that a path of a source means: itself, or by name what its pattern finds. Empty: nothing is there."""
    if path.exists() or not is_pattern(str(path)):
        return [path] if path.exists() else []
    folder, names = _matches(path)
    return [folder / name for name in names]


def digest_of(digests: Sequence[str]) -> str:
    """What stands for a source: the sha256 of its file, or one digest made of those of its files in their order."""
    return digests[0] if len(digests) == 1 else digest_json(list(digests))


def reads(recipe: Recipe) -> dict[str, Path]:
    """The files below the recipe's folder (or typed) that its sources are or look up, by their names in messages.

    Two files may have one name, where one of them is a parent's: then the name of the second says which source it is.
    """
    found: dict[str, Path] = {}
    for index, given in enumerate(recipe["data.sources"]):
        files = local_files(recipe, index) if _is_path(given) else ()
        for file in (*files, *filter(None, [lookup_file(recipe, index)])):
            is_other = found.get(file.name, file.path) != file.path
            found[f"{file.name} (source {index + 1})" if is_other else file.name] = file.path
    return found


def identities(recipe: Recipe) -> dict[str, str]:
    """What the sources are that lie elsewhere: the content that was fetched by its sha256, hub data by its revision."""
    found = {}
    for given in recipe["data.sources"]:
        if given.get("hub"):
            wanted = hub.Wanted.from_source(given)
            found[wanted.label] = wanted.identity
        elif is_address(given["path"]):
            copy = remote.copy_of(given["path"])
            found[given["path"]] = f"sha256:{copy.sha256}" if copy else "not fetched yet"
    return found


def downloads(recipe: Recipe) -> Iterator[str]:
    """What a run would have to bring here, for a person who plans one."""
    for given in recipe["data.sources"]:
        if given.get("hub"):
            wanted = hub.Wanted.from_source(given)
            if not wanted.file.is_file():
                yield f"{wanted.label} from the hub"
        elif is_address(given["path"]) and remote.copy_of(given["path"]) is None:
            yield f"{given['path']} (once, when you say --fetch)"


def check_file(file: SourceFile) -> None:
    """A ResepError unless the file is there and of a kind that can be read."""
    kind_of(file.path.name, file.name)
    check_there(file)


def check_there(file: SourceFile) -> None:
    """A ResepError unless the file is there, with something in it."""
    path, name = file.path, file.name
    if not path.is_file():
        beside = [each.name for each in path.parent.iterdir()] if path.parent.is_dir() else []
        what = "is a folder (its files are written folder/*.jsonl)" if path.is_dir() else "no such file"
        folder = "" if Path(name).is_absolute() else f" in {path.parent}"
        raise ResepError(f"{name}: {what}{folder}{did_you_mean(path.name, beside)}")
    if path.stat().st_size == 0:
        raise ResepError(f"{name}: the file is empty")


def _is_path(given: Mapping[str, Any]) -> bool:
    return bool(given.get("path")) and not is_address(given["path"])


def _matches(path: Path) -> tuple[Path, list[str]]:
    """(the folder where a pattern begins, the files below it that the pattern finds, by name)."""
    folder = next(above for above in path.parents if above.is_dir())  # a folder that is there is meant as it is written
    found = glob(str(path.relative_to(folder)), root_dir=folder, recursive=True)  # noqa: PTH207  no hidden files
    return folder, sorted(name for name in found if (folder / name).is_file())


def _there(folder: Path) -> str:
    names = sorted(entry.name + "/" * entry.is_dir() for entry in folder.iterdir() if entry.name[0] != ".")
    more = f" and {len(names) - _MOST_SHOWN} more" if len(names) > _MOST_SHOWN else ""
    return f"; in {folder} there is {', '.join(names[:_MOST_SHOWN]) or 'nothing'}{more}"
