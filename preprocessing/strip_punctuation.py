"""Take punctuation and symbols out of the text, and the extra spaces that this leaves.

replace_with: what stands in the place of each punctuation mark before runs of spaces become one space
keep: punctuation marks that stay, for example "'-
"""

import unicodedata
from collections.abc import Callable, Sequence

from resep.joined import SEPARATOR, joined, single_spaced


def make_transform(*, replace_with: str = " ", keep: str = "") -> Callable[[str], str]:
    replace = _replace(replace_with, keep)

    def strip(text: str) -> str:
        text = _text(replace(text))
        if "\n" in text:
            return "\n".join([" ".join(line.split()) for line in text.split("\n")])
        return " ".join(text.split())

    return strip


def make_transforms(*, replace_with: str = " ", keep: str = "") -> Callable[[Sequence[str]], list[str]]:
    replace, strip = _replace(replace_with, keep), make_transform(replace_with=replace_with, keep=keep)

    def strip_all(texts: Sequence[str]) -> list[str]:
        whole = joined(texts)
        if whole is None or SEPARATOR in replace_with:
            return [strip(text) for text in texts]
        return _text(single_spaced(replace(whole))).split(SEPARATOR)

    return strip_all


def _replace(new: str, keep: str) -> Callable[[str], bytes]:
    """What puts `new` in the place of every mark, and a space in that of any white space beyond ASCII; in UTF-8."""

    def is_mark(character: str) -> bool:
        return unicodedata.category(character)[0] in "PS" and character not in keep

    def instead(character: str) -> str:
        is_blank = character.isspace() and not character.isascii()
        return new if is_mark(character) else " " if is_blank else character

    by_table = _by_table(instead)
    if len(new) > 1 or not new.isascii():
        return lambda text: _bytes(by_table(_composed(text)))
    marks = bytes(code for code in range(128) if is_mark(chr(code)))
    moved, deleted = (bytes.maketrans(marks, new.encode() * len(marks)), b"") if new else (None, marks)
    known: dict[str, str] = {}

    def replace(text: str) -> bytes:
        """The marks of ASCII as bytes, which no other character has any of; those beyond, one kind after another."""
        if not text.isascii():
            text = _composed(text)
            beyond = {*_text(_bytes(text).translate(None, _ASCII))}
            known.update({character: instead(character) for character in beyond - known.keys()})
            gone = [character for character in beyond if known[character] != character]
            if len(gone) > _MANY_KINDS:
                text = by_table(text)
            else:
                for character in gone:
                    text = text.replace(character, known[character])
        return _bytes(text).translate(moved, deleted)

    return replace


_ASCII = bytes(range(128))
_MANY_KINDS = 40  # from here on, one slow pass takes less time than a quick one for each


def _by_table(instead: Callable[[str], str]) -> Callable[[str], str]:
    """Every character becomes what stands in its place, in one pass; the table fills as characters are met."""

    class Table(dict[int, str]):
        def __missing__(self, code: int) -> str:
            self[code] = instead(chr(code))
            return self[code]

    table = Table()
    return lambda text: text.translate(table)


def _composed(text: str) -> str:
    """A decomposed letter becomes one, and combining marks (category M) are never touched."""
    return unicodedata.normalize("NFC", text)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogatepass")
