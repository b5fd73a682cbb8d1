"""Rows of every format become our fields, or are refused with what is wrong with them."""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resep.formats import FORMS, BadRowError, LeftOut, Mapped, mapping_of, to_fields
from resep.recipe import load
from tests.recipe_texts import SMALLEST, write_recipe

CALL = {"id": "abcdef123", "type": "function", "function": {"name": "find", "arguments": {"q": "tea"}}}
TOOL = {"type": "function", "function": {"name": "find", "description": "", "parameters": {"type": "object"}}}
QUESTION, ANSWER = {"role": "user", "content": "How?"}, {"role": "assistant", "content": "So."}


def fields(values: Mapping[str, Any], form: str = "prompt_response", **source: Any) -> dict[str, Any]:
    return to_fields(values, mapping_of({"path": "rows.jsonl", "format": form, **source}))


def messages(*given: Any, **others: Any) -> dict[str, Any]:
    return fields({"messages": list(given), **others}, "messages")


def refusal(values: Mapping[str, Any], form: str, **source: Any) -> str:
    with pytest.raises(BadRowError) as caught:
        fields(values, form, **source)
    return str(caught.value)


# --- questions and answers


def test_a_question_and_an_answer_are_taken_as_they_are() -> None:
    row = {"prompt": " How? ", "response": ["a", " b"], "kind": None, "other": 1}
    assert fields(row, fields={"category": "kind", "id": "x"}) == {
        "prompt": " How? ",
        "response": ["a", " b"],
        "category": None,
    }


def test_a_row_has_its_own_system_text_where_one_is_mapped() -> None:
    assert fields({"prompt": "a", "response": "b", "s": "Be."}, fields={"system": "s"})["system"] == "Be."
    assert "system" not in fields({"prompt": "a", "response": "b", "s": " "}, fields={"system": "s"})
    assert "system" not in fields({"prompt": "a", "response": "b", "system": "Be."})


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"prompt": " ", "response": "b"}, "field 'prompt' is empty"),
        ({"prompt": 1, "response": "b"}, "field 'prompt' is a number: a text was expected"),
        ({"prompt": "a", "response": []}, "field 'response' is an empty list of steps"),
        ({"prompt": "a", "response": ["x", "\t"]}, "field 'response', step 2, is empty"),
        ({"prompt": "a", "response": ["x", 2]}, "field 'response', step 2, is a number: a text was expected"),
        ({"prompt": "a", "response": {}}, "field 'response' is an object: a text or a list of steps was expected"),
        ({"promt": "a", "response": "b"}, "field 'prompt' is missing; the row has 'promt', 'response'; did you mean"),
        ({"prompt;response": "a"}, "the file is separated by ';', not by commas"),
        ({"prompt": "a", "response": "b", "k": float("nan")}, "field 'k' is a number: write it as a text or a number"),
    ],
)
def test_a_faulty_row_is_told_without_its_own_text(row: dict[str, Any], words: str) -> None:
    assert words in refusal(row, "prompt_response", fields={"k": "k"} if "k" in row else {})


def test_an_alpaca_row_asks_the_instruction_and_below_it_the_input() -> None:
    row = {"instruction": "Translate.", "input": "tea", "output": "teh"}
    assert fields(row, "alpaca") == {"prompt": "Translate.\n\ntea", "response": "teh"}
    assert fields({**row, "input": ""}, "alpaca")["prompt"] == "Translate."
    assert fields({**row, "input": None}, "alpaca")["prompt"] == "Translate."
    assert fields({**row, "instruction": ""}, "alpaca")["prompt"] == "tea"
    assert fields({**row, "system": "Be."}, "alpaca")["system"] == "Be."


def test_an_alpaca_row_with_a_history_is_a_conversation() -> None:
    row = {"instruction": "And?", "input": "", "output": "c", "history": [["a", "b"]], "system": "Be."}
    read = fields(row, "alpaca")["messages"]
    assert [(m["role"], m["content"]) for m in read] == [
        ("system", "Be."),
        ("user", "a"),
        ("assistant", "b"),
        ("user", "And?"),
        ("assistant", "c"),
    ]
    assert "write it as a text" in refusal({**row, "output": ["c"]}, "alpaca")
    assert "field 'instruction' is empty" in refusal({"instruction": "", "output": "c"}, "alpaca")


def test_a_completion_is_a_response_without_a_prompt() -> None:
    assert fields({"text": "Once upon\n", "n": 1}, "completion", fields={"n": "n"}) == {
        "response": "Once upon\n",
        "n": 1,
    }
    assert "field 'text' is a list" in refusal({"text": ["a"]}, "completion")


# --- conversations


def test_an_ordinary_conversation_is_role_and_content() -> None:
    system = {"role": "developer", "content": "Be."}
    read = messages({**system, "name": None}, {**QUESTION, "name": "Ana"}, {**ANSWER, "refusal": None, "weight": 1})
    assert read == {"messages": [{"role": "system", "content": "Be."}, QUESTION, ANSWER]}


def test_pairs_and_a_text_in_json_are_conversations_too() -> None:
    assert fields({"messages": [["How?", "So."]]}, "messages") == {"messages": [QUESTION, ANSWER]}
    assert fields({"messages": json.dumps([QUESTION, ANSWER])}, "messages") == {"messages": [QUESTION, ANSWER]}


def test_parts_of_text_are_one_text_and_other_parts_are_refused() -> None:
    parts = [{"type": "text", "text": "Ho"}, {"type": "text", "text": "w?"}]
    assert messages({"role": "user", "content": parts}, ANSWER)["messages"][0] == QUESTION
    image = [*parts, {"type": "image_url", "image_url": {"url": "x"}}]
    assert "only text can be learnt" in refusal({"messages": [{"role": "user", "content": image}, ANSWER]}, "messages")


def test_an_answer_of_weight_0_keeps_it_and_any_other_has_none() -> None:
    read = messages(QUESTION, {**ANSWER, "weight": 0.0}, QUESTION, {**ANSWER, "weight": 1})["messages"]
    assert [message.get("weight") for message in read] == [None, 0, None, None]


def test_calls_and_results_are_paired_whatever_their_ids() -> None:
    def using(first: str | None, second: str | None) -> Any:
        calls = [{**CALL, "id": own_id} for own_id in (first, second)]
        results = [{"role": "tool", "tool_call_id": own_id, "content": "x"} for own_id in (second, first)]
        return messages(QUESTION, {"role": "assistant", "tool_calls": calls}, *results, ANSWER)["messages"]

    for first, second, ids in (
        ("abcdef123", "abcdef124", ["abcdef123", "abcdef124"]),
        ("call_NyT0Ak", "call_zz", ["call00001", "call00002"]),
    ):
        read = using(first, second)
        assert [call["id"] for call in read[1]["tool_calls"]] == ids
        assert [message["tool_call_id"] for message in read[2:4]] == ids[::-1]
        assert {message["name"] for message in read[2:4]} == {"find"}
    assert [message["tool_call_id"] for message in using(None, None)[2:4]] == ["call00001", "call00002"]


def test_the_older_spelling_of_a_call_is_read() -> None:
    call = {"role": "assistant", "content": None, "function_call": {"name": "find", "arguments": '{"q": "tea"}'}}
    result = {"role": "function", "name": "find", "content": "3"}
    read = messages(QUESTION, call, result, ANSWER, functions=[TOOL["function"]])
    assert read["messages"][1] == {"role": "assistant", "content": "", "tool_calls": [{**CALL, "id": "call00001"}]}
    assert read["messages"][2] == {"role": "tool", "content": "3", "name": "find", "tool_call_id": "call00001"}
    assert read["tools"] == [TOOL]


def test_tools_are_read_from_a_list_or_a_text_in_json() -> None:
    for tools in ([TOOL], json.dumps([TOOL["function"]])):
        assert messages(QUESTION, ANSWER, tools=tools)["tools"] == [TOOL]
    absent: tuple[Any, ...] = (None, [], "", "[]")
    for nothing in absent:
        assert "tools" not in messages(QUESTION, ANSWER, tools=nothing)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("[", "field 'messages' is a text that is not JSON"),
        ("hello", "field 'messages' is a text: a list of messages {role, content} was expected"),
        ([], "field 'messages' is an empty list"),
        ([QUESTION], "the last message (1) is from 'user': the answer of 'assistant' is missing"),
        ([ANSWER], "message 1 is from 'assistant', where 'user' was expected"),
        ([QUESTION, QUESTION, ANSWER], "message 2 is from 'user', where 'assistant' was expected"),
        ([{"content": "a"}], "message 1 has no 'role'; it has 'content'"),
        ([{"role": "user"}], "message 1 has no 'content'; it has 'role'"),
        ([{"role": [], "content": "a"}], "message 1 has a role that is not system"),
        ([{"role": "human", "content": "a"}], "message 1 has a role that is not system"),
        ([{"role": "user", "content": " "}], "the content of message 1 (user) is empty"),
        ([{"role": "user", "content": 3}], "the content of message 1 (user) is a number"),
        (["a"], "message 1 is a text: an object {role, content} was expected"),
        ([["a"]], "exchange 1 is a list: a pair [question, answer] was expected"),
        ([QUESTION, {**ANSWER, "weight": 2}], "the weight of message 2 is neither 0"),
        ([QUESTION, {**ANSWER, "weight": True}], "the weight of message 2 is neither 0"),
        ([QUESTION, {**ANSWER, "weight": 0}], "the weight of every answer is 0"),
        ([QUESTION, {**ANSWER, "tool_calls": [CALL]}, ANSWER], "message 3 is from 'assistant', where 'tool'"),
        ([QUESTION, ANSWER, {"role": "tool", "content": "x"}], "message 3 is from 'tool', where 'user'"),
        ([QUESTION, {**ANSWER, "tool_calls": [CALL]}, {"role": "tool", "tool_call_id": "b", "content": "x"}, ANSWER],
         "the tool_call_id of message 3 is that of no open call"),
        ([QUESTION, {**ANSWER, "tool_calls": ["x"]}], "tool call 1 of message 2 has no function's name"),
        ([QUESTION, {**ANSWER, "tool_calls": [{"function": {"name": "f", "arguments": "{"}}]}],
         "tool call 1 of message 2: `arguments` is a text that is not JSON"),
        ([QUESTION, {**ANSWER, "tool_calls": [{"function": {"name": "f", "arguments": "[1]"}}]}],
         "`arguments` is a list: an object was expected"),
        ([QUESTION, {**ANSWER, "tool_calls": [{"function": {"name": "f", "arguments": '{"a": NaN}'}}]}],
         "`arguments` is a text that is not JSON"),
        ([QUESTION, {**ANSWER, "function_call": {"name": "f", "arguments": '{"a": ' + "[" * 60 + "]" * 60 + "}"}}],
         "more than 50 lists and objects"),
    ],
)  # fmt: skip
def test_a_faulty_conversation_is_told_by_the_number_of_its_message(given: Any, words: str) -> None:
    assert words in refusal({"messages": given}, "messages")


def test_a_sharegpt_conversation_becomes_messages() -> None:
    turns = [
        {"from": "human", "value": "Find tea."},
        {"from": "function_call", "value": '{"name": "find", "arguments": {"q": "tea"}}'},
        {"from": "observation", "value": '{"n": 3}'},
        {"from": "gpt", "value": "Three."},
    ]
    row = {"conversations": turns, "system": "Be.", "tools": json.dumps([TOOL["function"]])}
    assert fields(row, "sharegpt") == {
        "messages": [
            {"role": "system", "content": "Be."},
            {"role": "user", "content": "Find tea."},
            {"role": "assistant", "content": "", "tool_calls": [{**CALL, "id": "call00001"}]},
            {"role": "tool", "content": '{"n": 3}', "tool_call_id": "call00001", "name": "find"},
            {"role": "assistant", "content": "Three."},
        ],
        "tools": [TOOL],
    }


def test_one_observation_answers_as_many_calls_as_its_list_is_long() -> None:
    calls = json.dumps([{"name": "f", "arguments": {}}, {"name": "g", "arguments": {}}])
    turns = [
        {"from": "human", "value": "a"},
        {"from": "function_call", "value": calls},
        {"from": "observation", "value": '["x", {"y": 1}]'},
        {"from": "gpt", "value": "b"},
    ]
    read = fields({"conversations": turns}, "sharegpt")["messages"]
    assert [(m["name"], m["content"]) for m in read[2:4]] == [("f", "x"), ("g", '{"y": 1}')]
    turns[2]["value"] = "only one"
    assert "message 4 is from 'assistant', where 'tool'" in refusal({"conversations": turns}, "sharegpt")


@pytest.mark.parametrize(
    ("turn", "words"),
    [
        ({"from": "dog", "value": "a"}, "turn 2 is from none of human, gpt"),
        ({"from": 3, "value": "a"}, "turn 2 is from none of human, gpt"),
        ({"value": "a"}, "turn 2 has no 'from'; it has 'value'"),
        ({"from": "gpt"}, "turn 2 has no 'value'"),
        ("a", "turn 2 is a text: an object {from, value} was expected"),
        ({"from": "function_call", "value": "find tea"}, "the function call of turn 2 is a text that is not JSON"),
        ({"from": "function_call", "value": "[]"}, "the function call of turn 2 is an empty list"),
        ({"from": "function_call", "value": "3"}, "the function call of turn 2 has no function's name"),
        ({"from": "observation", "value": "a"}, "message 2 is from 'tool', where 'assistant' was expected"),
        ({"from": "gpt", "value": None}, "the content of message 2 (assistant) is empty"),
    ],
)
def test_a_faulty_turn_is_told_by_its_number(turn: Any, words: str) -> None:
    assert words in refusal({"conversations": [{"from": "human", "value": "a"}, turn]}, "sharegpt")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["role", "content", "from", "value", "tool_calls", "function", "name", "arguments", "type", "text", "weight"]
    ), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
NAMES = st.sampled_from(
    ["prompt", "response", "messages", "conversations", "instruction", "input", "output", "history", "system", "tools",
     "functions", "text"]
)  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
@given(row=st.dictionaries(NAMES, JSON, max_size=6), turns=st.lists(JSON, max_size=4))
def test_any_json_is_read_or_refused(form: str, row: dict[str, Any], turns: list[Any]) -> None:
    for values in (row, {**row, "messages": turns, "conversations": turns, "history": turns}):
        try:
            read = fields(values, form)
        except BadRowError:
            continue
        assert json.loads(json.dumps(read)) == read


@st.composite
def conversations(draw: st.DrawFn) -> list[dict[str, Any]]:
    text = st.text(min_size=1, max_size=5).filter(lambda text: not text.isspace())
    made: list[dict[str, Any]] = [{"role": "system", "content": draw(text)}] if draw(st.booleans()) else []
    for _ in range(draw(st.integers(1, 3))):
        made.append({"role": "user", "content": draw(text)})
        calls = [{"function": {"name": "f", "arguments": {"a": draw(text)}}} for _ in range(draw(st.integers(0, 2)))]
        if calls:
            made.append({"role": "assistant", "tool_calls": calls})
            made += [{"role": "tool", "content": draw(text)} for _ in calls]
        made.append({"role": "assistant", "content": draw(text)})
    return made


@given(given_messages=conversations())
def test_reading_what_was_read_changes_nothing(given_messages: list[dict[str, Any]]) -> None:
    once = messages(*given_messages)
    assert messages(*once["messages"]) == once


# --- where, and the mapping


def test_rows_of_which_where_is_false_are_left_out() -> None:
    where = {"where": 'lang == "en" and score >= 3'}
    row = {"prompt": "a", "response": "b", "lang": "en", "score": 3}
    assert fields(row, **where)["prompt"] == "a"
    with pytest.raises(LeftOut, match=r'^not where: lang == "en" and score >= 3$'):
        fields({**row, "score": 2}, **where)
    assert "field 'score' of `where` is missing" in refusal({"lang": "en", "scor": 1}, "prompt_response", **where)
    assert "`where`: " in refusal({**row, "score": "3"}, "prompt_response", **where)


def test_where_is_asked_before_the_row_is_read() -> None:
    with pytest.raises(LeftOut):
        fields({"prompt": "", "keep": False}, where="keep == true")


def test_a_mapping_travels_to_other_processes() -> None:
    mapped = mapping_of({"path": "x", "format": "alpaca", "fields": {"id": "n"}, "where": "n > 1"})
    to_fields({"n": 2, "instruction": "a", "output": "b"}, mapped)
    assert pickle.loads(pickle.dumps(mapped)) == mapped
    assert mapping_of({"path": "x"}) == Mapped("prompt_response", {"prompt": "prompt", "response": "response"})


@pytest.mark.parametrize("form", FORMS)
def test_the_schema_and_the_format_have_the_same_defaults(form: str, tmp_path: Any) -> None:
    recipe = load(write_recipe(tmp_path, SMALLEST), [f"data.sources[0].format={form}"])
    assert recipe["data.sources[0].fields"] == FORMS[form].fields
