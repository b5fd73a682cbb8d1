"""What a row says can be taken out, changed and put back; and a row becomes the conversation that a model sees."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resep.formats import empty_part, has_question, has_tools, texts_of, to_example, with_texts
from resep.records import Example, Message, Origin, Row, from_json, to_line
from resep.row_texts import row_texts
from tests.test_formats import ANSWER, CALL, QUESTION, TOOL, conversations, messages

TEXT = st.text(min_size=1, max_size=5)
FLAT = st.fixed_dictionaries(
    {"prompt": TEXT, "response": TEXT | st.lists(TEXT, min_size=1, max_size=3), "n": st.integers()},
    optional={"system": TEXT, "tags": st.lists(TEXT | st.integers() | st.lists(TEXT, max_size=2), max_size=3)},
)


def row(fields: Mapping[str, Any]) -> Row:
    return Row("a", fields, Origin("rows.jsonl", 1))


@given(fields=FLAT | conversations().map(lambda given: messages(*given)))
@pytest.mark.parametrize("field", ["prompt", "response", "tags", "n", "absent"])
def test_texts_come_back_to_where_they_were(field: str, fields: dict[str, Any]) -> None:
    texts = texts_of(fields, field)
    assert with_texts(fields, field, texts) == fields
    changed = with_texts(fields, field, [text + "!" for text in texts])
    assert texts_of(changed, field) == [text + "!" for text in texts]
    assert changed.keys() == fields.keys()


def test_a_conversation_is_split_by_who_speaks() -> None:
    call = {**CALL, "function": {"name": "find", "arguments": {"q": "tea", "n": 3, "in": ["x", {"y": "z"}]}}}
    using = {"role": "assistant", "content": "", "tool_calls": [call]}
    fields = messages({"role": "system", "content": "Be."}, QUESTION, using, {"role": "tool", "content": "3"}, ANSWER)
    assert texts_of(fields, "prompt") == ["Be.", "How?", "3"]
    assert texts_of(fields, "response") == ["tea", "x", "z", "So."]
    changed = with_texts(fields, "response", ["T", "X", "Z", "S"])["messages"]
    assert changed[2]["tool_calls"][0]["function"] == {
        "name": "find",
        "arguments": {"q": "T", "n": 3, "in": ["X", {"y": "Z"}]},
    }
    assert fields["messages"][2]["tool_calls"] == [call], "the row before is as it was"


def test_a_long_number_in_a_call_can_be_hidden_and_else_stays_a_number() -> None:
    call = {**CALL, "function": {"name": "find", "arguments": {"phone": 6281234567890, "n": 123456, "ok": True}}}
    fields = messages(QUESTION, {"role": "assistant", "tool_calls": [call]})
    assert texts_of(fields, "response") == ["6281234567890"]
    assert with_texts(fields, "response", ["6281234567890"]) == fields
    hidden = with_texts(fields, "response", ["[PHONE]"])["messages"][1]["tool_calls"][0]["function"]["arguments"]
    assert hidden == {"phone": "[PHONE]", "n": 123456, "ok": True}


def test_a_step_that_is_empty_afterwards_is_left_out() -> None:
    fields = {"prompt": "a", "response": ["b", "c", "d"]}
    assert with_texts(fields, "response", ["b", "", "d"])["response"] == ["b", "d"]
    assert empty_part(with_texts(fields, "response", ["", "", ""])) == "response"


def test_an_empty_part_is_named() -> None:
    assert empty_part({"prompt": " ", "response": "b"}) == "prompt"
    assert empty_part({"response": "\n"}) == "response"
    assert empty_part({"response": "a"}) is None
    using = {"role": "assistant", "content": "", "tool_calls": [CALL]}
    fields = messages(QUESTION, using, {"role": "tool", "content": ""}, ANSWER)
    assert empty_part(fields) is None
    assert empty_part(with_texts(fields, "response", ["tea", " "])) == "message 4"


def test_a_row_becomes_the_conversation_that_a_model_sees() -> None:
    example = to_example(row({"prompt": "How?", "response": ["a", "b"], "kind": 1}), "Be.", "numbered_steps")
    roles = (Message("system", "Be."), Message("user", "How?"), Message("assistant", "1. a\n2. b"))
    assert example == Example("a", roles, ("a", "b"), {"kind": 1})
    own = to_example(row({"prompt": "How?", "response": "b", "system": "Own."}), "Be.", "text")
    assert own.messages[0] == Message("system", "Own.")
    assert own.metadata == {}


def test_a_conversation_keeps_its_tools_calls_and_weights() -> None:
    using = {"role": "assistant", "content": "", "tool_calls": [CALL], "weight": 0}
    result = {"role": "tool", "content": "3", "tool_call_id": "abcdef123"}
    example = to_example(row(messages(QUESTION, using, result, ANSWER, tools=[TOOL])), None, "text")
    assert example.tools == (TOOL,)
    assert example.messages[1] == Message("assistant", "", [CALL], weight=0)
    assert example.messages[2] == Message("tool", "3", tool_call_id="abcdef123", name="find")
    assert from_json(Example, json.loads(to_line(example))) == example
    assert has_tools(messages(QUESTION, ANSWER, tools=[TOOL]))
    assert not has_tools(messages(QUESTION, ANSWER))


def test_the_target_of_an_answer_that_calls_is_the_calls() -> None:
    fields = messages(QUESTION, {"role": "assistant", "tool_calls": [CALL]})
    target = '[{"name": "find", "arguments": {"q": "tea"}}]'
    assert to_example(row(fields), None, "text").target == target
    assert row_texts(row(fields)) == {"prompt": "How?", "response": target}


def test_a_completion_stands_alone_and_is_never_asked() -> None:
    completion = row({"response": "Once.", "kind": 1})
    assert to_example(completion, "Be.", "text") == Example(
        "a", (Message("completion", "Once."),), "Once.", {"kind": 1}
    )
    assert not has_question(completion)
    assert has_question(row({"prompt": "a", "response": "b"}))
    assert has_question(row({"messages": [QUESTION, ANSWER]}))
    assert row_texts(completion) == {"prompt": "", "response": "Once."}


def test_an_ordinary_example_is_written_as_it_always_was() -> None:
    example = Example("a", (Message("user", "How?"), Message("assistant", "So.")), "So.", {"k": 1})
    assert to_line(example) == (
        '{"id":"a","messages":[{"role":"user","content":"How?"},{"role":"assistant","content":"So."}],'
        '"target":"So.","metadata":{"k":1}}\n'
    )
    assert from_json(Example, json.loads(to_line(example))) == example
