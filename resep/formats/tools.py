"""Tools in a conversation: their definitions, the calls of the assistant, and the results that answer them.

Calls and results are paired here. A call's id is an opaque name: it stays where it has nine letters and digits, which
Mistral's format asks for and any other takes, and is else numbered in order (`call00001`), so that it can be learnt.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from resep.formats.values import BadRowError, a_list, check_depth, from_json
from resep.suggest import a_json_type

_ID = re.compile(r"[a-zA-Z0-9]{9}")


def tools_of(values: Mapping[str, Any], names: Mapping[str, str]) -> list[dict[str, Any]]:
    """The functions that a row says may be called, as {"type": "function", "function": {...}}; empty without any.

    `tools` (a list, or a text in JSON) counts before the older `functions`.
    """
    for ours in ("tools", "functions"):
        name = names[ours]
        if (value := values.get(name)) in (None, "", [], "[]"):
            continue
        tools = a_list(value, f"field {name!r}", "function definitions")
        return [_tool(tool, f"definition {number} of field {name!r}") for number, tool in enumerate(tools, 1)]
    return []


def calls_of(message: Mapping[str, Any], number: int) -> list[dict[str, Any]]:
    """The calls of an assistant's message, their arguments as objects; `function_call` is the older spelling of one."""
    if message.get("function_call"):
        return [call(message["function_call"], None, f"the function call of message {number}")]
    if not (given := message.get("tool_calls")):
        return []
    calls = a_list(given, f"the tool calls of message {number}", "calls {id, function}")
    return [_tool_call(each, f"tool call {at} of message {number}") for at, each in enumerate(calls, 1)]


def call(function: Any, own_id: str | None, where: str) -> dict[str, Any]:
    """One call from {name, arguments}; arguments are an object, or a text that holds one in JSON."""
    if not isinstance(function, dict) or not isinstance(function.get("name"), str) or not function["name"]:
        raise BadRowError(f"{where} has no function's name")
    arguments = function.get("arguments", {})
    if isinstance(arguments, str):
        arguments = from_json(arguments, f"{where}: `arguments`") if arguments.strip() else {}
    if not isinstance(arguments, dict):
        raise BadRowError(f"{where}: `arguments` is {a_json_type(arguments)}: an object was expected")
    check_depth(arguments, f"{where}: `arguments`")
    return {"id": own_id, "type": "function", "function": {"name": function["name"], "arguments": arguments}}


def paired(messages: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The messages with every result next to its call's id and function name, and ids that every template takes.

    A result without an id answers the first call that is still open. Raises BadRowError where one answers no call.
    """
    done: list[dict[str, Any]] = []
    waiting: list[tuple[str | None, str, str]] = []  # the id as it was, as it is now, the function
    count = 0
    for number, message in enumerate(messages, 1):
        if "tool_calls" in message:
            calls = [_with_id(each, count + at) for at, each in enumerate(message["tool_calls"], 1)]
            waiting = [
                (old["id"], new["id"], new["function"]["name"])
                for old, new in zip(message["tool_calls"], calls, strict=True)
            ]
            count += len(calls)
            done.append({**message, "tool_calls": calls})
        elif message["role"] == "tool":
            found = _answered(waiting, message.get("tool_call_id"), number)
            waiting.remove(found)
            done.append({**message, "tool_call_id": found[1], "name": found[2]})
        else:
            done.append(message)
    return done


def _tool(tool: Any, where: str) -> dict[str, Any]:
    function = tool.get("function", tool) if isinstance(tool, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("name"), str) or not function["name"]:
        raise BadRowError(f"{where} has no function's name")
    if not isinstance(function.get("parameters") or {}, dict):
        raise BadRowError(f"{where}: `parameters` is {a_json_type(function['parameters'])}: an object was expected")
    check_depth(function, where)
    return {"type": "function", "function": function}


def _tool_call(given: Any, where: str) -> dict[str, Any]:
    own_id = given.get("id") if isinstance(given, dict) else None
    return call(given.get("function") if isinstance(given, dict) else None, own_id or None, where)


def _with_id(call: dict[str, Any], number: int) -> dict[str, Any]:
    fits = isinstance(call["id"], str) and _ID.fullmatch(call["id"])
    return call if fits else {**call, "id": f"call{number:05}"}


def _answered(waiting: Sequence[tuple[str | None, str, str]], own_id: str | None, number: int) -> tuple[Any, str, str]:
    if own_id is None:
        return waiting[0]
    found = next((each for each in waiting if each[0] == own_id), None)
    if found is None:
        raise BadRowError(f"the tool_call_id of message {number} is that of no open call before it")
    return found
