"""Keep what a reader of the page sees: tags, comments, scripts and styles go, entities become their characters.

Block tags become line breaks. A text without < and & stays as it is.
"""

import re
from html.parser import HTMLParser

from resep.placeholders import is_hidden

_BLOCKS = re.compile(
    "address|article|aside|blockquote|d[dlt]|details|div|fieldset|figcaption|figure|footer|form|h[1-6r]|header|li|main|"
    "nav|[ou]l|option|p|pre|section|summary|table|title|tr"
)
_CELLS = frozenset({"td", "th"})
_UNSEEN = frozenset({"script", "style"})
_NUMBERED = re.compile("&#(?:[xX]0*([0-9a-fA-F]+)|0*([0-9]+));?")


def transform_text(text: str) -> str:
    if "<" not in text and "&" not in text:
        return text
    page = _Page()
    text = _NUMBERED.sub(_decodable, text)
    closed = text.rfind(">") + 1  # without a > to come, the parser reads on to the end from every <
    page.feed(text[:closed] + text[closed:].replace("<", "&lt;"))
    page.close()
    lines = [" ".join(line.split()) for line in "".join(page.parts).split("\n")]
    return re.sub("\n{3,}", "\n\n", "\n".join(lines)).strip()


class _Page(HTMLParser):
    """Collects the visible text in `parts`."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._unseen = False
        self._fresh = True  # nothing stands in the present line yet

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - the parser's
        self._unseen = tag in _UNSEEN
        self._break(tag)

    def handle_endtag(self, tag: str) -> None:
        self._unseen = False
        if tag != "br":
            self._break(tag)

    def handle_data(self, data: str) -> None:
        if self._unseen:
            return
        if data.isspace():
            self.parts.append(" ")  # between tags, a line break of the source is a space
            return
        self.parts.append(data)
        self._fresh = False

    def parse_html_declaration(self, i: int) -> int:
        # The parser's own reading of `<![...` asserts that the keyword is known; browsers take all for comments.
        return self.parse_bogus_comment(i) if self.rawdata.startswith("<![", i) else super().parse_html_declaration(i)

    def _break(self, tag: str) -> None:
        if tag == "br" or (not self._fresh and _BLOCKS.fullmatch(tag)):
            self.parts.append("\n")
            self._fresh = True
        elif tag in _CELLS:
            self.parts.append(" ")


def _decodable(entity: re.Match[str]) -> str:
    """The numbered entity, or U+FFFD for one that forges a hidden placeholder, or has too many digits for `int`."""
    hexadecimal, decimal = entity.groups()
    if len(hexadecimal or decimal) > 7:
        return "\ufffd"
    code = int(hexadecimal, 16) if hexadecimal else int(decimal)
    return "\ufffd" if code > 0x10FFFF or is_hidden(chr(code)) else entity.group()
