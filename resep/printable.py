"""Text of strangers, made safe to print: a recipe's words, a row's, a model's, and the paths of their files."""

from __future__ import annotations

import unicodedata

# Bidirectional controls: they show a text in another order than it is read in ("Trojan source").
_REORDERING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_REFUSED = frozenset({"Cc", "Cs", "Zl", "Zp"})


def printable(text: object) -> str:
    """The text with U+FFFD for what could move the cursor, colour the terminal or reorder words; line ends stay."""
    shown = str(text)
    if shown.isprintable():
        return shown
    return "".join("\ufffd" if _is_refused(character) else character for character in shown)


def on_one_line(text: object) -> str:
    """The same, with line ends as spaces, so that a text cannot pass for a line of ours."""
    return printable(text).replace("\n", " ")


def _is_refused(character: str) -> bool:
    return character in _REORDERING or (unicodedata.category(character) in _REFUSED and character not in "\t\n")
