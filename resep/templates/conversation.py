"""One conversation on its way through a template: safe to render, rendered, and cut into what is trained on and not."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from resep.errors import ResepError
from resep.records import Message
from resep.templates.control import broken
from resep.templates.rendering import Marks, Template, render
from resep.templates.tokenizer import Piece, Tokenizer, pieces

# Noncharacters: Unicode keeps them for a program's own use, so hardly any text contains one.
_SENTINELS = [chr(plane + code) for plane in range(0, 0x110000, 0x10000) for code in (0xFFFE, 0xFFFF)]

Span = tuple[int, int]  # start and end in a rendered text


@dataclass(frozen=True)
class Conversation:
    """Messages ready to render: a `breaker` stands in every control token that their own text contains."""

    template: Template
    tokenizer: Tokenizer
    messages: tuple[Mapping[str, str], ...]
    breaker: str
    marks: Marks


def guarded(template: Template, tokenizer: Tokenizer, messages: Sequence[Message]) -> Conversation:
    """Break the control tokens in the messages' text, with characters that occur in none of them."""
    breaker, begin, end = _unused(messages)
    safe = tuple(
        {name: broken(tokenizer.control, text, breaker) for name, text in asdict(message).items()}
        for message in messages
    )
    return Conversation(template, tokenizer, safe, breaker, Marks(begin, end))


def whole(conversation: Conversation) -> tuple[str, list[Span]]:
    """The rendered conversation and where in it the assistant speaks, end tokens included.

    Raises ResepError where that cannot be told.
    """
    text = _render(conversation, conversation.messages, generation_prompt=False)
    if conversation.template.marks_answers:
        return _without_marks(conversation, text)
    found = _spans_by_prefix(conversation, conversation.messages, text)
    if None in found:
        raise ResepError(_why_no_span(conversation, found.index(None) + 1))
    return text, [span for span in found if span is not None]


def question(conversation: Conversation, count: int) -> tuple[str, list[Span]]:
    """The first `count` messages and the beginning of an answer, and where the assistant speaks in them, if known."""
    messages = conversation.messages[:count]
    text = _render(conversation, messages, generation_prompt=True)
    if conversation.template.marks_answers:
        return _without_marks(conversation, text)
    return text, [span for span in _spans_by_prefix(conversation, messages, text) if span is not None]


def cut(
    conversation: Conversation, text: str, spans: Iterable[Span], cuts: Collection[int] = ()
) -> list[tuple[Piece, bool]]:
    """The pieces of a rendered text, tokenised one by one, and for each whether it lies in a span."""
    spans = list(spans)
    edges = {edge for span in spans for edge in span}
    return [
        (piece, any(start <= piece.start < end for start, end in spans))
        for piece in pieces(conversation.tokenizer, text, edges.union(cuts), breaker=conversation.breaker)
    ]


def _render(conversation: Conversation, messages: Sequence[Mapping[str, str]], *, generation_prompt: bool) -> str:
    variables = conversation.tokenizer.variables
    return render(conversation.template, messages, variables, conversation.marks, generation_prompt=generation_prompt)


def _without_marks(conversation: Conversation, text: str) -> tuple[str, list[Span]]:
    """Take the marks out of a text and return where they stood."""
    plain, spans = "", []
    for number, part in enumerate(text.split(conversation.marks.begin)):
        inside, mark, outside = part.partition(conversation.marks.end) if number else ("", conversation.marks.end, part)
        if not mark or conversation.marks.end in outside:
            raise ResepError(f"chat template '{conversation.template.name}': one generation block stands in another")
        if inside:
            spans.append((len(plain), len(plain) + len(inside)))
        plain += inside + outside
    return plain, spans


def _spans_by_prefix(conversation: Conversation, messages: Sequence[Mapping[str, str]], text: str) -> list[Span | None]:
    """Where each answer stands, for a template that does not say: after its own prompt, up to its end token.

    None where the rendering of what comes before an answer changes once more of the conversation follows.
    """
    found: list[Span | None] = []
    for number in (n for n, message in enumerate(messages) if message["role"] == "assistant"):
        before = _render(conversation, messages[:number], generation_prompt=True)
        after = _render(conversation, messages[: number + 1], generation_prompt=False)
        if text.startswith(after) and after.startswith(before):
            found.append((len(before), _end_of_answer(conversation, after, len(before))))
        else:
            found.append(None)
    return found


def _end_of_answer(conversation: Conversation, text: str, start: int) -> int:
    """After the last control token, unless words follow it: a newline between two turns is not the assistant's."""
    ends = [match.end() for match in conversation.tokenizer.control.found.finditer(text, start)]
    return ends[-1] if ends and not text[ends[-1] :].strip() else len(text)


def _why_no_span(conversation: Conversation, answer: int) -> str:
    return (
        f"chat template '{conversation.template.name}': cannot tell which tokens are answer {answer}: the beginning of "
        f"the conversation is rendered differently once more of it follows (a system prompt that moves or disappears, "
        f"thoughts that are taken out). Choose another template (mistral, chatml), or copy this one to a .jinja file "
        f"beside the recipe and put {{% generation %}} around the answers"
    )


def _unused(messages: Sequence[Message]) -> tuple[str, str, str]:
    characters = {character for message in messages for character in message.content}
    if half := next((c for c in characters if "\ud800" <= c <= "\udfff"), None):
        raise ResepError(f"the text contains {half!a}, half of a surrogate pair, which is no character; mend the data")
    free = [sentinel for sentinel in _SENTINELS if sentinel not in characters]
    if len(free) < 3:
        raise ResepError("the text contains nearly every noncharacter of Unicode; is it binary data?")
    return free[0], free[1], free[2]
