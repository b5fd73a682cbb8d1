"""What one rendering of a chat template may spend: steps, characters, seconds of CPU time.

A template is data from a stranger. Nothing in it may hold more than `limit` characters and elements at a time, so that
one operation is short; what could still multiply two such values is weighed before it is done. The budget lies in a
ContextVar, where no template can reach it: a variable of the rendering could be set to something else.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from functools import wraps
from itertools import islice
from typing import Any

from jinja2.exceptions import SecurityError

MAX_STEPS = 1_000_000  # passes of loops, and as many calls and operations
MAX_SECONDS = 10.0  # of CPU time; a conversation takes milliseconds
MAX_GROWTH = 20  # characters of output per character of input, beyond a fixed allowance
ALLOWANCE = 100_000  # characters
MAX_HANDLED = 200  # characters that pass through operations, per character that may be in the output
LARGEST_NUMBER = 100_000  # as an argument: ljust(10**9) would fill the memory before anything could be measured
MAX_BITS = 4_096  # of an integer
_NOW_AND_THEN = 63  # the clock and the counters are looked at when these bits are 0
_WIDTH = re.compile(r"%[^a-zA-Z%]*(?:[0-9]{5,}|\*)")
_REFUSED_METHODS = frozenset({"expandtabs", "format", "format_map", "translate"})


class Budget:
    """What is left to one rendering of messages with `size` characters. Its methods raise SecurityError when spent."""

    def __init__(self, size: int) -> None:
        self.limit = ALLOWANCE + MAX_GROWTH * size
        self.passes = self.calls = self.handled = 0
        self.started = time.thread_time()

    def pass_loop(self, characters: int) -> None:
        """One pass of a loop that holds so many characters of plain text."""
        self.passes += 1
        self.handled += characters
        if self.passes & _NOW_AND_THEN == 0:
            self._check()

    def pay(self, characters: int) -> None:
        """One call of a macro, method, filter or test, or one operation, that made so many characters."""
        self.calls += 1
        self.handled += characters
        if self.calls & _NOW_AND_THEN == 0:
            self._check()

    def _check(self) -> None:
        for made, what in ((self.passes, "loops"), (self.calls, "calls")):
            if made >= MAX_STEPS:
                raise SecurityError(f"its {what} ran more than {MAX_STEPS:,} times: stopped")
        if self.handled > MAX_HANDLED * self.limit:
            raise SecurityError(f"it handled more than {MAX_HANDLED * self.limit:,} characters: stopped")
        if time.thread_time() - self.started > MAX_SECONDS:
            raise SecurityError(f"it took more than {MAX_SECONDS:g} seconds: stopped")

    def weigh(self, *values: Any) -> int:
        """How many characters and elements the values hold, those within them counted as often as they stand there."""
        weight, waiting = 0, [*values]
        for value in waiting:  # which grows on the way
            if type(value) is str or isinstance(value, (str, bytes)):
                weight += len(value)
            elif isinstance(value, dict):  # and not a Mapping, which jinja2's own Context claims to be
                weight += len(value)
                waiting += value
                waiting += value.values()
            elif isinstance(value, (list, tuple, set, frozenset)):
                weight += len(value)
                waiting += value
            elif isinstance(value, int):
                weight += value.bit_length() // 3
            if weight > self.limit:
                raise SecurityError(f"a value of more than {self.limit:,} characters or elements is refused")
        return weight

    def require(self, size: int) -> None:
        """Refuse a result of this size before it is made."""
        if size > self.limit:
            raise SecurityError(f"a value of more than {self.limit:,} characters or elements is refused")


current: ContextVar[Budget] = ContextVar("budget")


def counted(items: Iterable[Any], text: int) -> Iterator[Any]:
    """The items of a loop whose body holds so many characters of plain text."""
    budget = current.get()
    for item in items:
        budget.pass_loop(text)
        yield item


def measured(function: Callable[..., Any]) -> Callable[..., Any]:
    """A filter or a test that pays for its call, for what it gets and for what it returns."""

    @wraps(function)
    def call(*arguments: Any, **named: Any) -> Any:
        # At compile time there is no budget: the LookupError keeps jinja2 from working constants out in advance.
        return paid(current.get(), function, arguments, named)

    return call


def paid(budget: Budget, function: Callable[..., Any], arguments: tuple[Any, ...], named: Mapping[str, Any]) -> Any:
    """The function's result, where the budget allows for the arguments and for the result."""
    values = (*arguments, *named.values())
    for value in values:
        if isinstance(value, int) and abs(value) > LARGEST_NUMBER:
            raise SecurityError(f"a number above {LARGEST_NUMBER:,} as an argument is refused")
    budget.weigh(*values)
    result = function(*arguments, **named)
    budget.pay(budget.weigh(result))
    return result


def written(value: Any) -> Any:
    """What an expression writes, in the output or in a text that the template keeps."""
    budget = current.get(None)  # None: a constant, when the template is compiled
    if budget is not None:
        budget.pay(budget.weigh(value))
    return value


def weighed(value: Any) -> Any:
    """A list or map that the template builds: lists of lists of lists would double until comparing two never ends."""
    current.get().weigh(value)
    return value


def concatenated(parts: list[Any]) -> str:
    """The operator `~`."""
    budget = current.get()
    budget.pay(budget.weigh(parts))
    return "".join(map(str, parts))


def method_arguments(method: Any, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """The arguments of a method, where its result cannot be a product of two sizes that is too large."""
    text, name = getattr(method, "__self__", None), getattr(method, "__name__", "")
    if isinstance(text, bytes) or (isinstance(text, str) and name in _REFUSED_METHODS):
        raise SecurityError(f"the method {name} of a text is refused")
    if isinstance(text, str) and name == "replace" and len(arguments) >= 2:
        require_replacement(text, *arguments[:2])
    if isinstance(text, str) and name == "join" and arguments:
        return (require_joined(arguments[0], text), *arguments[1:])
    return arguments


def require_replacement(text: str, old: Any, new: Any) -> None:
    """Refuse a replacement that would grow the text beyond the limit."""
    current.get().require(len(text) + text.count(str(old)) * len(str(new)))


def require_joined(items: Iterable[Any], separator: Any) -> list[Any]:
    """The items, where they may be joined with the separator between them."""
    budget = current.get()
    listed = list(islice(items, budget.limit + 1))
    budget.require(budget.weigh(listed) + len(listed) * len(str(separator)))
    return listed


def require_indented(text: str, indentation: str | int) -> None:
    """Refuse an indentation that would grow the text beyond the limit."""
    each = len(indentation) if isinstance(indentation, str) else indentation
    current.get().require(len(text) + (len(text.splitlines()) + 1) * each)


def require_operation(operator: str, left: Any, right: Any) -> None:
    """Refuse an operation whose result would be too large to begin with."""
    budget = current.get()
    budget.pay(budget.weigh(left, right))  # a sum is as long as its parts
    if operator == "**" and isinstance(right, int | float):
        _require_power(left, right)
    elif operator == "*":
        _require_product(budget, left, right)
    elif operator == "%" and isinstance(left, str) and _WIDTH.search(left):
        raise SecurityError("a format with a width of five digits, or of its own (*), is refused")


def _require_power(base: Any, exponent: float) -> None:
    if abs(exponent) > 64:
        raise SecurityError("a power above 64 is refused")
    if isinstance(base, int) and base.bit_length() * exponent > MAX_BITS:
        raise SecurityError(f"a number of more than {MAX_BITS:,} bits is refused")


def _require_product(budget: Budget, left: Any, right: Any) -> None:
    sized, times = (left, right) if hasattr(left, "__len__") else (right, left)
    if hasattr(sized, "__len__") and isinstance(times, int):
        budget.require(max(len(sized), budget.weigh(sized)) * max(times, 0))
    elif isinstance(left, int) and isinstance(right, int) and left.bit_length() + right.bit_length() > MAX_BITS:
        raise SecurityError(f"a number of more than {MAX_BITS:,} bits is refused")
