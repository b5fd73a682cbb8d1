"""The text of an answer that can be shown while the rest of it is still to come: it only grows."""

from __future__ import annotations

from collections.abc import Sequence

_UNFINISHED = "\N{REPLACEMENT CHARACTER}"  # a character of which a token has said the first bytes alone


def settled(text: str, stops: Sequence[str] = ()) -> str:
    """The beginning of the text that no further token can change.

    Held back: a last character that is not whole, and what may turn out to be the beginning of a stop text.
    """
    text = text.rstrip(_UNFINISHED)
    held = max((_overlap(text, stop) for stop in stops), default=0)
    return text[: len(text) - held]


def _overlap(text: str, stop: str) -> int:
    """The length of the longest beginning of `stop` that the text ends with."""
    return next((size for size in range(min(len(stop), len(text)), 0, -1) if text.endswith(stop[:size])), 0)
