"""Plug-ins: one Python file each, found by name, described without being run, opened only when a stage needs it.

The file's name is the plug-in's name, its docstring the help, and the keyword-only parameters of its one function ARE
its options: their annotations are the types, their literal defaults the defaults. All of that is read with `ast`, so
that checking a stranger's recipe never executes a line of the code that came with it. There is no registry, no
decorator and no base class: a file in the right folder is a plug-in.

Plug-ins are looked for beside the recipe (`<recipe's folder>/<kind>/NAME.py`), then among ours. A shipped name cannot
be shadowed, so that a recipe's `bertscore` is everybody's `bertscore`.
"""

from __future__ import annotations

import ast
import hashlib
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

from resep.errors import ResepError
from resep.paths import data_folder
from resep.plugins.source import (
    FUNCTIONS,
    Option,
    defines_function,
    read_function,
    read_help,
    read_metrics,
    read_needs,
    read_packages,
    read_split,
)
from resep.plugins.trust import is_agreed
from resep.records import Metric
from resep.suggest import did_you_mean

KINDS = tuple(FUNCTIONS)
_CALLED = {"preprocessing": "preprocessing step", "converters": "converter", "evaluators": "evaluator"}
_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9_]{0,99}")


@dataclass(frozen=True)
class Plugin:
    """What a plug-in's file says of itself. `shape` is the name of its function, which is its contract.

    `metrics` are those of an evaluator, where METRICS is literal; None where it could not be told without running it.
    `defines_metrics`: its function `metrics(options)` has the last word on them (plugins/metrics.py).
    `split` is that of a preprocessing step with `SPLIT = "train"`: it sees the training rows only, after the split.
    `needs` are those of an evaluator that looks at more than its samples (source.NEEDS). `packages`: module -> what to
    install, for modules that not every installation has.
    """

    name: str
    path: Path
    help: str
    shape: str
    options: Mapping[str, Option] = field(default_factory=dict)
    metrics: tuple[Metric, ...] | None = None
    split: str | None = None
    needs: tuple[str, ...] = ()
    packages: Mapping[str, str] = field(default_factory=dict)
    defines_metrics: bool = False

    @property
    def kind(self) -> str:
        return self.path.parent.name


def names(kind: str, *folders: Path | None) -> list[str]:
    """The plug-ins of a kind: ours, and those beside the recipes in `folders`, in alphabetical order."""
    searched = [data_folder(kind), *(folder / kind for folder in folders if folder)]
    return sorted({path.stem for each in searched for path in each.glob("*.py") if _NAME.fullmatch(path.stem)})


def find(kind: str, name: str, *folders: Path | None) -> Path:
    """The file of the plug-in `name`, in the first of the recipes' `folders` that has it, else among ours.

    Raises ResepError where there is none, or where one would hide a shipped one.
    """
    if kind not in FUNCTIONS:
        raise ValueError(f"no such kind of plug-in: {kind}")
    file, ours = f"{name}.py", data_folder(kind) / f"{name}.py"
    is_name = _NAME.fullmatch(name) is not None
    beside = [folder / kind / file for folder in folders if folder and is_name]
    own = next((path for path in beside if path.is_file() and not is_shipped(path)), None)
    if own and ours.is_file():
        raise ResepError(f"{own} has the name of a shipped plug-in and would hide it; give it another name")
    if own or (is_name and ours.is_file()):
        return own or ours
    known = names(kind, *folders)
    hint = did_you_mean(name, known) or f"; there are {', '.join(known)}"
    raise ResepError(f"there is no {_CALLED[kind]} '{name}'{hint}")


def is_shipped(path: Path) -> bool:
    """Whether this plug-in came with resep. One that came with a recipe is code that its reader has to trust first."""
    return path.resolve().parent == data_folder(path.parent.name).resolve() if path.parent.name in FUNCTIONS else False


def describe(path: Path) -> Plugin:
    """Read what a plug-in says of itself, without executing it. Raises ResepError where it breaks its contract."""
    return _describe(path, _read(path))


@lru_cache(maxsize=256)  # 0.4 ms each: a recipe names eight of them, and one call may check hundreds of recipes
def _describe(path: Path, source: str) -> Plugin:
    try:
        tree = ast.parse(source, str(path))
    except (SyntaxError, ValueError, RecursionError) as error:
        raise ResepError(f"{path} is not Python that can be read: {error}") from error
    kind = path.parent.name
    function = read_function(tree, FUNCTIONS.get(kind, ()), path)
    help_text, options = read_help(tree, function, path)
    metrics = read_metrics(tree) if kind == "evaluators" else None
    split = read_split(tree, path) if kind == "preprocessing" else None
    needs = read_needs(tree, path) if kind == "evaluators" else ()
    packages, defines = read_packages(tree, path), defines_function(tree, "metrics")
    return Plugin(path.stem, path, help_text, function.name, options, metrics, split, needs, packages, defines)


def content_hash(path: Path) -> str:
    """sha256 of the plug-in's bytes, in hex: what a person's consent is remembered by."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def pin(hashes: Mapping[Path, str]) -> None:
    """From now on this process opens these plug-ins only where their content has this sha256."""
    _pinned.update({path.resolve(): sha256 for path, sha256 in hashes.items()})


def open_plugin(path: Path) -> ModuleType:
    """Execute the plug-in and return its module. Raises ResepError where it cannot be imported, or may not be run.

    The module stands in `sys.modules` under a mangled name (dataclasses look themselves up there), never on `sys.path`:
    `converters/axolotl.py` would hide axolotl. The source is compiled here instead of through the import system,
    which would believe a `__pycache__` lying beside it: consent was given to the text of this file, nothing else.
    The file is read once: what is hashed is what is executed.
    """
    raw = _read_bytes(path)
    sha256 = hashlib.sha256(raw).hexdigest()
    _require_consent(path, sha256)
    place = hashlib.sha256(str(path.resolve()).encode()).hexdigest()
    name = f"resep_plugin_{path.parent.name}_{path.stem}_{place[:12]}_{sha256[:12]}"
    if name in sys.modules:
        return sys.modules[name]
    module = ModuleType(name)
    module.__file__ = str(path)
    sys.modules[name] = module
    try:
        exec(compile(_text(path, raw), str(path), "exec"), module.__dict__)
    except Exception as error:
        del sys.modules[name]
        raise ResepError(f"the plug-in {path} could not be loaded: {type(error).__name__}: {error}") from error
    return module


def option_values(plugin: Plugin, given: Mapping[str, Any]) -> dict[str, Any]:
    """Every option of the plug-in: the given value, else the default."""
    return {name: given.get(name, option.default) for name, option in plugin.options.items()}


def require_consent(path: Path) -> None:
    """Raise a ResepError where this is code of a stranger that the person at the keyboard has not agreed to."""
    _require_consent(path, content_hash(path))


_pinned: dict[Path, str] = {}


def _require_consent(path: Path, sha256: str) -> None:
    """Refuse code of a stranger that this person has not agreed to, and any code that changed since it was judged."""
    if _pinned.get(path.resolve(), sha256) != sha256:
        raise ResepError(f"the plug-in {path} has changed since this run began; start it again")
    if not is_shipped(path) and not is_agreed(sha256):
        raise ResepError(
            f"the plug-in {path} is code that did not come with resep: it runs only if you say so. "
            f"Read it, then add: --trust {path}"
        )


def _read(path: Path) -> str:
    return _text(path, _read_bytes(path))


def _text(path: Path, raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ResepError(f"the plug-in {path} is not UTF-8: {error}") from error


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ResepError(f"the plug-in {path} could not be read: {error.strerror}") from error
