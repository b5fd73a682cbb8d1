"""What happens to a conversation with more tokens than training.sequence_len, and in words what it loses."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from resep.errors import ResepError
from resep.records import Message
from resep.templates import Encoded

Write = Callable[[Sequence[Message]], Encoded]  # a conversation -> its tokens


@dataclass(frozen=True)
class Shortened:
    """A conversation made to fit, or None where the row is given up, and in words what was lost."""

    encoded: Encoded | None
    lost: str


def shorten(messages: Sequence[Message], encoded: Encoded, write: Write, limit: int, policy: str) -> Shortened:
    """Apply training.overflow (`drop`, `truncate_prompt`, `truncate_response`) to a conversation above `limit` tokens.

    Raises ResepError where cutting that side cannot make it fit.
    """
    if policy == "drop":
        return Shortened(None, "the whole row")
    if policy == "truncate_response":
        return _truncate_response(encoded, limit)
    return _truncate_prompt(messages, write, limit)


def _truncate_response(encoded: Encoded, limit: int) -> Shortened:
    """Without its end token an answer teaches to go on, which is right for one that was cut."""
    if not any(encoded.trained[:limit]):
        raise ResepError(
            f"its prompt alone fills training.sequence_len ({limit}): nothing of the answer would be left; "
            f"raise training.sequence_len, or set training.overflow to truncate_prompt or drop"
        )
    kept = Encoded(encoded.ids[:limit], encoded.trained[:limit], encoded.text)
    return Shortened(kept, f"the last {len(encoded.ids) - limit} tokens, the answer's end token among them")


def _truncate_prompt(messages: Sequence[Message], write: Write, limit: int) -> Shortened:
    """Oldest exchanges go first, then the beginning of the question; the system prompt and the answer stay whole."""
    system = [message for message in messages if message.role == "system"]
    turns = [message for message in messages if message.role != "system"]
    forgotten = 0
    while len(write([*system, *turns]).ids) > limit and (length := _first_exchange(turns)):
        turns, forgotten = turns[length:], forgotten + 1
    lost = [f"the first {forgotten} exchange(s)"] if forgotten else []
    if len(write([*system, *turns]).ids) > limit:
        turns, characters = _cut_question(system, turns, write, limit)
        lost.append(f"the first {characters} characters of the question")
    return Shortened(write([*system, *turns]), " and ".join(lost))


def _first_exchange(turns: Sequence[Message]) -> int:
    """How many messages the first question and its answer are, or 0 where no other question follows."""
    starts = (n for n in range(1, len(turns)) if turns[n].role == "user" and turns[n - 1].role == "assistant")
    return next(starts, 0)


def _cut_question(
    system: Sequence[Message], turns: Sequence[Message], write: Write, limit: int
) -> tuple[list[Message], int]:
    """The turns with as much of the question's end as fits (whole words, where it has any), and the characters lost."""

    def without(characters: int) -> list[Message]:
        return [replace(turns[0], content=turns[0].content[characters:]), *turns[1:]]

    question = turns[0].content
    words = [match.start() for match in re.finditer(r"\S+", question)]
    places = [*(words if len(words) > 1 else range(len(question))), len(question)]
    found = bisect_left(places, True, key=lambda place: len(write([*system, *without(place)]).ids) <= limit)
    if found == len(places) or turns[0].role != "user":
        raise ResepError(
            f"without any of its question it still has more tokens than training.sequence_len ({limit}): the answer "
            f"itself is too long; raise training.sequence_len, or set training.overflow to truncate_response or drop"
        )
    return without(places[found]), places[found]
