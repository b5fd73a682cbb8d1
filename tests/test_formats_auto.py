"""`format: auto` names the format that the first rows have, or says why none can be named."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from resep.errors import ResepError
from resep.formats import FIRST_ROWS, BadRowError, Mapped, announcement, mapping_of, to_fields

REAL = Path(__file__).parents[2] / "shared" / "data"
TURNS = [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]
MESSAGES = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]


def recognised(*rows: Mapping[str, Any], fields: Mapping[str, str] | None = None) -> Mapped:
    return mapping_of({"path": "rows.jsonl", "format": "auto", "fields": fields}, lambda: rows)


def told(*rows: Mapping[str, Any], fields: Mapping[str, str] | None = None) -> str:
    said = announcement(recognised(*rows, fields=fields), "rows.jsonl")
    assert said is not None
    return said.removeprefix("rows.jsonl: format ")


def refusal(*rows: Mapping[str, Any], fields: Mapping[str, str] | None = None) -> str:
    with pytest.raises(ResepError) as caught:
        recognised(*rows, fields=fields)
    return str(caught.value)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"prompt": "a", "response": ["b"]}, "prompt_response (prompt: prompt, response: response)"),
        ({"prompt": "a", "completion": "b"}, "prompt_response (prompt: prompt, response: completion)"),
        ({"Question": "a", "Answer": "b", "n": 1}, "prompt_response (prompt: Question, response: Answer; not used: n)"),
        ({"messages": MESSAGES, "tools": []}, "messages (messages of role/content)"),
        ({"conversations": MESSAGES}, "messages (conversations of role/content)"),
        ({"messages": json.dumps(MESSAGES)}, "messages (messages of role/content)"),
        ({"dialogue": [["a", "b"]], "n": 1}, "messages (dialogue of [question, answer] pairs; not used: n)"),
        ({"conversations": TURNS, "system": "s"}, "sharegpt (conversations of from/value)"),
        ({"messages": TURNS}, "sharegpt (messages of from/value)"),
        ({"instruction": "a", "input": "", "output": "b", "text": "t"},
         "alpaca (prompt: instruction, input: input, response: output; not used: text)"),
        ({"instruction": "a", "context": "", "response": "b"},
         "alpaca (prompt: instruction, input: context, response: response)"),
        ({"text": "a", "meta": {}}, "completion (text, learnt as a whole; not used: meta)"),
    ],
)  # fmt: skip
def test_a_format_is_recognised_and_announced(row: dict[str, Any], words: str) -> None:
    assert told(row, row) == words


def test_what_was_recognised_counts_as_if_the_recipe_said_it() -> None:
    found = recognised({"conversations": MESSAGES, "kind": "x"}, fields={"category": "kind", "id": "n"})
    said = {"category": "kind", "id": "n", "messages": "conversations"}
    assert found == mapping_of({"path": "x", "format": "messages", "fields": said})
    assert announcement(mapping_of({"path": "x"}), "x") is None


def test_fields_that_the_recipe_maps_are_certain() -> None:
    assert told({"title": "a", "steps": ["b"]}, fields={"prompt": "title"}) == (
        "prompt_response (prompt: title, response: steps)"
    )
    assert told({"log": TURNS, "messages": MESSAGES}, fields={"messages": "log"}).startswith("sharegpt (log of")
    row = {"messages": MESSAGES, "prompt": "a", "response": "b"}
    assert told(row, fields={"prompt": "prompt"}).startswith("prompt_response (")


def test_a_row_that_is_broken_hides_no_format() -> None:
    assert told({"messages": []}, {"messages": None}, {"messages": MESSAGES}).startswith("messages (")


def test_rows_that_fit_two_formats_are_not_guessed_at() -> None:
    both = refusal({"messages": MESSAGES, "prompt": "a", "response": "b"})
    assert "row 1 fits more than one format: messages (messages) or prompt_response (prompt, response)" in both
    mixed = refusal({"messages": MESSAGES}, {"messages": MESSAGES}, {"conversations": TURNS})
    assert "row 1 looks like messages and row 3 like sharegpt: a source has one format" in mixed
    differ = refusal({"question": "a", "answer": "b"}, {"query": "a", "answer": "b"})
    assert "prompt is sometimes 'question' and sometimes 'query'" in differ


def test_rows_that_fit_nothing_are_told_what_each_format_wants() -> None:
    said = refusal({"text": "a", "category": "b"})
    assert "they have text, category" in said
    assert "completion: text, to be learnt as a whole" in said
    assert "which one is meant, answer or steps?" in refusal({"question": "a", "answer": "b", "steps": ["c"]})
    assert "there is no row to tell the format by" in refusal()
    assert "which does not read 'system'" in refusal({"messages": MESSAGES}, fields={"system": "s"})


# --- real files


def rows_of(name: str) -> Sequence[Mapping[str, Any]]:
    path = REAL / name
    if not path.is_file():
        pytest.skip(f"no {path}")
    if path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    text = path.read_text(encoding="utf-8")
    rows: list[Mapping[str, Any]] = (
        json.loads(text) if path.suffix == ".json" else [*map(json.loads, text.splitlines())]
    )
    return rows


@pytest.mark.parametrize(
    ("name", "form", "read", "faulty"),
    [
        ("aws_howto_steps/aws_howto_steps.jsonl", "prompt_response", 4180, 0),
        ("cendol_prompts/safety_prompt.csv", "prompt_response", 186, 1),
        ("openai_chat_toy/toy_chat_fine_tuning.jsonl", "messages", 7, 3),
        ("xpersona_id/Id_persona_split_valid_human_annotated.json", "messages", 484, 0),
        ("llamafactory_demo/glaive_toolcall_en_demo.json", "sharegpt", 300, 0),
        ("llamafactory_demo/alpaca_en_demo.json", "alpaca", 999, 0),
        ("llamafactory_demo/identity.json", "alpaca", 91, 0),
    ],
)
def test_real_files_are_recognised_and_read(name: str, form: str, read: int, faulty: int) -> None:
    rows = rows_of(name)
    mapped = mapping_of({"path": name, "format": "auto"}, lambda: rows[:FIRST_ROWS])
    assert mapped.format == form
    bad = 0
    for row in rows:
        try:
            to_fields(row, mapped)
        except BadRowError:
            bad += 1
    assert (len(rows) - bad, bad) == (read, faulty)


@pytest.mark.parametrize(
    "name",
    [
        "snips_json/snips_validate.jsonl",
        "banking77/train.csv",
        "failure_sensor_iq/fmsr_filtered_mcmt_all.jsonl",
        "nab_sensors/ambient_temperature_system_failure.csv",
        "presidio_pii/generated_small.json",
        "gnome_help_steps_en_id/gnome_help_steps.jsonl",
    ],
)
def test_real_files_of_no_known_format_are_not_guessed_at(name: str) -> None:
    rows = rows_of(name)
    with pytest.raises(ResepError, match="the first rows fit no format"):
        mapping_of({"path": name, "format": "auto"}, lambda: rows[:FIRST_ROWS])
