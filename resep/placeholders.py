"""How a placeholder such as [EMAIL] survives the later text steps: it travels as private-use characters.

Each byte of the placeholder in UTF-8 moves to U+E000 plus its value. Those code points have category Co: lowercasing,
punctuation stripping and normalisation leave them alone, and `reveal` needs no table to bring the placeholder back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

_OFFSET = 0xE000
HIDDEN = re.compile("[\ue000-\ue0ff]+")
_NAMED = re.compile("\ue05b([\ue041-\ue05a][\ue030-\ue039\ue041-\ue05a\ue05f]*)[^\ue05d]*\ue05d")  # [NAME], [NAME#...]
_FIRST_BYTE = b"\xee"  # with which every character from U+E000 to U+EFFF begins in UTF-8


@lru_cache
def hide(placeholder: str) -> str:
    """The placeholder (e.g. "[EMAIL]", "{{Né le}}") in private-use characters."""
    return "".join([chr(_OFFSET + byte) for byte in placeholder.encode("utf-8", "surrogatepass")])


def reveal(text: str) -> str:
    """The text with every hidden placeholder written out again."""
    return HIDDEN.sub(lambda found: _written_out(found[0]), text) if _may_hide(text) else text


def is_hidden(text: str) -> bool:
    """Whether the text is a hidden placeholder, or a part of one, and nothing else."""
    return HIDDEN.fullmatch(text) is not None


def scrub(text: str) -> str:
    """The text without private-use characters of its own, so that `reveal` cannot mistake them for placeholders."""
    return HIDDEN.sub("", text) if _may_hide(text) else text


def hidden_names(text: str) -> Iterator[str]:
    """The names of the hidden placeholders of the form [NAME] in a text, in their order: what a step wrote is what it
    left here beyond what was here before it."""
    if _may_hide(text):
        for found in _NAMED.finditer(text):
            yield _written_out(found[1])


def _may_hide(text: str) -> bool:
    # Three times as fast as to look for the characters themselves.
    return not text.isascii() and _FIRST_BYTE in text.encode("utf-8", "surrogatepass")


@lru_cache
def _written_out(hidden: str) -> str:
    raw = hidden.encode("utf-16-le")[::2]  # the lower byte of each character
    try:
        return raw.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:  # a step has cut the placeholder within a character
        return raw.decode("utf-8", "replace")
