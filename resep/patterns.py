"""Regular expressions that a stranger's recipe brings: compiled only when they cannot run away on a long text.

A pattern means the same on every machine: it is read once, by Python's parser, and written anew (pattern_text.py) for
the engine that runs it. That is google-re2, whose time grows with the length of the text and with nothing else; where
it is not installed, Python's own engine, for patterns with at most one repeat without a bound.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from resep import pattern_text
from resep.pattern_text import REPEATS, children, parser

Engine = Literal["re2", "re"]

MAX_LENGTH = 500
MAX_TIMES = 1000  # RE2's own limit, of a repeat and of repeats within repeats multiplied
MAX_UNBOUNDED = 3
MAX_UNBOUNDED_IN_RE = 1  # Python's engine: each one multiplies the time by the length of the text
_MANY = 32  # a group repeated more often than this counts as repeated without bound
_NOT_PORTABLE = frozenset(
    getattr(parser, name)
    for name in ("ASSERT", "ASSERT_NOT", "GROUPREF", "GROUPREF_EXISTS", "ATOMIC_GROUP", "POSSESSIVE_REPEAT")
)


@dataclass(frozen=True)
class SafePattern:
    """A pattern that may run on any text. `pattern` is what the recipe says, `needed` a text that every match holds."""

    pattern: str
    engine: Engine
    needed: str
    compiled: Any

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Where the pattern matches, from left to right, in characters."""
        if self.needed in text:
            yield from (found.span() for found in self.compiled.finditer(_encodable(text)))

    def sub(self, replacement: Callable[[str], str], text: str) -> str:
        """The text with every match replaced. (RE2's own `sub` garbles a replacement that is not ASCII.)"""
        parts, end = [], 0
        for start, stop in self.spans(text):
            parts += [text[end:start], replacement(text[start:stop])]
            end = stop
        return "".join([*parts, text[end:]]) if parts else text

    def found(self, text: str) -> list[tuple[str | None, ...]]:
        """Every match from left to right: its text, and those of its groups where `compile_search` kept them.

        None for a group that had no part in the match.
        """
        if self.needed not in text:
            return []
        matches = self.compiled.finditer(_encodable(text))
        spans = ([match.span(number) for number in range(match.re.groups + 1)] for match in matches)
        return [tuple(text[start:stop] if start >= 0 else None for start, stop in each) for each in spans]

    def occurs(self, text: str) -> bool:
        """Whether the pattern matches anywhere."""
        return self.needed in text and self.compiled.search(_encodable(text)) is not None


def compile_safe(pattern: str, engine: Engine | None = None) -> SafePattern:
    """The compiled pattern, for the best engine there is; ValueError says why it is refused."""
    tree = _parse(pattern)
    if tree.getwidth()[0] == 0:
        raise ValueError("the pattern also matches nothing at all, at every place of a text: use + or {1,20}, not *")
    return _safe(pattern, tree, engine or best_engine(), groups=False)


def compile_search(pattern: str, engine: Engine | None = None) -> SafePattern:
    """The same for a pattern that is only looked for: it may match nothing at all, and its groups can be read."""
    return _safe(pattern, _parse(pattern), engine or best_engine(), groups=True)


def count_groups(pattern: str) -> int:
    """How many groups of the pattern capture something. Raises ValueError for a pattern that does not compile."""
    return int(_parse(pattern).state.groups) - 1


def _safe(pattern: str, tree: Any, engine: Engine, groups: bool) -> SafePattern:
    _refuse_runaways(list(_walk(tree)), engine)
    if _times(tree) > MAX_TIMES:
        raise ValueError(f"the pattern repeats something more than {MAX_TIMES} times: write + instead of {{1,2000}}")
    compiled = _compile(pattern_text.write(tree, engine, groups), engine)
    return SafePattern(pattern, engine, pattern_text.needed_text(tree), compiled)


def require_bounded(pattern: str) -> None:
    """Raise ValueError for a pattern that another program will run over short names, and that could take for ever."""
    _refuse_runaways(list(_walk(_parse(pattern))), "re2")


@cache
def best_engine() -> Engine:
    """`re2` where google-re2 is installed."""
    return "re2" if importlib.util.find_spec("re2") else "re"


def _parse(pattern: str) -> Any:
    if len(pattern) > MAX_LENGTH:
        raise ValueError(f"the pattern has {len(pattern)} characters; {MAX_LENGTH} are allowed")
    try:
        pattern.encode()
        with warnings.catch_warnings():
            warnings.simplefilter("error", FutureWarning)  # [[ and && in a set, which mean something else elsewhere
            return parser.parse(pattern, re.ASCII)
    except (re.error, RecursionError, OverflowError, FutureWarning, UnicodeEncodeError) as error:
        raise ValueError(f"the pattern does not compile: {error}") from error


def _compile(text: str, engine: Engine) -> Any:
    if engine == "re":
        return re.compile(text, re.ASCII)
    re2 = importlib.import_module("re2")
    options = re2.Options()
    options.log_errors = False  # it would write the pattern, and "DFA out of memory" per text, to standard error
    try:
        return re2.compile(text, options)
    except re2.error as error:
        raise ValueError(f"the pattern does not compile: {error}") from error


def _refuse_runaways(nodes: Sequence[tuple[Any, Any]], engine: Engine) -> None:
    if any(operation in _NOT_PORTABLE for operation, _ in nodes):
        raise ValueError("the pattern looks ahead, behind or back: write \\b at its ends, and repeat text literally")
    repeats = [argument for operation, argument in nodes if operation in REPEATS]
    unbounded = sum(highest > _MANY for _, highest, _ in repeats)
    if unbounded > MAX_UNBOUNDED:
        raise ValueError(f"the pattern has more than {MAX_UNBOUNDED} repeats without a bound: write {{1,20}}, not +")
    for _, highest, body in repeats:
        inside = [operation for operation, argument in _walk(body) if _varies(operation, argument)]
        if highest > 1 and inside and not (highest <= _MANY and _is_separated(body)):
            raise ValueError("the pattern repeats a group that itself repeats or has alternatives: (a+)+, (a|b)*")
    if engine == "re" and unbounded > MAX_UNBOUNDED_IN_RE:
        raise ValueError(
            f"the pattern has {unbounded} repeats without a bound, which Python's own engine could take hours for: "
            "pip install google-re2, or write {1,20}, not +"
        )


def _walk(tree: Any) -> Iterator[tuple[Any, Any]]:
    for operation, argument in tree:
        yield operation, argument
        for child in children(argument):
            yield from _walk(child)


def _times(tree: Any) -> int:
    """How often the innermost part of repeats within repeats is repeated; an open end counts as its beginning."""
    deepest = 1
    for operation, argument in tree:
        own = 1
        if operation in REPEATS:
            lowest, highest, _ = argument
            own = max(1, lowest if highest == parser.MAXREPEAT else highest)
        inside = max((_times(child) for child in children(argument)), default=1)
        deepest = max(deepest, own * inside)
    return deepest


def _varies(operation: Any, argument: Any) -> bool:
    """Whether this node can match the same text in more than one way."""
    return operation is parser.BRANCH or (operation in REPEATS and argument[0] != argument[1])


def _is_separated(body: Any) -> bool:
    """Whether each round of a repeated group begins or ends with a fixed character, as in ([0-9]{1,3}[.]){3}."""
    nodes = list(body)
    if len(nodes) == 1 and nodes[0][0] is parser.SUBPATTERN:
        nodes = list(nodes[0][1][-1])
    return bool(nodes) and parser.LITERAL in (nodes[0][0], nodes[-1][0])


def _encodable(text: str) -> str:
    """The text with half characters replaced one for one: RE2 reads UTF-8, which has none."""
    return text if text.isascii() or text.isprintable() else re.sub("[\ud800-\udfff]", "\ufffd", text)
