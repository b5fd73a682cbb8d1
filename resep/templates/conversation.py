"""One conversation on its way through a template: safe to render, rendered, and cut into what is trained on and not."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from resep.errors import ResepError
from resep.records import Message
from resep.templates.control import Control, broken
from resep.templates.rendering import Marks, Template, render
from resep.templates.tokenizer import Piece, Tokenizer, pieces

# Noncharacters: Unicode keeps them for a program's own use, so hardly any text contains one.
_SENTINELS = [chr(plane + code) for plane in range(0, 0x110000, 0x10000) for code in (0xFFFE, 0xFFFF)]
# Names that templates look up; any other name in a call's arguments is text of the row.
_STRUCTURE = frozenset(
    [
        *(
            "role",
            "content",
            "parsed_content",
            "tool_calls",
            "tool_call_id",
            "name",
            "weight",
            "id",
            "type",
            "function",
        ),
        *("arguments", "description", "parameters", "properties", "required", "items", "enum", "default", "strict"),
    ]
)


class Span(NamedTuple):
    """Where an answer stands in a rendered text, and whether it is to be learnt."""

    start: int
    end: int
    is_learnt: bool = True


@dataclass(frozen=True)
class Conversation:
    """Messages and tools ready to render: a `breaker` stands in every control token that their own text contains.

    A message has the keys that say something, as in OpenAI's form; a tool's result that is JSON has it read, too, as
    `parsed_content`.
    """

    template: Template
    tokenizer: Tokenizer
    messages: tuple[Mapping[str, Any], ...]
    tools: Sequence[Mapping[str, Any]]
    breaker: str
    marks: Marks


def guarded(
    template: Template,
    tokenizer: Tokenizer,
    messages: Sequence[Message],
    tools: Sequence[Mapping[str, Any]] = (),
) -> Conversation:
    """Break the control tokens in the messages' text, with characters that occur in none of them."""
    given = [_as_given(message) for message in messages]
    breaker, begin, end = _unused(given, tools)
    safe = tuple(_broken(tokenizer.control, message, breaker) for message in given)
    safe_tools = [_broken(tokenizer.control, tool, breaker) for tool in tools]
    return Conversation(template, tokenizer, safe, safe_tools, breaker, Marks(begin, end, breaker))


def whole(conversation: Conversation) -> tuple[str, list[Span]]:
    """The rendered conversation and where in it the assistant speaks, end tokens included.

    Raises ResepError where that cannot be told.
    """
    text = _render(conversation, conversation.messages, generation_prompt=False)
    if conversation.template.marks_answers:
        return _without_marks(conversation, conversation.messages, text)
    found = _spans_by_prefix(conversation, conversation.messages, text)
    if None in found:
        raise ResepError(_why_no_span(conversation, found.index(None) + 1))
    return text, [span for span in found if span is not None]


def question(conversation: Conversation, count: int) -> tuple[str, list[Span]]:
    """The first `count` messages and the beginning of an answer, and where the assistant speaks in them, if known."""
    messages = conversation.messages[:count]
    text = _render(conversation, messages, generation_prompt=True)
    if conversation.template.marks_answers:
        return _without_marks(conversation, messages, text)
    return text, [span for span in _spans_by_prefix(conversation, messages, text) if span is not None]


def cut(
    conversation: Conversation, text: str, spans: Iterable[Span], cuts: Collection[int] = ()
) -> list[tuple[Piece, bool | None]]:
    """The pieces of a rendered text, tokenised one by one, and for each whether it is learnt; None outside of spans."""
    spans = list(spans)
    edges = {edge for span in spans for edge in span[:2]}
    return [
        (piece, next((span.is_learnt for span in spans if span.start <= piece.start < span.end), None))
        for piece in pieces(conversation.tokenizer, text, edges.union(cuts), breaker=conversation.breaker)
    ]


def _as_given(message: Message) -> dict[str, Any]:
    given = dict(vars(message))
    if message.role == "tool":
        try:
            given["parsed_content"] = json.loads(message.content or "{}")
        except (ValueError, RecursionError):
            given["parsed_content"] = message.content
    return given


def _broken(control: Control, value: Any, breaker: str) -> Any:
    if isinstance(value, str):
        return broken(control, value, breaker)
    if isinstance(value, Mapping):
        return {
            name if name in _STRUCTURE else broken(control, name, breaker): _broken(control, item, breaker)
            for name, item in value.items()
        }
    return [_broken(control, item, breaker) for item in value] if isinstance(value, list | tuple) else value


def _render(conversation: Conversation, messages: Sequence[Mapping[str, Any]], *, generation_prompt: bool) -> str:
    variables = conversation.tokenizer.variables
    return render(
        conversation.template,
        messages,
        variables,
        conversation.marks,
        generation_prompt=generation_prompt,
        tools=conversation.tools,
    )


def _without_marks(
    conversation: Conversation, messages: Sequence[Mapping[str, Any]], text: str
) -> tuple[str, list[Span]]:
    """Take the marks out of a text and return where they stood."""
    plain, spans = "", []
    parts = text.split(conversation.marks.begin)
    learnt = _which_are_learnt(conversation, messages, len(parts) - 1)
    for number, part in enumerate(parts):
        inside, mark, outside = part.partition(conversation.marks.end) if number else ("", conversation.marks.end, part)
        if not mark or conversation.marks.end in outside:
            raise ResepError(f"chat template '{conversation.template.name}': one generation block stands in another")
        if inside:
            spans.append(Span(len(plain), len(plain) + len(inside), learnt[number - 1]))
        plain += inside + outside
    return plain, spans


def _which_are_learnt(
    conversation: Conversation, messages: Sequence[Mapping[str, Any]], answers: int
) -> Sequence[bool]:
    """For each answer that a template wrote, whether its message has weight."""
    learnt = [_is_learnt(message) for message in messages if message["role"] == "assistant"]
    if len(learnt) == answers:
        return learnt
    if not all(learnt):
        raise ResepError(
            f"chat template '{conversation.template.name}': it writes {answers} answers for {len(learnt)} messages of "
            "the assistant, so it cannot be told which of them has weight 0; give messages in a row one weight"
        )
    return [True] * answers


def _is_learnt(message: Mapping[str, Any]) -> bool:
    return bool(message.get("weight", 1))


def _spans_by_prefix(conversation: Conversation, messages: Sequence[Mapping[str, Any]], text: str) -> list[Span | None]:
    """Where each answer stands, for a template that does not say: after its own prompt, up to its end token.

    None where the rendering of what comes before an answer changes once more of the conversation follows.
    """
    found: list[Span | None] = []
    for number in (n for n, message in enumerate(messages) if message["role"] == "assistant"):
        before = _render(conversation, messages[:number], generation_prompt=True)
        after = _render(conversation, messages[: number + 1], generation_prompt=False)
        if text.startswith(after) and after.startswith(before):
            end = _end_of_answer(conversation, after, len(before))
            found.append(Span(len(before), end, _is_learnt(messages[number])))
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


def _unused(messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]]) -> tuple[str, str, str]:
    characters = {character for message in messages for character in message["content"]}
    if tools or any(len(message) > 2 for message in messages):  # more than role and content
        characters.update(json.dumps([messages, tools], ensure_ascii=False))
    if half := next((c for c in characters if "\ud800" <= c <= "\udfff"), None):
        raise ResepError(f"the text contains {half!a}, half of a surrogate pair, which is no character; mend the data")
    free = [sentinel for sentinel in _SENTINELS if sentinel not in characters]
    if len(free) < 3:
        raise ResepError("the text contains nearly every noncharacter of Unicode; is it binary data?")
    return free[0], free[1], free[2]
