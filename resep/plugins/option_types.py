"""Python annotations of plug-in options as draft-07 JSON Schema."""

from __future__ import annotations

import ast
from typing import Any

_SIMPLE: dict[str, dict[str, Any]] = {
    "bool": {"type": "boolean"},
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "str": {"type": "string"},
    "list": {"type": "array"},
    "dict": {"type": "object"},
}
_LISTS, _MAPS = {"list", "tuple", "Sequence"}, {"dict", "Mapping"}


class UnknownType(ValueError):
    """An annotation that a recipe has no way to write."""


def schema_of(annotation: str) -> dict[str, Any]:
    """`list[str]` -> {"type": "array", "items": {"type": "string"}}; None in a union means that null is allowed."""
    return _schema(ast.parse(annotation, mode="eval").body)


def _schema(node: ast.expr) -> dict[str, Any]:
    if isinstance(node, ast.Name) and node.id in _SIMPLE:
        return dict(_SIMPLE[node.id])
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
        return _generic(node.value.id, node.slice)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr) and _is_none(node.right):
        return _or_null(_schema(node.left))
    raise UnknownType(
        f"the type '{ast.unparse(node)}' is none of bool, int, float, str, Literal, list, dict, or one of them | None"
    )


def _generic(name: str, inside: ast.expr) -> dict[str, Any]:
    arguments = inside.elts if isinstance(inside, ast.Tuple) else [inside]
    if name == "Literal":
        return {"enum": [ast.literal_eval(argument) for argument in arguments]}
    if name in _LISTS:
        return {"type": "array", "items": _schema(arguments[0])}
    if name in _MAPS and len(arguments) == 2:
        return {"type": "object", "additionalProperties": _schema(arguments[1])}
    raise UnknownType(f"the type '{name}[...]' cannot be written in a recipe")


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    if "enum" in schema:
        return {"enum": [*schema["enum"], None]}
    return {**schema, "type": [schema["type"], "null"]}


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
