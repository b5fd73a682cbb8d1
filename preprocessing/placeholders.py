"""Replace personal data by placeholders such as [EMAIL]: the recipe's own patterns, the detectors, then its word lists.

detectors: which of email, phone, card, url, ip, iban, mac, nik (Indonesian identity), us_ssn, secret (keys), crypto
patterns: names of your own (capitals) and their regular expressions, for example ORDER: "INV-[0-9]{6}"
words: names of your own (capitals) and lists of words, replaced where they stand whole, capitals or not
phone_regions: countries in whose own way a phone number may be written too, for example GB: 020 7946 0958
numbering: none writes [EMAIL]; row writes [EMAIL_1], [EMAIL_2]: the same value has the same number in all texts of a
  row; data: the same number in all rows

Precision before recall: prices, order and tracking numbers, versions and dates stay. A card must have a known issuer's
prefix and length and pass Luhn; a phone must be written as one (+62..., (021) ..., 0812-..., 212-555-0123) or be
announced by a word such as "call" or "telepon"; an iban must have its country's length and the right check digits.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any, Literal

from resep.detectors import Replacer, Write, replacer
from resep.detectors.writing import writer
from resep.numbering import LONGEST_NAME
from resep.patterns import compile_safe
from resep.placeholders import is_hidden


def make_transform(
    *,
    detectors: list[
        Literal["url", "email", "secret", "crypto", "iban", "mac", "ip", "nik", "card", "us_ssn", "phone"]
    ] = ["email", "phone", "card", "url", "ip"],  # noqa: B006 - options are read from literals
    patterns: dict[str, str] = {},  # noqa: B006
    words: dict[str, list[str]] = {},  # noqa: B006
    phone_regions: list[
        Literal[
            "AU",
            "BR",
            "CN",
            "DE",
            "ES",
            "FR",
            "GB",
            "ID",
            "IN",
            "IT",
            "JP",
            "KR",
            "MX",
            "MY",
            "NL",
            "PH",
            "PL",
            "RU",
            "SG",
            "US",
            "ZA",
        ]
    ] = [],  # noqa: B006
    numbering: Literal["none", "row", "data"] = "none",
) -> Replacer:
    for option, names in (("patterns", patterns), ("words", words)):
        for name in names:
            _check_name(option, name, numbering != "none")
    write = writer(numbering)
    return _one_after_another(
        [
            *(_own_pattern(name, pattern, write) for name, pattern in patterns.items()),
            replacer(detectors, phone_regions, write),
            # Last: a name within an e-mail address goes with it.
            *(_own_words(name, tuple(listed), write) for name, listed in words.items() if listed),
        ]
    )


def make_transforms(**options: Any) -> Callable[[Sequence[str]], list[str]]:
    return make_transform(**options).on_all


def _one_after_another(steps: Sequence[Replacer]) -> Replacer:
    def replace(text: str) -> str:
        before = None
        # What stood between two finds may become one itself once they are gone: until nothing changes.
        while text != before:
            before = text
            for step in steps:
                text = step.replace(text)
        return text

    return Replacer(
        replace, lambda texts: list(map(any, zip(*(step.may_change(texts) for step in steps), strict=True)))
    )


def _own_pattern(name: str, pattern: str, write: Write) -> Replacer:
    try:
        compiled = compile_safe(pattern)
    except ValueError as error:
        raise ValueError(f"patterns.{name}: {error}") from error

    def replaced(found: str) -> str:
        # A pattern such as "." also matches what was replaced a moment ago: the text would grow for ever.
        return found if is_hidden(found) else write(name, found)

    def replace(text: str) -> str:
        return compiled.sub(replaced, text) if compiled.needed in text else text

    return Replacer(replace, lambda texts: [compiled.needed in text for text in texts])


def _own_words(name: str, words: tuple[str, ...], write: Write) -> Replacer:
    """Words may be several, such as "Siti Aminah"; the longest wins. The words are private: no error repeats one."""
    for at, word in enumerate(words):
        if not isinstance(word, str) or not re.search(r"\w", word) or not word.isprintable():
            raise ValueError(f"words.{name}[{at}]: a word is a printable text with a letter or digit; quote numbers")
    listed = "|".join(re.escape(word.strip()) for word in sorted(words, key=len, reverse=True))
    whole = re.compile(rf"(?<!\w)(?:{listed})(?!\w)", re.IGNORECASE)
    first = {re.findall(r"\w+", word.casefold())[0] for word in words}

    def may_hold(text: str) -> bool:
        # An alternation of a thousand words is slow: nearly all texts hold none of the first ones.
        return not first.isdisjoint(re.findall(r"\w+", text.casefold()))

    def replace(text: str) -> str:
        return whole.sub(lambda found: write(name, found.group()), text) if may_hold(text) else text

    return Replacer(replace, lambda texts: list(map(may_hold, texts)))


# Control tokens of the Mistral family: a placeholder of that name would end a turn instead of standing for a value.
_RESERVED = re.compile("INST|(?:AVAILABLE_)?TOOL(?:S|_CALLS|_RESULTS|_CONTENT)|SYSTEM_PROMPT|PREFIX|MIDDLE|SUFFIX|IMG")


def _check_name(option: str, name: str, is_numbered: bool) -> None:
    """ValueError where [NAME] cannot be a placeholder."""
    if not re.fullmatch(r"[A-Z][A-Z0-9_]{0,31}", name):
        raise ValueError(f"{option}.{name}: a name is up to 32 capitals, digits and _ : it becomes [{name.upper()}]")
    if _RESERVED.fullmatch(name):
        raise ValueError(f"{option}.{name}: [{name}] is a control token of chat models; choose another name")
    if is_numbered and (len(name) > LONGEST_NAME or re.search("_[0-9]+$", name)):
        raise ValueError(
            f"{option}.{name}: with `numbering`, a name is up to {LONGEST_NAME} characters and does not end in _ and "
            f"digits: it becomes [{name[:LONGEST_NAME]}_1]"
        )
