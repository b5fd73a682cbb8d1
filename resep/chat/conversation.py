"""A conversation with a model: what was typed and said so far, and what the model is to see of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from resep.errors import ResepError
from resep.formats import BadRowError
from resep.formats.values import check_text
from resep.handover.asking import FILE, has_conversations
from resep.predicting.questions import Question, as_example, cleaner
from resep.records import Message

if TYPE_CHECKING:
    from resep.predicting.opening import OpenedRun

Turns = tuple[Message, ...]


@dataclass(frozen=True)
class Manner:
    """How questions are asked: the text steps, the system message, and whether earlier turns belong to a question."""

    clean: Callable[[Mapping[str, Any]], dict[str, Any]]
    system: str | None
    keeps_turns: bool


def manner_of(run: OpenedRun) -> Manner:
    """The manner of a run's recipe: earlier turns are kept where the rows that the model was tested on have them."""
    if (run.folder / FILE).is_file():
        keeps = run.recipe["data.sources"][0]["format"] == "messages"
    else:
        keeps = has_conversations(run.folder / "samples.jsonl")
    return Manner(cleaner(run.recipe.steps), run.recipe["prompt.system"], keeps)


def asked(manner: Manner, earlier: Turns, typed: str) -> Turns:
    """What the model is to see, the system message first. Raises ResepError where nothing is left of what was typed."""
    try:
        typed.encode()
        check_text(typed, "the question")
    except (UnicodeEncodeError, BadRowError) as error:
        raise ResepError("this is no text that can be asked (empty, or not UTF-8)") from error
    turns = [vars(message) for message in (*earlier, Message("user", typed))]
    fields = {"messages": turns} if earlier else {"prompt": typed}
    return as_example(0, Question("", fields, "this question"), manner.clean(fields), manner.system).prompt


def continued(manner: Manner, earlier: Turns, typed: str, said: str) -> Turns:
    """The turns that the next question follows: an answer without a word is no turn."""
    if not manner.keeps_turns or not said.strip():
        return earlier
    return (*earlier, Message("user", typed), Message("assistant", said))
