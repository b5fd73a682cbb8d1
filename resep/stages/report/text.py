"""Text that models and people wrote, made harmless and readable for a page. Escaping itself is the template's."""

from __future__ import annotations

import re
import unicodedata

LONGEST = 1500  # characters of one text that are shown
_BIDI = {*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x061C, 0x200E, 0x200F}
_MARKDOWN = re.compile(r"([\\`*_\[\]|~#])")


def shown(text: str, limit: int = LONGEST) -> str:
    """The text with control characters visible, no way to turn its direction, and cut with a note where too long."""
    cut = text[:limit]
    visible = "".join(_visible(character) for character in cut.replace("\r\n", "\n"))
    left = len(text) - len(cut)
    return f"{visible} \N{HORIZONTAL ELLIPSIS} [{left:,} more characters]" if left else visible


def cell(text: object, limit: int = 300) -> str:
    """A text for one cell of a Markdown table, or any place within a line: no markup and no line end survives."""
    flat = " ".join(shown(str(text), limit).split())
    return _MARKDOWN.sub(r"\\\1", flat).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def fenced(text: str) -> str:
    """A Markdown code block that the text cannot leave: its fence is longer than any run of backticks inside."""
    body = shown(text)
    longest = max((len(run) for run in re.findall("`+", body)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{body}\n{fence}"


def _visible(character: str) -> str:
    code = ord(character)
    if character in "\n\t":
        return character
    if code < 0x20:
        return chr(0x2400 + code)  # the control pictures: an escape character becomes a visible sign
    if code == 0x7F:
        return "\u2421"
    if code in _BIDI or 0x80 <= code < 0xA0 or unicodedata.category(character) == "Cs":
        return f"\N{MATHEMATICAL LEFT ANGLE BRACKET}U+{code:04X}\N{MATHEMATICAL RIGHT ANGLE BRACKET}"
    return character
