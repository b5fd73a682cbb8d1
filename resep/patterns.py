"""Regular expressions that a stranger's recipe brings: compiled only when they cannot run away on a long text.

The rules keep to what linear-time engines (RE2, Rust) accept as well, so that a recipe means the same with any of them.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator, Sequence
from typing import Any

MAX_LENGTH = 500
MAX_UNBOUNDED = 3  # each unbounded repeat may multiply the time by the length of the text
_MANY = 32  # a group repeated more often than this counts as repeated without bound

_parser: Any = importlib.import_module("re._parser")  # the standard library's own parser; it has no public name
_REPEATS = frozenset(getattr(_parser, name) for name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"))
_NOT_PORTABLE = frozenset(
    getattr(_parser, name) for name in ("ASSERT", "ASSERT_NOT", "GROUPREF", "GROUPREF_EXISTS", "ATOMIC_GROUP")
)


def compile_safe(pattern: str) -> re.Pattern[str]:
    """The compiled pattern; ValueError says why it is refused: it does not compile, or it could take for ever."""
    if len(pattern) > MAX_LENGTH:
        raise ValueError(f"the pattern has {len(pattern)} characters; {MAX_LENGTH} are allowed")
    try:
        tree = _parser.parse(pattern)
        compiled = re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"the pattern does not compile: {error}") from error
    if tree.getwidth()[0] == 0:
        raise ValueError("the pattern also matches nothing at all, at every place of a text: use + or {1,20}, not *")
    _refuse_runaways(list(_walk(tree)))
    return compiled


def _refuse_runaways(nodes: Sequence[tuple[Any, Any]]) -> None:
    if any(operation in _NOT_PORTABLE for operation, _ in nodes):
        raise ValueError("the pattern looks ahead, behind or back: write \\b at its ends, and repeat text literally")
    repeats = [argument for operation, argument in nodes if operation in _REPEATS]
    if sum(highest > _MANY for _, highest, _ in repeats) > MAX_UNBOUNDED:
        raise ValueError(f"the pattern has more than {MAX_UNBOUNDED} repeats without a bound: write {{1,20}}, not +")
    for _, highest, body in repeats:
        inside = [operation for operation, argument in _walk(body) if _varies(operation, argument)]
        if highest > 1 and inside and not (highest <= _MANY and _is_separated(body)):
            raise ValueError("the pattern repeats a group that itself repeats or has alternatives: (a+)+, (a|b)*")


def _walk(tree: Any) -> Iterator[tuple[Any, Any]]:
    for operation, argument in tree:
        yield operation, argument
        for child in _children(argument):
            yield from _walk(child)


def _children(argument: Any) -> Iterator[Any]:
    if isinstance(argument, _parser.SubPattern):
        yield argument
    elif isinstance(argument, (tuple, list)):
        for part in argument:
            yield from _children(part)


def _varies(operation: Any, argument: Any) -> bool:
    """Whether this node can match the same text in more than one way."""
    return operation is _parser.BRANCH or (operation in _REPEATS and argument[0] != argument[1])


def _is_separated(body: Any) -> bool:
    """Whether each round of a repeated group begins or ends with a fixed character, as in ([0-9]{1,3}[.]){3}."""
    nodes = list(body)
    if len(nodes) == 1 and nodes[0][0] is _parser.SUBPATTERN:
        nodes = list(nodes[0][1][-1])
    return bool(nodes) and _parser.LITERAL in (nodes[0][0], nodes[-1][0])
