"""The job and the rows of OpenAI's fine-tuning API, and the published rules that rows are held to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resep.hardware import Profile
from resep.plugins import find, open_plugin
from resep.recipe import load
from resep.records import Example, Message
from tests.conftest import Golden
from tests.hosted import HOSTED
from tests.recipe_texts import write_recipe

CPU = Profile("cpu", 0, 16.0, "a CPU", 8)
SPLITS: Mapping[str, Any] = {"train": {"rows": 40}, "validation": {"rows": 8}}
CALL = {"id": "1", "type": "function", "function": {"name": "search", "arguments": {"q": "é"}}}

converter = open_plugin(find("converters", "openai"))


def job(folder: Path, *overrides: str, splits: Mapping[str, Any] = SPLITS) -> dict[str, Any]:
    recipe = load(write_recipe(folder, HOSTED), overrides)
    (text,) = converter.convert(recipe, {"splits": splits}, CPU).values()
    return dict(json.loads(text))


def chat(*messages: Message, **more: Any) -> Example:
    return Example("r1", messages, "a", **more)


def told(*messages: Message) -> list[str]:
    return list(converter.faults(chat(*messages)))


USER, ANSWER = Message("user", "q"), Message("assistant", "a")


def test_a_recipe_becomes_the_job_that_was_agreed_on(tmp_path: Path, golden: Golden) -> None:
    recipe = load(write_recipe(tmp_path, HOSTED), ["training.batch_size=4"])
    golden("openai/job.json", converter.convert(recipe, {"splits": SPLITS}, CPU)["job.json"])


def test_what_the_recipe_leaves_to_the_service_is_left_out(tmp_path: Path) -> None:
    assert job(tmp_path)["method"] == {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 1}}}
    given = job(tmp_path, "training.openai.learning_rate_multiplier=0.5", "training.num_epochs=3")
    assert given["method"]["supervised"]["hyperparameters"] == {"n_epochs": 3, "learning_rate_multiplier": 0.5}


def test_without_validation_rows_no_file_is_named(tmp_path: Path) -> None:
    assert "validation_file" not in job(tmp_path, splits={"train": {"rows": 40}, "validation": {"rows": 0}})


def test_a_recipes_name_becomes_a_suffix_that_the_service_takes(tmp_path: Path) -> None:
    assert job(tmp_path, "name=my_recipe.v2")["suffix"] == "my-recipe-v2"
    assert job(tmp_path, f"name={'x' * 100}")["suffix"] == "x" * 64
    assert job(tmp_path, "training.openai.suffix=chosen")["suffix"] == "chosen"


def test_rows_are_spelt_as_the_api_wants_them() -> None:
    example = chat(
        USER,
        Message("assistant", "", [CALL], weight=0),
        Message("tool", "3", tool_call_id="1", name="search"),
        ANSWER,
        tools=[{"type": "function", "function": {"name": "search"}}],
    )
    line = converter.line(example)
    assert line.endswith("\n")
    assert line.count("\n") == 1
    row = json.loads(line)
    assert row["tools"] == [{"type": "function", "function": {"name": "search"}}]
    asked, called, result, answer = row["messages"]
    assert asked == {"role": "user", "content": "q"}
    assert called["tool_calls"][0]["function"]["arguments"] == '{"q": "é"}'
    assert called["weight"] == 0
    assert "content" not in called
    assert result == {"role": "tool", "content": "3", "tool_call_id": "1", "name": "search"}
    assert answer == {"role": "assistant", "content": "a"}


def test_a_sound_conversation_has_no_fault() -> None:
    assert told(Message("system", "s"), USER, ANSWER, USER, ANSWER) == []
    assert told(USER, Message("assistant", "", [CALL]), Message("tool", "1", tool_call_id="1"), ANSWER) == []


@pytest.mark.parametrize(
    ("messages", "fault"),
    [
        ((USER,), "the last message must be the assistant's"),
        ((), "the last message must be the assistant's"),
        ((USER, Message("assistant", " ")), "message 2 (assistant) is empty"),
        ((Message("user", ""), ANSWER), "message 1 (user) is empty"),
        ((Message("function", "x"), ANSWER), "message 1 (function) has a role that is none of"),
        ((Message("completion", "x"),), "message 1 (completion) is a text without a question"),
        ((USER, Message("assistant", "a", weight=0)), "no answer is trained on"),
        ((USER, Message("assistant", "a", weight=2)), "message 2 (assistant) has a weight"),
        ((Message("tool", "1"), ANSWER), "message 1 (tool) does not say which call it answers"),
        ((Message("user", "q", [CALL]), ANSWER), "message 1 (user) calls tools"),
        ((Message("user", "\ud83d"), ANSWER), "message 1 (user) has half a character"),
    ],
)
def test_a_row_that_breaks_a_published_rule_is_told_without_its_texts(
    messages: tuple[Message, ...], fault: str
) -> None:
    assert any(said.startswith(fault) for said in told(*messages)), told(*messages)


@given(st.lists(st.text().map(lambda text: f"\u2028{text}\x85."), min_size=2, max_size=6))
def test_every_sound_row_is_one_line_that_reads_back_as_it_was(texts: list[str]) -> None:
    texts = texts[: len(texts) // 2 * 2]
    messages = [Message(("user", "assistant")[at % 2], text) for at, text in enumerate(texts)]
    line = converter.line(chat(*messages))
    assert len(line.splitlines()) == 1
    assert [message["content"] for message in json.loads(line)["messages"]] == texts
    assert told(*messages) == []


def test_the_limit_of_a_conversation_is_that_of_the_models_family() -> None:
    assert converter.token_limit("gpt-4.1-mini-2025-04-14") == 65_536
    assert converter.token_limit("ft:gpt-4o-mini-2024-07-18:me::1") == 65_536
    assert converter.token_limit("gpt-3.5-turbo-0125") == 16_385
    assert converter.token_limit("someone/elses-model") is None
