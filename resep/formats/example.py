"""From a row to an example: the conversation that a chat template renders, and the answer it is judged by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from resep.formats.table import Rows, Table, column
from resep.formats.texts import said
from resep.records import Example, Message, Origin, Row, Target, json_line, to_bytes
from resep.steps import render_all_steps, render_steps

_NOWHERE = Origin("", 0)
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


def example_lines(ids: Sequence[str], rows: Rows, system: str | None, response_format: str) -> list[bytes]:
    """`to_example` of each of the rows, as the lines of JSON that a split holds.

    Questions and their answers, which nearly all rows are, become no objects on the way: 2 us a row less.
    """
    prompts, responses = column(rows, "prompt", str), column(rows, "response", list[str])
    if not isinstance(rows, Table) or prompts is None or responses is None or "tools" in rows.columns:
        made = (Row(*each, _NOWHERE) for each in zip(ids, rows, strict=True))
        return [to_bytes(to_example(row, system, response_format)) for row in made]
    first = [{"role": "system", "content": system}] if system else []
    known = {name: values for name, values in rows.columns.items() if name not in _NOT_METADATA}
    metadata = Table(known) if known else [{}] * len(ids)
    answers = render_all_steps(responses, response_format)
    lines = []
    for name, prompt, answer, target, each in zip(ids, prompts, answers, responses, metadata, strict=True):
        messages = [*first, {"role": "user", "content": prompt}, {"role": "assistant", "content": answer}]
        lines.append(json_line({"id": name, "messages": messages, "target": target, "metadata": each}))
    return lines


def has_question(row: Row) -> bool:
    """Whether a model can be asked this row. A text without a question is for training and validation only."""
    return "prompt" in row.fields or "messages" in row.fields


def has_questions(rows: Rows) -> list[bool]:
    """`has_question` of each of the rows, of which these are the fields."""
    if isinstance(rows, Table):
        return [not {"prompt", "messages"}.isdisjoint(rows.columns)] * len(rows)
    return ["prompt" in fields or "messages" in fields for fields in rows]


def has_tools(fields: Mapping[str, Any]) -> bool:
    """Whether a row has tools or calls them, which not every chat template can write."""
    return "tools" in fields or any("tool_calls" in message for message in fields.get("messages", ()))
