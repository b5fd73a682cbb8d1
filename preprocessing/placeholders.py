"""Replace personal data by placeholders such as [EMAIL]: the recipe's own patterns, the detectors, then its word lists.

detectors: which of email, phone, card, url, ip, iban, mac, nik (Indonesian identity), us_ssn, secret (keys), crypto
patterns: names of your own (capitals) and their regular expressions, for example ORDER: "INV-[0-9]{6}"
words: names of your own (capitals) and lists of words, replaced where they stand whole, capitals or not

Precision before recall: prices, order and tracking numbers, versions and dates stay. A card must have a known issuer's
prefix and length and pass Luhn; a phone must be written as one (+62..., (021) ..., 0812-..., 212-555-0123) or be
announced by a word such as "call" or "telepon"; an iban must have its country's length and the right check digits.
"""

import re
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Literal

from resep import hide
from resep.detectors import DETECTORS
from resep.patterns import compile_safe
from resep.placeholders import is_hidden
from resep.suggest import did_you_mean

Replace = Callable[[str], str]


def transform_text(
    text: str,
    *,
    detectors: list[
        Literal["url", "email", "secret", "crypto", "iban", "mac", "ip", "nik", "card", "us_ssn", "phone"]
    ] = ["email", "phone", "card", "url", "ip"],  # noqa: B006 - options are read from literals
    patterns: dict[str, str] = {},  # noqa: B006
    words: dict[str, list[str]] = {},  # noqa: B006
) -> str:
    lists = tuple((name, tuple(words[name])) for name in words) if words else ()
    replace = _replacer(tuple(detectors), tuple(patterns.items()), lists)
    # What stood between two finds may become one itself once they are gone: until nothing changes.
    while (replaced := replace(text)) != text:
        text = replaced
    return text


@lru_cache
def _replacer(
    detectors: tuple[str, ...], patterns: tuple[tuple[str, str], ...], words: tuple[tuple[str, tuple[str, ...]], ...]
) -> Replace:
    unknown = sorted(set(detectors) - DETECTORS.keys())
    if unknown:
        raise ValueError(f"no detector {unknown[0]!r}{did_you_mean(unknown[0], DETECTORS)}")
    steps = [
        *(_own_pattern(name, pattern) for name, pattern in patterns),
        *(detector.replace for name, detector in DETECTORS.items() if name in detectors),
        *(_own_words(name, listed) for name, listed in words),  # last: a name within an e-mail address goes with it
    ]

    def replace_all(text: str) -> str:
        for step in steps:
            text = step(text)
        return text

    return replace_all


# Control tokens of the Mistral family: a placeholder of that name would end a turn instead of standing for a value.
_RESERVED = re.compile("INST|(?:AVAILABLE_)?TOOL(?:S|_CALLS|_RESULTS|_CONTENT)|SYSTEM_PROMPT|PREFIX|MIDDLE|SUFFIX|IMG")


def _own_pattern(name: str, pattern: str) -> Replace:
    hidden = _own_placeholder("patterns", name)
    try:
        compiled = compile_safe(pattern)
    except ValueError as error:
        raise ValueError(f"patterns.{name}: {error}") from error

    def replaced(found: str) -> str:
        # A pattern such as "." also matches what was replaced a moment ago: the text would grow for ever.
        return found if is_hidden(found) else hidden

    return partial(compiled.sub, replaced)


def _own_words(name: str, words: tuple[str, ...]) -> Replace:
    """Words may be several, such as "Siti Aminah"; the longest wins. The words are private: no error repeats one."""
    hidden = _own_placeholder("words", name)
    for at, word in enumerate(words):
        if not isinstance(word, str) or not re.search(r"\w", word) or not word.isprintable():
            raise ValueError(f"words.{name}[{at}]: a word is a printable text with a letter or digit; quote numbers")
    if not words:
        return lambda text: text
    listed = "|".join(re.escape(word.strip()) for word in sorted(words, key=len, reverse=True))
    whole = re.compile(rf"(?<!\w)(?:{listed})(?!\w)", re.IGNORECASE)
    first = {re.findall(r"\w+", word.casefold())[0] for word in words}

    def replace(text: str) -> str:
        # An alternation of a thousand words is slow: nearly all texts hold none of the first ones.
        return text if first.isdisjoint(re.findall(r"\w+", text.casefold())) else whole.sub(hidden, text)

    return replace


def _own_placeholder(option: str, name: str) -> str:
    """[NAME], hidden; ValueError where it cannot be one."""
    if not re.fullmatch(r"[A-Z][A-Z0-9_]{0,31}", name):
        raise ValueError(f"{option}.{name}: a name is up to 32 capitals, digits and _ : it becomes [{name.upper()}]")
    if _RESERVED.fullmatch(name):
        raise ValueError(f"{option}.{name}: [{name}] is a control token of chat models; choose another name")
    return hide(f"[{name}]")
