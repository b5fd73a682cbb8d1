"""What stands in a plug-in's source: its function, its options with types and defaults, its help, its metrics.

Everything is read from the syntax tree; nothing of the plug-in is executed.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from resep.errors import ResepError
from resep.plugins.option_types import UnknownType, schema_of
from resep.records import Metric
from resep.suggest import listed

# The kinds of plug-ins are the folders they lie in; a plug-in defines exactly one function of its kind. Two have a
# companion with the same options: judge_rows says what becomes of the rows of digest_rows, and make_transforms, which
# a text step may have, gives a function for many texts at once that does to each what the step does to it alone.
FUNCTIONS: Mapping[str, tuple[str, ...]] = {
    "preprocessing": ("transform_text", "make_transform", "check_row", "digest_rows", "process_rows"),
    "converters": ("convert",),
    "evaluators": ("evaluate",),
}
# What an evaluator may look at besides its samples (resep.Context has it): `NEEDS = ("models", "rows")`. Its stage is
# run again when that changes, and it cannot be run where there are only samples.
NEEDS: Mapping[str, str] = {
    "models": "the weights behind the arms",
    "rows": "the prepared rows",
    "private": "digests of the personal data that was taken out of the rows",
    "texts": "the general texts that come with Resep",
    "timings": "notes of how long the answers took",
}
TEXT_SHAPES = ("transform_text", "make_transform")  # preprocessing steps that change texts, field by field
RESERVED = "fields"  # the runner's own option of a preprocessing step


@dataclass(frozen=True)
class Option:
    """One keyword-only parameter. `type` is its annotation as written, `choices` those of a Literal."""

    type: str
    default: Any
    help: str = ""
    choices: tuple[Any, ...] = ()


def read_function(tree: ast.Module, allowed: Sequence[str], path: Path) -> ast.FunctionDef:
    """The one function that makes the file a plug-in of its kind."""
    found = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name in allowed]
    if len(found) != 1:
        has = " and ".join(function.name for function in found) or "none"
        raise ResepError(f"{path}: a plug-in here defines one function called {listed(allowed)}; this file has {has}")
    if found[0].args.kwarg or found[0].args.vararg:
        raise ResepError(f"{path}:{found[0].lineno}: *args and **kwargs would hide the options; name each option")
    return found[0]


def read_help(tree: ast.Module, function: ast.FunctionDef, path: Path) -> tuple[str, dict[str, Option]]:
    """The docstring's first line, and the options, each with the docstring line `option: text` that describes it."""
    first, *rest = (ast.get_docstring(tree) or "").splitlines() or [""]
    helps = _option_helps(rest)
    constants = _literal_constants(tree)
    options: dict[str, Option] = {}
    for argument, default in zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True):
        try:
            options[argument.arg] = _option(argument, default, constants, helps.get(argument.arg, ""))
        except (UnknownType, ValueError) as error:
            raise ResepError(f"{path}:{argument.lineno}: option '{argument.arg}': {error}") from error
    return first.strip(), options


def read_metrics(tree: ast.Module) -> tuple[Metric, ...] | None:
    """METRICS of an evaluator where it is a literal tuple of Metric(...) calls, else None: could not tell."""
    value = _assigned(tree).get("METRICS")
    if not isinstance(value, ast.Tuple | ast.List):
        return None
    try:
        return tuple(_metric(call) for call in value.elts)
    except (ValueError, TypeError):
        return None


def defines_function(tree: ast.Module, name: str) -> bool:
    """Whether the module defines a function of this name."""
    return any(isinstance(node, ast.FunctionDef) and node.name == name for node in tree.body)


def read_split(tree: ast.Module, path: Path) -> str | None:
    """SPLIT of a preprocessing step: "train" for one that sees the training rows only; None for one that sees all."""
    value = _literal_constants(tree).get("SPLIT")
    if value not in (None, "train"):
        raise ResepError(f'{path}: SPLIT is "train" for a step that sees the training rows only, else left out')
    return value


def read_needs(tree: ast.Module, path: Path) -> tuple[str, ...]:
    """NEEDS of an evaluator: what it looks at besides the samples, of those that NEEDS above names."""
    value = _literal_constants(tree).get("NEEDS", [])
    unknown = [name for name in value if name not in NEEDS] if isinstance(value, list) else [value]
    if unknown:
        raise ResepError(f"{path}: NEEDS is a tuple of {listed(tuple(NEEDS))}, not of {unknown[0]!r}")
    return tuple(value)


def read_packages(tree: ast.Module, path: Path) -> dict[str, str]:
    """PACKAGES of a plug-in: the modules that it imports and not every installation has -> what to install."""
    value = _literal_constants(tree).get("PACKAGES", {})
    if not isinstance(value, dict) or not all(isinstance(part, str) for item in value.items() for part in item):
        raise ResepError(f"{path}: PACKAGES maps the name of a module to what pip installs, both as texts")
    return value


def _option(argument: ast.arg, default: ast.expr | None, constants: Mapping[str, Any], text: str) -> Option:
    if argument.arg == RESERVED:
        raise ValueError("this name is the runner's own; choose another")
    if argument.annotation is None:
        raise ValueError("it has no type")
    if default is None:
        raise ValueError("it has no default")
    written = ast.unparse(argument.annotation)
    schema = schema_of(written)
    return Option(written, _literal(default, constants), text, tuple(schema.get("enum", ())))


def _literal(node: ast.expr, constants: Mapping[str, Any]) -> Any:
    """The value of a default: a literal, or the name of a literal constant of the module. Tuples become lists."""
    if isinstance(node, ast.Name) and node.id in constants:
        return constants[node.id]
    try:
        return _plain(ast.literal_eval(node))
    except (ValueError, TypeError) as error:
        raise ValueError(f"its default '{ast.unparse(node)}' is not a literal") from error


def _literal_constants(tree: ast.Module) -> dict[str, Any]:
    constants: dict[str, Any] = {}
    for name, value in _assigned(tree).items():
        try:
            constants[name] = _plain(ast.literal_eval(value))
        except (ValueError, TypeError):
            continue  # not a literal: no option may have it as its default
    return constants


def _assigned(tree: ast.Module) -> dict[str, ast.expr]:
    """Names assigned once at the top of the module."""
    assigned: dict[str, ast.expr] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            assigned[node.targets[0].id] = node.value
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
            assigned[node.target.id] = node.value
    return assigned


def _metric(call: ast.expr) -> Metric:
    if not isinstance(call, ast.Call):
        raise ValueError("METRICS holds something else than Metric(...)")
    named = {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords if keyword.arg}
    return Metric(*map(ast.literal_eval, call.args), **named)


def _plain(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value


def _option_helps(lines: Sequence[str]) -> dict[str, str]:
    """`option: text` lines, each with the indented lines that continue it."""
    helps: dict[str, str] = {}
    name = ""
    for line in lines:
        if match := re.fullmatch(r"`?(\w+)`?: +(\S.*)", line):
            name, helps[match[1]] = match[1], match[2].strip()
        elif name and line.startswith(" "):
            helps[name] += f" {line.strip()}"
        else:
            name = ""
    return helps
