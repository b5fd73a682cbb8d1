"""OpenAI's messages: system (or developer), user, assistant and tool, with tools, calls and a weight per answer.

A conversation may also be a list of [question, answer] pairs. Ours is the same in one spelling: `developer` is
`system`, content is one text, `function_call` is a tool call, and a message has no key that says nothing. A speaker's
`name` is left out: no text step would see it, and it may be a person's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from resep.formats.form import Form
from resep.formats.tools import calls_of, paired, tools_of
from resep.formats.values import BadRowError, a_list, check_text, field
from resep.suggest import a_json_type

Message = dict[str, Any]

_ROLES = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
}
_ORDINARY = frozenset({"system", "user", "assistant"})


def read(values: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """`messages`, and `tools` where the row has any."""
    messages = conversation(field(values, "messages", names["messages"]), f"field {names['messages']!r}")
    tools = tools_of(values, names)
    return {"messages": messages, "tools": tools} if tools else {"messages": messages}


def conversation(value: Any, where: str) -> list[Message]:
    """The messages of a conversation: perhaps a system message, then questions and answers in turn, an answer last.

    An answer that calls tools is followed by one result per call, and then by another answer. Raises BadRowError.
    """
    given = a_list(value, where, "messages {role, content}")
    if isinstance(given[0], list):
        given = [message for number, pair in enumerate(given, 1) for message in _pair(pair, number)]
    messages = [_message(message, number) for number, message in enumerate(given, 1)]
    _check_order(messages)
    if any("tool_calls" in message for message in messages):
        messages = paired(messages)
    if all(message.get("weight") == 0 for message in messages if message["role"] == "assistant"):
        raise BadRowError("the weight of every answer is 0: there is nothing to train on")
    return messages


def _pair(pair: Any, number: int) -> tuple[Message, Message]:
    if not isinstance(pair, list) or len(pair) != 2:
        raise BadRowError(f"exchange {number} is {a_json_type(pair)}: a pair [question, answer] was expected")
    return {"role": "user", "content": pair[0]}, {"role": "assistant", "content": pair[1]}


def _message(message: Any, number: int) -> Message:
    if not isinstance(message, dict):
        raise BadRowError(f"message {number} is {a_json_type(message)}: an object {{role, content}} was expected")
    role, content = message.get("role"), message.get("content")
    is_text = isinstance(role, str) and isinstance(content, str) and content and not content.isspace()
    if is_text and role in _ORDINARY and len(message) == 2:
        return {"role": role, "content": content}
    return _any_message(message, number)


def _any_message(message: Mapping[str, Any], number: int) -> Message:
    role = _role(message, number)
    calls = calls_of(message, number) if role == "assistant" else []
    if "content" not in message and not calls:
        raise BadRowError(f"message {number} has no 'content'", f"; it has {', '.join(map(repr, message))}")
    content = _content(message.get("content"), f"the content of message {number} ({role})")
    if role != "tool" and not calls:
        check_text(content, f"the content of message {number} ({role})")
    read: Message = {"role": role, "content": content}
    if calls:
        read["tool_calls"] = calls
    if role == "tool" and isinstance(message.get("tool_call_id"), str) and message["tool_call_id"]:
        read["tool_call_id"] = message["tool_call_id"]
    if role == "assistant" and _weight(message.get("weight"), number) == 0:
        read["weight"] = 0
    return read


def _role(message: Mapping[str, Any], number: int) -> str:
    if "role" not in message:
        raise BadRowError(f"message {number} has no 'role'", f"; it has {', '.join(map(repr, message)) or 'nothing'}")
    role = message["role"]
    if not isinstance(role, str) or role not in _ROLES:
        what = f"message {number} has a role that is not system, developer, user, assistant or tool"
        raise BadRowError(what, f": {role!r}")
    return _ROLES[role]


def _content(content: Any, where: str) -> str:
    """The text of a message; parts of it in a list are joined as they stand. Raises BadRowError for other parts."""
    if content is None or isinstance(content, str):
        return content or ""
    if not isinstance(content, list):
        raise BadRowError(f"{where} is {a_json_type(content)}: a text was expected")
    for part in content:
        if not isinstance(part, dict) or part.get("type") != "text" or not isinstance(part.get("text"), str):
            raise BadRowError(f"{where} has a part that is not {{type: text, text: ...}}: only text can be learnt")
    return "".join(part["text"] for part in content)


def _weight(weight: Any, number: int) -> int:
    if weight is None:
        return 1
    if isinstance(weight, bool) or weight not in (0, 1):
        raise BadRowError(f"the weight of message {number} is neither 0 (not trained on) nor 1")
    return int(weight)


def _check_order(messages: Sequence[Message]) -> None:
    expected, waiting = ("system" if messages[0]["role"] == "system" else "user"), 0
    for number, message in enumerate(messages, 1):
        role = message["role"]
        if role != expected:
            raise BadRowError(f"message {number} is from {role!r}, where {expected!r} was expected")
        if role == "assistant":
            waiting = len(message.get("tool_calls", ()))
            expected = "tool" if waiting else "user"
        elif role == "tool":
            waiting -= 1
            expected = "tool" if waiting else "assistant"
        else:
            expected = "user" if role == "system" else "assistant"
    if messages[-1]["role"] != "assistant":
        what = f"the last message ({len(messages)}) is from {messages[-1]['role']!r}"
        raise BadRowError(f"{what}: the answer of 'assistant' is missing")


FORM = Form(
    wants="messages (a list of {role, content}), perhaps tools",
    fields={"messages": "messages"},
    read=read,
    optional={"tools": "tools", "functions": "functions"},
)
