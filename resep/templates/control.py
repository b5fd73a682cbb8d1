"""Control tokens (`</s>`, `[INST]`) as text: find those that a template wrote, break those that a row forged."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

_NEVER = "(?!)"


@dataclass(frozen=True)
class Control:
    """A tokenizer's control tokens. `ids`: text -> id.

    `found` matches a control token, with the white space that its lstrip and rstrip flags swallow. `forged` matches the
    first character of one. `beginnings` and `endings` are the parts that the text next to them could make whole.
    """

    ids: Mapping[str, int]
    found: re.Pattern[str]
    forged: re.Pattern[str]
    beginnings: frozenset[str]
    endings: frozenset[str]
    longest: int  # characters

    def id_of(self, matched: str) -> int:
        """The id of what `found` matched."""
        return self.ids[matched] if matched in self.ids else self.ids[matched.strip()]


def control_tokens(ids: Mapping[str, int], flags: Mapping[str, Any]) -> Control:
    """`flags`: text -> tokenizers.AddedToken, of which single_word, lstrip and rstrip are read."""
    tokens = sorted(ids, key=len, reverse=True)  # the longest match wins, as in the tokenizers library
    cuts = [(token[:at], token[at:]) for token in tokens for at in range(1, len(token))]
    return Control(
        ids=ids,
        found=re.compile("|".join(_pattern(token, flags[token]) for token in tokens) or _NEVER),
        forged=re.compile("|".join(_first_characters(tokens)) or _NEVER),
        beginnings=frozenset(beginning for beginning, _ in cuts),
        endings=frozenset(ending for _, ending in cuts),
        longest=max(map(len, tokens), default=0),
    )


def broken(control: Control, text: str, breaker: str) -> str:
    """The text with a breaker in every control token, and at an end that what is written next to it could complete."""
    text = control.forged.sub(lambda match: match[0] + breaker, text)
    lengths = range(1, control.longest)
    if any(text[-length:] in control.beginnings for length in lengths):
        text += breaker
    if any(text[:length] in control.endings for length in lengths):
        text = breaker + text
    return text


def spans(control: Control, text: str, cuts: Sequence[int]) -> Iterator[tuple[int, int, bool]]:
    """(start, end, is_control) of consecutive pieces of a text; `cuts` are sorted, and one within a token is none."""
    position = 0
    for match in control.found.finditer(text):
        yield from _plain(position, match.start(), cuts)
        yield match.start(), match.end(), True
        position = match.end()
    yield from _plain(position, len(text), cuts)


def _plain(start: int, end: int, cuts: Sequence[int]) -> Iterator[tuple[int, int, bool]]:
    for cut in (*(cut for cut in cuts if start < cut < end), end):
        if start < cut:
            yield start, cut, False
        start = cut


def _pattern(token: str, flags: Any) -> str:
    pattern = re.escape(token)
    if flags.single_word:
        pattern = rf"(?<!\w){pattern}(?!\w)"
    return (r"\s*" if flags.lstrip else "") + pattern + (r"\s*" if flags.rstrip else "")


def _first_characters(tokens: Sequence[str]) -> Iterator[str]:
    """Grouped by first character, so that a text without it costs one look; a lookahead, as tokens may overlap."""
    for first, group in groupby(sorted(tokens), key=lambda token: token[0]):
        yield f"{re.escape(first)}(?={'|'.join(re.escape(token[1:]) for token in group)})"
