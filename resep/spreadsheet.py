"""Texts of strangers in a CSV file that a person opens in a spreadsheet: no cell is a formula, none is lost.

A program that opens a CSV runs what begins with = + - or @; a quote before it makes it a text (OWASP, CSV injection).
Programs pass over white space and characters that nobody sees before they look, so these do not hide a beginning.
"""

from __future__ import annotations

import unicodedata

MOST_CHARACTERS = 30_000  # Excel cuts a cell at 32,767 without a word
_STARTS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_LINE_STARTS = ("\t", "\r", "\n")  # a program may take what follows for a cell of its own
_UNSEEN = {"Cc", "Cf", "Zl", "Zp", "Zs"}  # control and format characters, separators


def cell(text: str) -> str:
    """The text as a cell: no formula, no zero byte or half character, and a note where it is cut."""
    whole = text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
    left = len(whole) - MOST_CHARACTERS
    kept = f"{whole[:MOST_CHARACTERS]}\n[cut here: {left:,} more characters]" if left > 0 else whole
    return f"'{kept}" if _is_formula(kept) else kept


def _is_formula(text: str) -> bool:
    first = next((c for c in text if not (c.isspace() or unicodedata.category(c) in _UNSEEN)), "")
    return text.lstrip(" ").startswith(_LINE_STARTS) or first in _STARTS
