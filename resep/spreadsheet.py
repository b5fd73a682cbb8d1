"""Texts of strangers in a CSV file that a person opens in a spreadsheet: no cell is a formula, none is lost.

A program that opens a CSV runs what begins with = + - or @; a quote before it makes it a text (OWASP, CSV injection).
"""

from __future__ import annotations

MOST_CHARACTERS = 30_000  # Excel cuts a cell at 32,767 without a word
_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def cell(text: str) -> str:
    """The text as a cell: no formula, no zero byte or half character, and a note where it is cut."""
    whole = text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
    left = len(whole) - MOST_CHARACTERS
    kept = f"{whole[:MOST_CHARACTERS]}\n[cut here: {left:,} more characters]" if left > 0 else whole
    return f"'{kept}" if kept.lstrip(" ").startswith(_STARTS) else kept
