"""Replace what a regular expression finds by a text.

pattern: the regular expression, of a kind whose time grows with the length of the text and no faster
by: what stands in its place, to the letter; nothing takes the find out. For placeholders such as [ORDER], which the
  later steps leave alone, see the step `placeholders`

A find that reaches into a placeholder stays as it is.
"""

from functools import lru_cache

from resep.patterns import SafePattern, compile_safe
from resep.placeholders import scrub


def transform_text(text: str, *, pattern: str = "", by: str = "") -> str:
    by = scrub(by)
    return _compiled(pattern).sub(lambda found: by if scrub(found) == found else found, text)


@lru_cache
def _compiled(pattern: str) -> SafePattern:
    if not pattern:
        raise ValueError("pattern: say what to replace, for example pattern: '[0-9]+'")
    try:
        return compile_safe(pattern)
    except ValueError as error:
        raise ValueError(f"pattern: {error}") from error
