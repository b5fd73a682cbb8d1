"""Write every character in one way, so that texts that look the same are the same.

form: NFC composes letters and their accents; NFKC also makes ① a 1, ﬁ an fi and full-width letters plain
strip_invisible: take out zero-width spaces, soft hyphens, marks of direction and hidden tags; joiners stay, because
  emoji, Persian and the scripts of India need them
plain_spaces: every kind of space becomes a space, Unicode's line and paragraph separators a line break
plain_quotes: curly quotes and apostrophes become straight ones
"""

import re
import unicodedata
from functools import lru_cache
from typing import Literal


def transform_text(
    text: str,
    *,
    form: Literal["NFC", "NFKC"] = "NFC",
    strip_invisible: bool = True,
    plain_spaces: bool = True,
    plain_quotes: bool = False,
) -> str:
    if text.isascii():
        return text
    # Normalised last: a letter and an accent may meet only when what stood between them is gone.
    if strip_invisible:
        text = _INVISIBLE.sub("", text)
    return unicodedata.normalize(form, text.translate(_table(plain_spaces, plain_quotes)))


_INVISIBLE = re.compile(
    "[\u00ad\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb\U000e0001\U000e0020-\U000e007f]"
)
_SPACES = dict.fromkeys(map(ord, "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"), " ")
_SPACES |= {0x202F: " ", 0x205F: " ", 0x3000: " ", 0x2028: "\n", 0x2029: "\n"}
_QUOTES = dict.fromkeys(range(0x2018, 0x201C), "'") | dict.fromkeys(range(0x201C, 0x2020), '"')


@lru_cache
def _table(plain_spaces: bool, plain_quotes: bool) -> dict[int, str]:
    return (_SPACES if plain_spaces else {}) | (_QUOTES if plain_quotes else {})
