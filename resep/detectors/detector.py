"""What a detector is: a name, two quick looks, patterns, and a judgement on what they find.

ASCII classes and bounded repeats only, so that no text takes long.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from resep.placeholders import hide

Replace = Callable[[str], str]
Write = Callable[[str, str], str]  # (kind, value) -> what stands in its place, hidden
Look = Callable[[str], Iterable[re.Match[str]]]  # what a pattern finds in a text, from left to right


@dataclass(frozen=True)
class Detector:
    """Finds what the looks find and `accepts` confirms; where the pattern has a group `value`, that group alone.

    Two quick checks say that a text holds no such value, and nearly all texts stop at the first: `hint` sees its marks
    (quick_look.py), all digits as 0 and of the rest the characters in `marks`; `may_hold` sees the text itself.
    """

    name: str
    marks: str
    hint: Callable[[bytes], object]
    may_hold: Callable[[str], object]
    looks: tuple[Look, ...]
    accepts: Callable[[re.Match[str]], bool] | None
    normalise: Callable[[str], str]

    @property
    def hidden(self) -> str:
        """The placeholder [NAME], hidden."""
        return hide(f"[{self.name}]")

    def replacer(self, write: Write) -> Replace:
        """What replaces every find in a text by what `write` makes of it."""

        def replace(text: str) -> str:
            if self.may_hold(text):
                for look in self.looks:
                    text = self._replaced(text, look, write)
            return text

        return replace

    def finds(self, text: str) -> Iterator[str]:
        """The values found; two patterns may find the same one. Private: show their kind and length at most."""
        if self.may_hold(text):
            for look in self.looks:
                yield from map(value_of, self._accepted(look(text)))

    def _replaced(self, text: str, look: Look, write: Write) -> str:
        parts, end = [], 0
        for found in self._accepted(look(text)):
            start, stop = found.span(_group(found.re))
            parts += [text[end:start], write(self.name, text[start:stop])]
            end = stop
        return "".join([*parts, text[end:]]) if parts else text

    def _accepted(self, found: Iterable[re.Match[str]]) -> Iterable[re.Match[str]]:
        return found if self.accepts is None else filter(self.accepts, found)


def detector(
    name: str,
    *patterns: str | Look,
    marks: str,
    hint: Callable[[bytes], object],
    may_hold: Callable[[str], object],
    accepts: Callable[[re.Match[str]], bool] | None = None,
    normalise: Callable[[str], str] = str.casefold,
) -> Detector:
    """The detector that writes [NAME]; its patterns read ASCII, capitals or not.

    `normalise` writes a value in the one way in which all its spellings are the same.
    """
    looks = tuple(compiled(each).finditer if isinstance(each, str) else each for each in patterns)
    return Detector(name, marks, hint, may_hold, looks, accepts, normalise)


def compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.ASCII | re.IGNORECASE)


def value_of(found: re.Match[str]) -> str:
    """What was found, without the words that announced it."""
    return str(found.group(_group(found.re)))


def digits_of(text: str) -> str:
    return text.encode("ascii", "ignore").translate(None, _NO_DIGITS).decode()  # 0.3 us; a pattern takes 1


_NO_DIGITS = bytes({*range(128)} - {*b"0123456789"})


def _group(pattern: re.Pattern[str]) -> str | int:
    return "value" if "value" in pattern.groupindex else 0
