"""Tools in our `mistral` template are, token for token, what mistral-common's v3 instruct tokenizer makes of them."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from resep.errors import ResepError
from resep.records import Message
from resep.templates import encode, encode_prompt
from tests.test_mistral_parity import WORDS, _ours_loaded, _theirs_loaded

CONVERSATIONS = 600
VALUES: tuple[Any, ...] = (
    *WORDS,
    1,
    2.5,
    -0.0,
    1e30,
    True,
    None,
    [],
    {},
    ["a", {"b": "[/INST]"}],
    {"é": "</s>", "[INST]": 3},
)
RESULTS = ('{"a":1}', '[1, 2.50,"x"]', "", "plain text", '"a text"', "12", '{"a": "\\u005bINST]"}', "{broken", "NaN")


@pytest.mark.slow
def test_tools_are_token_for_token_what_mistral_common_trains_on_and_asks() -> None:
    chance = random.Random(7)
    outcomes: Counter[str] = Counter()
    for _ in range(CONVERSATIONS):
        messages, tools = _conversation(chance), _tools(chance)
        ours, theirs = _ours(messages, tools), _theirs(messages, tools)
        assert ours == theirs, (messages, tools)
        outcomes[f"{messages[-1].role}: {'refused' if theirs is None else 'same'}"] += 1
    assert outcomes["assistant: same"] > 150
    assert outcomes["tool: same"] > 40
    assert outcomes["assistant: refused"] > 20


@pytest.mark.parametrize("result", RESULTS)
def test_a_result_is_written_as_json_whether_it_is_or_not(result: str) -> None:
    messages = [Message("user", "q"), _calling(_call("f", {}, "aaaaaaaa1")), _result(result, "aaaaaaaa1")]
    theirs = _theirs(messages, [])
    assert theirs is not None
    assert _ours(messages, []) == theirs


def test_a_completion_has_the_ids_of_the_bare_text_between_bos_and_end_token() -> None:
    template, tokenizer = _ours_loaded()
    theirs = _theirs_loaded("finetuning").instruct_tokenizer.tokenizer
    for text in ("Once upon a time", "a\n\nb  ", "日本語"):
        encoded = encode(template, tokenizer, [Message("completion", text)])
        assert encoded.ids == theirs.encode(text, bos=True, eos=True)
        assert encoded.trained == [False] + [True] * (len(encoded.ids) - 1)


def _conversation(chance: random.Random) -> list[Message]:
    messages = [Message("system", "Be brief.")] if chance.random() < 0.3 else []
    for _ in range(chance.choice((1, 1, 2))):
        messages.append(Message("user", _text(chance)))
        for _ in range(chance.choice((0, 1, 1, 2))):
            messages += _use(chance)
        messages.append(Message("assistant", _text(chance)))
    while chance.random() < 0.5 and len(messages) > 1:
        messages.pop()
    if chance.random() < 0.15:
        messages.pop(chance.randrange(len(messages)))
    return messages if messages and messages[-1].role != "system" else [*messages, Message("user", "q")]


def _use(chance: random.Random) -> list[Message]:
    """A message that calls one tool or several, and their results; in one of ten something is wrong with it."""
    ids = [f"{chance.randrange(10**9):09}" for _ in range(chance.choice((1, 1, 2, 3)))]
    names = [chance.choice(("search", "get_weather-2", "f")) for _ in ids]
    if chance.random() < 0.05:
        names[0] = chance.choice(("a b", "é", "x" * 65, "a.b"))
    if chance.random() < 0.05:
        ids[0] = chance.choice(("short", "0123456789", "abc-efghi"))
    values = [{str(chance.choice(WORDS)): chance.choice(VALUES) for _ in range(chance.randrange(4))} for _ in ids]
    calling = _calling(*(_call(*each) for each in zip(names, values, ids, strict=True)))
    if chance.random() < 0.03:
        calling = Message("assistant", "both", calling.tool_calls)
    return [calling, *(_result(chance.choice((*RESULTS, *WORDS)), each) for each in ids)]


def _tools(chance: random.Random) -> list[dict[str, Any]]:
    parameters = {"type": "object", "properties": {"q": {"type": "string", "description": "[INST] é"}}}
    names = [chance.choice(("search", "f", "get_weather-2")) for _ in range(chance.choice((0, 1, 2)))]
    return [
        {"type": "function", "function": {"name": name, "description": chance.choice(WORDS), "parameters": parameters}}
        for name in names
    ]


def _text(chance: random.Random) -> str:
    return " ".join(chance.choice(WORDS) for _ in range(chance.randint(1, 5)))


def _call(name: str, arguments: Mapping[str, Any], own_id: str) -> dict[str, Any]:
    return {"id": own_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def _calling(*calls: Mapping[str, Any]) -> Message:
    return Message("assistant", "", calls)


def _result(content: str, own_id: str) -> Message:
    return Message("tool", content, tool_call_id=own_id)


def _ours(messages: Sequence[Message], tools: Sequence[Mapping[str, Any]]) -> list[int] | None:
    template, tokenizer = _ours_loaded()
    try:
        if messages[-1].role == "assistant":
            return encode(template, tokenizer, messages, tools=tools).ids
        return encode_prompt(template, tokenizer, messages, tools).ids
    except ResepError:
        return None


def _theirs(messages: Sequence[Message], tools: Sequence[Mapping[str, Any]]) -> list[int] | None:
    """mistral-common's ids; None where it refuses the conversation."""
    from mistral_common.exceptions import MistralCommonException
    from mistral_common.protocol.instruct.request import ChatCompletionRequest

    request = ChatCompletionRequest(messages=[_in_openai_form(m) for m in messages], tools=list(tools) or None)
    mode = "finetuning" if messages[-1].role == "assistant" else "test"
    try:
        tokens: list[int] = _theirs_loaded(mode).encode_chat_completion(request).tokens
    except (MistralCommonException, ValueError):  # ValueError: text and calls in one answer
        return None
    return tokens


def _in_openai_form(message: Message) -> dict[str, Any]:
    given = dict(vars(message))
    if message.tool_calls:
        given["tool_calls"] = [{**call, "function": _as_text(call["function"])} for call in message.tool_calls]
    return given


def _as_text(function: Mapping[str, Any]) -> dict[str, Any]:
    return {**function, "arguments": json.dumps(function["arguments"])}
