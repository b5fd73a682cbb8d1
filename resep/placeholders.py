"""How a placeholder such as [EMAIL] survives the later text steps: it travels as private-use characters.

Each ASCII character of the placeholder moves to U+E000 plus its code. Those code points have category Co: lowercasing
and punctuation stripping leave them alone, and `reveal` needs no table to bring the placeholder back.
"""

from __future__ import annotations

import re

_OFFSET = 0xE000
_HIDDEN = re.compile("[\ue000-\ue07f]+")
_TO_ASCII = {_OFFSET + code: code for code in range(128)}


def hide(placeholder: str) -> str:
    """The placeholder (ASCII, e.g. "[EMAIL]") in private-use characters."""
    return "".join(chr(_OFFSET + ord(character)) for character in placeholder)


def reveal(text: str) -> str:
    """The text with every hidden placeholder written out again."""
    return text.translate(_TO_ASCII)


def is_hidden(text: str) -> bool:
    """Whether the text is a hidden placeholder, or a part of one, and nothing else."""
    return _HIDDEN.fullmatch(text) is not None


def scrub(text: str) -> str:
    """The text without private-use characters of its own, so that `reveal` cannot mistake them for placeholders."""
    return _HIDDEN.sub("", text)
