"""What a detector is: a name, a quick look, patterns, and a judgement on what they find.

ASCII classes and bounded repeats only, so that no text takes long.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from resep.placeholders import hide


@dataclass(frozen=True)
class Detector:
    """Finds what the patterns match and `accepts` confirms; of a pattern with a group `value`, that group alone.

    `may_hold` says quickly that a text holds no such value: nearly all texts stop there.
    """

    name: str
    may_hold: Callable[[str], object]
    patterns: tuple[re.Pattern[str], ...]
    accepts: Callable[[re.Match[str]], bool] | None
    hidden: str

    def replace(self, text: str) -> str:
        """The text with every find replaced by the hidden placeholder [NAME]."""
        if self.may_hold(text):
            for pattern in self.patterns:
                text = pattern.sub(self._replaced, text)
        return text

    def finds(self, text: str) -> Iterator[str]:
        """The values found; two patterns may find the same one. Private: show their kind and length at most."""
        if self.may_hold(text):
            for pattern in self.patterns:
                yield from (value_of(found) for found in pattern.finditer(text) if self._is_accepted(found))

    def _is_accepted(self, found: re.Match[str]) -> bool:
        return self.accepts is None or self.accepts(found)

    def _replaced(self, found: re.Match[str]) -> str:
        if not self._is_accepted(found):
            return found.group()
        start, end = (position - found.start() for position in found.span(_group(found)))
        return found.group()[:start] + self.hidden + found.group()[end:]


def detector(
    name: str, may_hold: Callable[[str], object], *patterns: str, accepts: Callable[[re.Match[str]], bool] | None = None
) -> Detector:
    """The detector that writes [NAME]; its patterns read ASCII, capitals or not."""
    compiled = tuple(re.compile(pattern, re.ASCII | re.IGNORECASE) for pattern in patterns)
    return Detector(name, may_hold, compiled, accepts, hide(f"[{name}]"))


def value_of(found: re.Match[str]) -> str:
    """What was found, without the words that announced it."""
    return str(found.group(_group(found)))


def digits_of(text: str) -> str:
    return re.sub(r"[^0-9]", "", text)


def _group(found: re.Match[str]) -> str | int:
    return "value" if "value" in found.re.groupindex else 0
