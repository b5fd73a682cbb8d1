"""The files that a recipe is made of: its own, those it extends, and where the relative paths of each begin.

A name under `extends` is one of three things: a path that ends in .yaml, relative to the file that names it and below
it; a name without that ending (`base/mistral-7b-qlora`); a recipe of another repository at one commit (remote.py).

A bare name means the file of this name beside the recipe where there is one, else the recipe that came with resep. A
plug-in may not hide a shipped one, because it is code; a recipe is data, `resep explain` names the file of each value,
and a person who copies recipes that build on each other, and changes them, means the copies.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from resep.document import Document, read_document
from resep.document.places import Place
from resep.errors import Problem, ResepError
from resep.paths import data_folder
from resep.recipe.paths import Folder, escapes, stays_within
from resep.recipe.remote import PREFIXES, Checkout, Remote, cached_checkout, parse_remote
from resep.suggest import did_you_mean

ENDINGS = (".yaml", ".yml")
Fetch = Callable[[Remote], Checkout]  # brings a recipe of another repository to this machine


class Refused(Exception):
    """A name under `extends` that leads to no recipe, and why."""


@dataclass(frozen=True)
class RecipeFile:
    """One file of a recipe. `file` is how places name it; `remote` where it came from, if not from here.

    `named` is the entry of `extends` that first led to it (None for the recipe itself), `extends` its own parents.
    """

    file: str
    path: Path
    folder: Folder
    sha256: str = ""
    remote: Remote | None = None
    named: Place | None = None
    extends: tuple[str, ...] = ()


def recipe_file(path: Path) -> RecipeFile:
    """The recipe that the person named."""
    folder = path.absolute().parent
    return RecipeFile(str(path), path, Folder(folder, folder))


def parent_file(name: str, child: RecipeFile, place: Place, fetch: Fetch | None) -> RecipeFile:
    """The file that a name under `extends` of `child` means. Raises Refused where there is none.

    `place` is that of the name. Nothing is fetched without `fetch`: what is not on this machine yet is refused.
    """
    if name.startswith(PREFIXES):
        return _remote(name, place, fetch)
    if not name.endswith(ENDINGS):
        beside = _named_beside(name, child, place)
        if beside is None:
            return _packaged(name, place)
        name = beside
    if place.typed:
        path = Path(os.path.expanduser(name))  # noqa: PTH111  Path.expanduser raises where there is no such person
        return RecipeFile(name, _existing(path, name), _beside(path), named=place)
    if reason := escapes(name):
        raise Refused(f"'{name}' {reason}")
    return _below(name, child, place)


def read_recipe(file: RecipeFile) -> tuple[Document, str]:
    """The document in the file and the sha256 of its bytes. A file that cannot be read is a problem of the document."""
    path = file.path
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        message = f"there is no such file{_nearest_file(path)}"
    except IsADirectoryError:
        message = "this is a folder; a recipe is a file"
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        message = f"the file cannot be read: {getattr(error, 'strerror', None) or error}"
    else:
        return _of_a_recipe(read_document(raw, file.file)), hashlib.sha256(raw).hexdigest()
    return Document(file.file, None, problems=(Problem(file.file, 0, 0, "", message),)), ""


def _of_a_recipe(document: Document) -> Document:
    """The document, with a problem where it could be read but holds no recipe."""
    if isinstance(document.data, dict) or any(problem.severity == "error" for problem in document.problems):
        return document
    message = "a recipe is a map of keys; it begins with 'resep: 1'"
    return Document(document.file, None, problems=(*document.problems, document.problem((), message)))


def _below(name: str, child: RecipeFile, place: Place) -> RecipeFile:
    remote = replace(child.remote, path=_joined(child.remote.path, name)) if child.remote else None
    label = remote.label if remote else _joined(child.file, name)
    path = _existing(child.folder.path / name, label)
    if not stays_within(path, child.folder.bounds):
        raise Refused(f"'{name}' leads out of the recipe's folder through a link")
    return RecipeFile(label, path, Folder(path.parent, child.folder.bounds), remote=remote, named=place)


def _named_beside(name: str, child: RecipeFile, place: Place) -> str | None:
    """The file below the recipe's folder (for what was typed, the current one) that a bare name means, if there is one.

    One that came with resep is not among them: it is what it is from wherever it is named.
    """
    if escapes(name):
        return None
    folder = Path.cwd() if place.typed else child.folder.path
    found = (name + ending for ending in ENDINGS if os.path.isfile(folder / (name + ending)))  # noqa: PTH113
    return next((file for file in found if not stays_within(folder / file, data_folder("recipes"))), None)


def _packaged(name: str, place: Place) -> RecipeFile:
    ours = data_folder("recipes")
    path = ours / f"{name}.yaml"
    if escapes(name) or not os.path.isfile(path):  # noqa: PTH113  Path.is_file raises for names that are too long
        raise Refused(f"no recipe '{name}' lies beside this one or came with resep{_nearest_recipe(name, ours)}")
    label = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
    return RecipeFile(str(label), path, _beside(path), named=place)


def _nearest_recipe(name: str, ours: Path) -> str:
    """What may have been meant by a name that is none of a recipe."""
    known = [path.relative_to(ours).with_suffix("").as_posix() for path in sorted(ours.rglob("*.yaml"))]
    return did_you_mean(name, known) or f": there are {', '.join(known)}"


def _remote(name: str, place: Place, fetch: Fetch | None) -> RecipeFile:
    try:
        remote = parse_remote(name)
        checkout = cached_checkout(remote) or (fetch(remote) if fetch else None)
    except ResepError as error:
        raise Refused(str(error)) from error
    if checkout is None:
        raise Refused(
            f"this parent is not on this machine yet, and nothing is fetched unless you say so: "
            f"run `resep plan` with --fetch, which gets it once from {remote.host}"
        )
    path = _existing(checkout.folder / remote.path, remote.label)
    if not stays_within(path, checkout.bounds):
        raise Refused(f"'{remote.path}' leads out of its repository through a link")
    return RecipeFile(remote.label, path, Folder(path.parent, checkout.bounds), remote=remote, named=place)


def _existing(path: Path, label: str) -> Path:
    if os.path.isfile(path):  # noqa: PTH113
        return path
    is_folder = os.path.isdir(path)  # noqa: PTH112
    raise Refused(f"'{label}' is a folder" if is_folder else f"there is no file '{label}'{_nearest_file(path)}")


def _nearest_file(path: Path) -> str:
    there = [other.name for other in path.parent.glob("*.y*ml")] if os.path.isdir(path.parent) else []  # noqa: PTH112
    return did_you_mean(path.name, there)


def _joined(file: str, name: str) -> str:
    return os.path.normpath(Path(file).parent / name)


def _beside(path: Path) -> Folder:
    folder = path.absolute().parent
    return Folder(folder, folder)
