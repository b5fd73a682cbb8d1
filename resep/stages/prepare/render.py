"""From a row to an example: the conversation that a chat template renders, and the answer it is judged by."""

from __future__ import annotations

from resep.records import Example, Message, Row, Target
from resep.steps import render_steps

_NOT_METADATA = frozenset({"prompt", "response", "messages"})


def to_example(row: Row, system: str | None, response_format: str) -> Example:
    """The row as a conversation. A list of steps becomes a text here, after cleaning; the target stays a list.

    `system` stands first where the row has no system message of its own.
    """
    messages, target = _conversation(row, response_format)
    if system and messages[0].role != "system":
        messages = (Message("system", system), *messages)
    metadata = {name: value for name, value in row.fields.items() if name not in _NOT_METADATA}
    return Example(row.id, messages, target, metadata)


def _conversation(row: Row, response_format: str) -> tuple[tuple[Message, ...], Target]:
    if "messages" in row.fields:
        messages = tuple(Message(message["role"], message["content"]) for message in row.fields["messages"])
        return messages, messages[-1].content
    response = row.fields["response"]
    target: Target = response if isinstance(response, str) else tuple(response)
    answer = target if isinstance(target, str) else render_steps(target, response_format)
    return (Message("user", row.fields["prompt"]), Message("assistant", answer)), target
