"""Many texts as one: a call that costs more to make than to carry out is made once for all of them.

What is done to the whole has to be the same as done to each text. So the separator is a character that no text here may
hold, no white space to Python, no letter, no mark of anything: words and composed characters end at it.
"""

from __future__ import annotations

from collections.abc import Sequence

SEPARATOR = "\x01"
_BLANKS = bytes.maketrans(b"\t\v\f\r\x1c\x1d\x1e\x1f", b" " * 8)  # what Python calls white space, but for line ends
_SPACE, _LINE_END, _TEXT_END = b" \n\x01"


def joined(texts: Sequence[str]) -> str | None:
    """The texts as one, to be taken apart at SEPARATOR; None where that would not give them back."""
    whole = SEPARATOR.join(texts)
    return whole if texts and whole.count(SEPARATOR) == len(texts) - 1 else None


def single_spaced(whole: bytes) -> bytes:
    """Joined texts in UTF-8 with one space for any white space within a line, and none at the ends of a line or a text.

    White space beyond ASCII is none here. 0.3 us for 180 bytes, where to split and join the words takes 1.4.
    """
    import numpy as np  # 0.1 s: not for those who only check a recipe

    characters = np.frombuffer(b"\n%b\n" % whole.translate(_BLANKS), np.uint8)
    is_space = characters == _SPACE
    is_end = (characters == _LINE_END) | (characters == _TEXT_END)
    characters = characters[1:][~(is_space[1:] & (is_space | is_end)[:-1])]  # of each run the first, of a line's none
    is_end = (characters == _LINE_END) | (characters == _TEXT_END)
    return bytes(characters[:-1][~((characters[:-1] == _SPACE) & is_end[1:])])


def spaced_all(texts: Sequence[str]) -> list[str]:
    """`" ".join(text.split())` of each text: for those in ASCII alone, in a third of the time."""
    whole = joined([text for text in texts if text.isascii()]) if len(texts) > _FEW else None
    if whole is None:
        return [" ".join(text.split()) for text in texts]
    before = whole.encode()
    after = single_spaced(before.replace(b"\n", b" "))
    if after == before:  # as most texts are once they were cleaned
        return [text if text.isascii() else " ".join(text.split()) for text in texts]
    spaced = iter(after.decode().split(SEPARATOR))
    return [next(spaced) if text.isascii() else " ".join(text.split()) for text in texts]


_FEW = 20  # for which the preparations would take longer
