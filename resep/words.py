"""The words of a text in any language, for evaluators that compare or count words."""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import Any

LONGEST = 50  # characters of a word: a longer one is no word but a run of characters, and is taken one by one
# Scripts that put no space between words: a character, with the marks on it, is a word.
_UNSPACED = "".join(rf"\p{{{script}}}" for script in ("Han", "Hiragana", "Katakana", "Thai", "Lao", "Khmer", "Myanmar"))


def words(text: str) -> list[str]:
    """Runs of letters, digits and the marks on them, in lower case and in Unicode's composed form (NFC).

    On ASCII these are rouge-score's own tokens; that library drops every letter beyond ASCII, so that Indonesian
    `é` breaks a word in two and nothing is left of a Russian or Japanese one.
    """
    found: list[str] = _pattern().findall(unicodedata.normalize("NFC", text.lower()))
    return found


def loose_words(text: str) -> list[str]:
    """The words, with each run of characters that is too long for a word taken apart: `ahahahah...` is a loop."""
    return [piece for word in words(text) for piece in ([word] if len(word) <= LONGEST else word)]


@cache
def _pattern() -> Any:
    import regex  # the standard library's engine knows neither scripts nor marks; rouge-score and sacreBLEU bring it

    return regex.compile(
        rf"[{_UNSPACED}]\p{{M}}*|[[\p{{L}}\p{{N}}\p{{M}}]--[{_UNSPACED}]]+", flags=regex.VERSION1 | regex.UNICODE
    )
