"""A small language for conditions on the fields of a row: parsed by Python's parser, interpreted here, never executed.

Comparisons (== != < <= > >= in, not in) of fields, texts, numbers, lists, true, false, null, length(x), lower(text) and
contains(text, part), joined by and, or, not. A stranger's recipe may bring one: it has no attributes, no arithmetic, no
other calls, and its time grows with its length and the length of the texts only.
"""

from __future__ import annotations

import ast
import operator
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from resep.suggest import did_you_mean, listed

Fields = Mapping[str, Any]
Meaning = Callable[[Fields], Any]

MAX_LENGTH = 500
MAX_DEPTH = 40
WORDS: Fields = {"true": True, "false": False, "null": None}
_FUNCTIONS: Mapping[str, tuple[Callable[..., Any], int]] = {
    "length": (len, 1),
    "lower": (str.lower, 1),
    "contains": (operator.contains, 2),
}
_COMPARISONS: Mapping[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda left, right: left in right,
    ast.NotIn: lambda left, right: left not in right,
}


@dataclass(frozen=True)
class Expression:
    """What an expression means, given the fields (and WORDS), and the names of fields that it speaks of.

    `meaning` raises TypeError where a field is of another type than the expression needs; that names types, no text.
    """

    meaning: Meaning
    names: tuple[str, ...]


@lru_cache
def understood(keep: str) -> Expression:
    """Raises ValueError for what is not in the language, wherever in the expression it stands."""
    if not keep.strip() or len(keep) > MAX_LENGTH:
        raise ValueError(f'write an expression of up to {MAX_LENGTH} characters, such as category != "spam"')
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # "\d" in a text
            tree = ast.parse(keep.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError(f"this is no expression: {getattr(error, 'msg', error)}") from error
    _refuse_depth(tree)
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in called}
    return Expression(_truth(tree), tuple(sorted(names - WORDS.keys())))


def _refuse_depth(tree: ast.expr) -> None:
    level: list[ast.AST] = [tree]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
    if level:
        raise ValueError(f"more than {MAX_DEPTH} parts stand within one another: say it more simply")


def _truth(node: ast.expr) -> Meaning:
    """The meaning of a part that must be true or false: `category == "a" or "b"` is refused, not always true."""
    meaning, text = _meaning(node), ast.unparse(node)
    if isinstance(node, ast.Constant) and not isinstance(node.value, bool):
        raise ValueError(f"{text} alone is neither true nor false: compare it with something")

    def judge(fields: Fields) -> bool:
        value = meaning(fields)
        if not isinstance(value, bool):
            raise TypeError(f"{text} is neither true nor false: compare it with something")
        return value

    return judge


def _meaning(node: ast.expr) -> Meaning:
    match node:
        case ast.Constant(value=(bool() | int() | float() | str() | None) as value):
            return lambda _: value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=(int() | float()) as value)):
            return lambda _: -value
        case ast.Name(id=name):
            return operator.itemgetter(name)
        case ast.List(elts=elements) | ast.Tuple(elts=elements):
            parts = [_meaning(element) for element in elements]
            return lambda fields: [part(fields) for part in parts]
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            denied = _truth(operand)
            return lambda fields: not denied(fields)
        case ast.BoolOp(op=op, values=values):
            judges, joined = [_truth(value) for value in values], all if isinstance(op, ast.And) else any
            return lambda fields: joined(judge(fields) for judge in judges)
        case ast.Compare():
            return _comparison(node)
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
            return _call(name, arguments)
    raise ValueError(f"'{ast.unparse(node)}' cannot be said here: compare fields, texts and numbers")


def _comparison(node: ast.Compare) -> Meaning:
    """`a < b <= c` is `a < b and b <= c`."""
    unknown = [op for op in node.ops if type(op) not in _COMPARISONS]
    if unknown:
        raise ValueError(f"'{ast.unparse(node)}' cannot be said here: write == or != instead of is")
    operands = [_meaning(operand) for operand in (node.left, *node.comparators)]
    compares = [_COMPARISONS[type(op)] for op in node.ops]
    triples = list(zip(operands, compares, operands[1:], strict=False))
    return lambda fields: all(compare(left(fields), right(fields)) for left, compare, right in triples)


def _call(name: str, arguments: list[ast.expr]) -> Meaning:
    if name not in _FUNCTIONS:
        raise ValueError(f"there is no {name}(){did_you_mean(name, _FUNCTIONS) or f': {listed(_FUNCTIONS)}'}")
    function, wanted = _FUNCTIONS[name]
    if len(arguments) != wanted:
        raise ValueError(f"{name}() takes {wanted} value{'s' * (wanted > 1)}, not {len(arguments)}")
    parts = [_meaning(argument) for argument in arguments]
    return lambda fields: function(*[part(fields) for part in parts])
