"""Numbers for placeholders: [EMAIL_1] and [EMAIL_2], the same value always under the same number.

A text step sees one text and numbers nothing: it writes [EMAIL#3fa94c...], a keyed digest of the value beside its kind.
What sees the texts of a row together then gives the numbers, and no digest goes on:

    numbering: row    texts = number_row(texts)
    numbering: data   own = row_numbers(texts); texts = number_texts(texts, own)     as in `row`; `own` travels beside
                      at the end, row by row: book = give_numbers(own, book); texts = renumber(texts, own, book)

So the steps between see the texts of `row`, which depend on no key: only `own` holds digests, and it is never kept.
A "value" is the inside of such a placeholder, `EMAIL#3fa94c...`; kinds are numbered apart, from 1.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from resep.placeholders import hide

_DIGEST = re.compile(r"\[([A-Z][A-Z0-9_]{0,31})#([0-9a-f]{16})\]")
_NUMBERED = re.compile(r"\[([A-Z][A-Z0-9_]{0,31}?)_([1-9][0-9]{0,8})\]")
LONGEST_NAME = 22  # of a kind that is numbered: [NAME_123456789] is no longer than a placeholder may be


def with_digest(kind: str, value: str, key: bytes) -> str:
    """The hidden placeholder of a value, already in its normal form: [KIND#<16 hex digits>]."""
    message = "\0".join((kind, value)).encode("utf-8", "replace")
    return hide(f"[{kind}#{hmac.digest(key, message, 'sha256').hex()[:16]}]")


def number_row(texts: Sequence[str]) -> list[str]:
    """The texts of one row with numbers for digests: by first appearance, apart from numbers that the row has already.

    Texts without digests come back as they are.
    """
    return number_texts(texts, row_numbers(texts))


def row_numbers(texts: Iterable[str]) -> dict[str, int]:
    """A number for each value in the texts of one row."""
    texts = list(texts)
    values = values_in(texts)
    if not values:
        return {}
    taken = {(kind, int(number)) for text in texts for kind, number in _NUMBERED.findall(text)}
    numbers: dict[str, int] = {}
    last: dict[str, int] = {}
    for value in values:
        kind = _kind(value)
        number = last.get(kind, 0) + 1
        while (kind, number) in taken:
            number += 1
        numbers[value] = last[kind] = number
    return numbers


def values_in(texts: Iterable[str]) -> list[str]:
    """The values in the texts, each once, in the order of their first appearance."""
    found = (match[0][1:-1] for text in texts if "#" in text for match in _DIGEST.finditer(text))
    return list(dict.fromkeys(found))


def give_numbers(values: Iterable[str], book: dict[str, int], last: dict[str, int]) -> None:
    """Enter the values that `book` has not met yet, each with the next number of its kind; `last` holds the newest."""
    for value in values:
        if value not in book:
            kind = _kind(value)
            book[value] = last[kind] = last.get(kind, 0) + 1


def number_texts(texts: Iterable[str], numbers: Mapping[str, int]) -> list[str]:
    """The texts with [EMAIL#3fa9...] written as [EMAIL_2]. `numbers` must have every value of the texts."""

    def numbered(found: re.Match[str]) -> str:
        return f"[{found[1]}_{numbers[found[0][1:-1]]}]"

    return _each(texts, "#", _DIGEST, numbered)


def renumber(texts: Iterable[str], own: Mapping[str, int], numbers: Mapping[str, int]) -> list[str]:
    """The texts of a row numbered by `own`, with each number replaced by that of its value in `numbers`.

    A numbered placeholder that stood in the row before stays as it is.
    """
    news = {f"[{_kind(value)}_{number}]": f"[{_kind(value)}_{numbers[value]}]" for value, number in own.items()}
    return _each(texts, "[", _NUMBERED, lambda found: news.get(found[0], found[0])) if news else list(texts)


def without_digests(text: str) -> str:
    """The text with [EMAIL] for [EMAIL#3fa9...]: for what must not depend on a key."""
    return _each([text], "#", _DIGEST, lambda found: f"[{found[1]}]")[0]


def without_number(placeholder: str) -> str:
    """[EMAIL] for [EMAIL_2]: under which placeholders are counted."""
    found = _NUMBERED.fullmatch(placeholder)
    return f"[{found[1]}]" if found else placeholder


def _each(
    texts: Iterable[str], hint: str, pattern: re.Pattern[str], replacement: Callable[[re.Match[str]], str]
) -> list[str]:
    return [pattern.sub(replacement, text) if hint in text else text for text in texts]


def _kind(value: str) -> str:
    return value.partition("#")[0]
