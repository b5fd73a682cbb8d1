"""What changed between two texts, word by word, short enough to be read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from typing import Literal, NamedTuple

Kind = Literal["same", "gone", "new"]

MOST_WORDS = 300  # words, marks and spaces of a text that are compared: the time it takes grows with their square
_CONTEXT = 24  # of them are shown around a change
_WORDS = re.compile(r"\s+|\w+|[^\w\s]")
CUT = " … "


class Part(NamedTuple):
    """A stretch of a text: `same` stands in both texts, `gone` in the first alone, `new` in the second alone."""

    kind: Kind
    text: str


def changes(old: str, new: str) -> list[Part]:
    """The parts that lead from one text to the other: `same` and `gone` make the old text, `same` and `new` the new.

    Of a long text, what lies before the first change and after the last, and all beyond MOST_WORDS, is left out.
    """
    before, after = _WORDS.findall(old), _WORDS.findall(new)
    start = _alike(before, after)
    end = _alike(before[start:][::-1], after[start:][::-1])
    changed_before, changed_after = before[start : len(before) - end], after[start : len(after) - end]
    first, last = before[:start], before[len(before) - end :]
    is_long = max(len(changed_before), len(changed_after)) > MOST_WORDS
    return list(
        _joined(
            [
                ("same", _last_of(first)),
                *_between(changed_before[:MOST_WORDS], changed_after[:MOST_WORDS]),
                ("same", [CUT] if is_long else _first_of(last)),
            ]
        )
    )


def beginning(text: str) -> str:
    """The first words of a text."""
    words = _WORDS.findall(text)
    return text if len(words) <= MOST_WORDS else "".join(words[:MOST_WORDS]) + CUT.rstrip()


def _alike(before: Sequence[str], after: Sequence[str]) -> int:
    """How many words are the same at the beginning."""
    pairs = zip(before, after, strict=False)
    return next((at for at, (old, new) in enumerate(pairs) if old != new), min(len(before), len(after)))


def _last_of(words: Sequence[str]) -> Sequence[str]:
    return words if len(words) <= 2 * _CONTEXT else [CUT.lstrip(), *words[-_CONTEXT:]]


def _first_of(words: Sequence[str]) -> Sequence[str]:
    return words if len(words) <= 2 * _CONTEXT else [*words[:_CONTEXT], CUT.rstrip()]


def _between(before: Sequence[str], after: Sequence[str]) -> Iterator[tuple[Kind, Sequence[str]]]:
    for kind, old, old_end, new, new_end in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind == "equal":
            yield "same", before[old:old_end]
        else:
            yield "gone", before[old:old_end]
            yield "new", after[new:new_end]


def _joined(stretches: Iterable[tuple[Kind, Sequence[str]]]) -> Iterator[Part]:
    """Neighbouring parts as one: words that changed side by side are one change, the space between them too."""
    same = gone = new = ""
    for kind, words in stretches:
        text = "".join(words)
        if kind == "same":
            if gone and new and text.isspace() and not same:
                same = text
                continue
            yield from _parts(gone, new, same + text)
            same = gone = new = ""
        else:
            gone += same + text if kind == "gone" else same
            new += same + text if kind == "new" else same
            same = ""
    yield from _parts(gone, new, same)


def _parts(gone: str, new: str, same: str) -> Iterator[Part]:
    found: tuple[tuple[Kind, str], ...] = ("gone", gone), ("new", new), ("same", same)
    return (Part(kind, text) for kind, text in found if text)
