"""From a row to an example: the conversation that a chat template renders, and the answer it is judged by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from resep.formats.texts import said
from resep.records import Example, Message, Row, Target
from resep.steps import render_steps

_NOT_METADATA = frozenset({"prompt", "response", "messages", "tools", "system"})


def to_example(row: Row, system: str | None, response_format: str) -> Example:
    """The row as a conversation. A list of steps becomes a text here, after cleaning; the target stays a list.

    `system` stands first where the row has no system message of its own. A row without a question is a completion,
    which stands alone. The target of an answer that only calls tools is the calls in JSON.
    """
    fields = row.fields
    metadata = {name: value for name, value in fields.items() if name not in _NOT_METADATA}
    if "messages" in fields:
        messages = tuple([Message(**message) for message in fields["messages"]])
        target: Target = messages[-1].content or said(fields["messages"][-1])
    elif "prompt" in fields:
        response = fields["response"]
        target = response if isinstance(response, str) else tuple(response)
        answer = target if isinstance(target, str) else render_steps(target, response_format)
        messages = (Message("user", fields["prompt"]), Message("assistant", answer))
        system = fields.get("system", system)
    else:
        return Example(row.id, (Message("completion", fields["response"]),), fields["response"], metadata)
    if system and messages[0].role != "system":
        messages = (Message("system", system), *messages)
    return Example(row.id, messages, target, metadata, fields.get("tools", ()))


def has_question(row: Row) -> bool:
    """Whether a model can be asked this row. A text without a question is for training and validation only."""
    return "prompt" in row.fields or "messages" in row.fields


def has_tools(fields: Mapping[str, Any]) -> bool:
    """Whether a row has tools or calls them, which not every chat template can write."""
    return "tools" in fields or any("tool_calls" in message for message in fields.get("messages", ()))
