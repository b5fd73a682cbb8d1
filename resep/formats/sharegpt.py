"""ShareGPT: a conversation as a list of {from, value}, with its system text and its tools beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from resep.formats.form import Form
from resep.formats.messages import conversation
from resep.formats.tools import call, tools_of
from resep.formats.values import BadRowError, a_list, field, from_json, optional_text
from resep.suggest import a_json_type

_ROLES = {
    "system": "system",
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "assistant": "assistant",
    "function_call": "call",
    "observation": "tool",
    "tool": "tool",
    "function_response": "tool",
}


def read(values: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """`messages`, and `tools` where the row has any. A system text beside the conversation stands first in it."""
    where = f"field {names['messages']!r}"
    turns = a_list(field(values, "messages", names["messages"]), where, "turns {from, value}")
    messages = conversation(list(_messages(turns)), where)
    if messages[0]["role"] != "system" and (system := optional_text(values, names["system"])):
        messages = [{"role": "system", "content": system}, *messages]
    tools = tools_of(values, names)
    return {"messages": messages, "tools": tools} if tools else {"messages": messages}


def _messages(turns: Sequence[Any]) -> Iterator[dict[str, Any]]:
    """The turns in OpenAI's form, as yet unchecked."""
    waiting = 0
    for number, turn in enumerate(turns, 1):
        role, value = _turn(turn, number)
        if role == "call":
            calls = _calls(value, number)
            waiting = len(calls)
            yield {"role": "assistant", "content": None, "tool_calls": calls, "weight": turn.get("weight")}
        elif role == "tool":
            yield from ({"role": "tool", "content": each} for each in _results(value, waiting))
        elif "weight" in turn:
            yield {"role": role, "content": value, "weight": turn["weight"]}
        else:
            yield {"role": role, "content": value}


def _turn(turn: Any, number: int) -> tuple[str, Any]:
    if not isinstance(turn, dict):
        raise BadRowError(f"turn {number} is {a_json_type(turn)}: an object {{from, value}} was expected")
    for key in ("from", "value"):
        if key not in turn:
            raise BadRowError(f"turn {number} has no {key!r}", f"; it has {', '.join(map(repr, turn)) or 'nothing'}")
    speaker = turn["from"]
    if not isinstance(speaker, str) or speaker.replace("-", "_") not in _ROLES:
        what = f"turn {number} is from none of human, gpt, system, function_call, observation and tool"
        raise BadRowError(what, f": {speaker!r}")
    return _ROLES[speaker.replace("-", "_")], turn["value"]


def _calls(value: Any, number: int) -> list[dict[str, Any]]:
    """A call {name, arguments}, or a list of them, as a text in JSON or as it is."""
    where = f"the function call of turn {number}"
    given = from_json(value, where) if isinstance(value, str) else value
    calls = [call(each, None, where) for each in (given if isinstance(given, list) else [given])]
    if not calls:
        raise BadRowError(f"{where} is an empty list")
    return calls


def _results(value: Any, waiting: int) -> list[Any]:
    """The results in an observation: one for each call, where it is a list of as many; else it is one result."""
    if not isinstance(value, str) and value is not None:
        value = json.dumps(value, ensure_ascii=False)
    if waiting < 2 or value is None:
        return [value]
    try:
        results = json.loads(value)
    except ValueError:
        return [value]
    if not isinstance(results, list) or len(results) != waiting:
        return [value]
    return [each if isinstance(each, str) else json.dumps(each, ensure_ascii=False) for each in results]


FORM = Form(
    wants="conversations (a list of {from, value}), perhaps system and tools",
    fields={"messages": "conversations"},
    read=read,
    optional={"system": "system", "tools": "tools", "functions": "functions"},
)
