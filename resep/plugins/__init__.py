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
from pathlib import Path
from types import ModuleType
from typing import Any

from resep.errors import ResepError
from resep.paths import data_folder
from resep.plugins.source import FUNCTIONS, Option, read_function, read_help, read_metrics
from resep.records import Metric
from resep.suggest import did_you_mean

KINDS = tuple(FUNCTIONS)
_CALLED = {"preprocessing": "preprocessing step", "converters": "converter", "evaluators": "evaluator"}
_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9_]{0,99}")


@dataclass(frozen=True)
class Plugin:
    """What a plug-in's file says of itself. `shape` is the name of its function, which is its contract.

    `metrics` are those of an evaluator, where METRICS is literal; None where it could not be told without running it.
    """

    name: str
    path: Path
    help: str
    shape: str
    options: Mapping[str, Option] = field(default_factory=dict)
    metrics: tuple[Metric, ...] | None = None

    @property
    def kind(self) -> str:
        return self.path.parent.name


def names(kind: str, folder: Path | None = None) -> list[str]:
    """The plug-ins of a kind: ours, and those beside a recipe in `folder`, in alphabetical order."""
    folders = [data_folder(kind), *([folder / kind] if folder else [])]
    return sorted({path.stem for each in folders for path in each.glob("*.py") if _NAME.fullmatch(path.stem)})


def find(kind: str, name: str, folder: Path | None = None) -> Path:
    """The file of the plug-in `name`. `folder` is the recipe's. Raises ResepError where there is none, or two."""
    if kind not in FUNCTIONS:
        raise ValueError(f"no such kind of plug-in: {kind}")
    ours = data_folder(kind) / f"{name}.py"
    beside = folder / kind / f"{name}.py" if folder else ours
    is_name = _NAME.fullmatch(name) is not None
    if is_name and beside.is_file() and not is_shipped(beside):
        if ours.is_file():
            raise ResepError(f"{beside} has the name of a shipped plug-in and would hide it; give it another name")
        return beside
    if is_name and ours.is_file():
        return ours
    known = names(kind, folder)
    hint = did_you_mean(name, known) or f"; there are {', '.join(known)}"
    raise ResepError(f"there is no {_CALLED[kind]} '{name}'{hint}")


def is_shipped(path: Path) -> bool:
    """Whether this plug-in came with resep. One that came with a recipe is code that its reader has to trust first."""
    return path.resolve().parent == data_folder(path.parent.name).resolve() if path.parent.name in FUNCTIONS else False


def describe(path: Path) -> Plugin:
    """Read what a plug-in says of itself, without executing it. Raises ResepError where it breaks its contract."""
    source = _read(path)
    try:
        tree = ast.parse(source, str(path))
    except (SyntaxError, ValueError, RecursionError) as error:
        raise ResepError(f"{path} is not Python that can be read: {error}") from error
    kind = path.parent.name
    function = read_function(tree, FUNCTIONS.get(kind, ()), path)
    help_text, options = read_help(tree, function, path)
    metrics = read_metrics(tree) if kind == "evaluators" else None
    return Plugin(path.stem, path, help_text, function.name, options, metrics)


def content_hash(path: Path) -> str:
    """sha256 of the plug-in's bytes, in hex: what a person's consent is remembered by."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def open_plugin(path: Path) -> ModuleType:
    """Execute the plug-in and return its module. Raises ResepError where it cannot be imported.

    The module stands in `sys.modules` under a mangled name (dataclasses look themselves up there), never on `sys.path`:
    `converters/axolotl.py` would hide axolotl. The source is compiled here instead of through the import system,
    which would believe a `__pycache__` lying beside it: consent was given to the text of this file, nothing else.
    """
    source = _read(path)
    place, content = (hashlib.sha256(text.encode()).hexdigest()[:12] for text in (str(path.resolve()), source))
    name = f"resep_plugin_{path.parent.name}_{path.stem}_{place}_{content}"
    if name in sys.modules:
        return sys.modules[name]
    module = ModuleType(name)
    module.__file__ = str(path)
    sys.modules[name] = module
    try:
        exec(compile(source, str(path), "exec"), module.__dict__)
    except Exception as error:
        del sys.modules[name]
        raise ResepError(f"the plug-in {path} could not be loaded: {type(error).__name__}: {error}") from error
    return module


def option_values(plugin: Plugin, given: Mapping[str, Any]) -> dict[str, Any]:
    """Every option of the plug-in: the given value, else the default."""
    return {name: given.get(name, option.default) for name, option in plugin.options.items()}


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ResepError(f"the plug-in {path} is not UTF-8: {error}") from error
    except OSError as error:
        raise ResepError(f"the plug-in {path} could not be read: {error.strerror}") from error
