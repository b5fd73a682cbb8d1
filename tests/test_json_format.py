"""The evaluator `json_format`: strict and lenient validity, schema, and the reference field by field."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resep.errors import ResepError
from tests.scoring import ANY_TEXT, LIGHT, plugin, sample, scores, values

TARGET = '{"intent": "weather", "slots": {"city": "Jakarta", "days": 2}, "tags": ["a", "b"]}'
SCHEMA = {"type": "object", "required": ["intent"], "properties": {"slots": {"properties": {"days": {"minimum": 1}}}}}
objects = st.dictionaries(
    st.sampled_from("abcd"), st.integers(0, 3) | st.text("xy", max_size=2), min_size=1, max_size=4
)


def found(output: str, target: str | tuple[str, ...] = TARGET, **options: Any) -> dict[str, float | None]:
    return {
        name.removeprefix("json_"): value for name, value in values("json_format", output, target, **options).items()
    }


def test_the_reference_itself_is_right_in_everything() -> None:
    assert found(TARGET, schema=SCHEMA) == {
        "valid": 1,
        "valid_lenient": 1,
        "schema": 1,
        "match": 1,
        "field_accuracy": 1,
        "keys_missing": 0,
        "keys_extra": 0,
    }


def test_a_fence_costs_the_strict_reading_only() -> None:
    fenced = f"Sure!\n```json\n{TARGET}\n```"
    lenient, strict = found(fenced, schema=SCHEMA), found(fenced, schema=SCHEMA, reading="strict")
    assert (lenient["valid"], lenient["valid_lenient"], lenient["schema"], lenient["match"]) == (0, 1, 1, 1)
    assert (strict["valid_lenient"], strict["schema"], strict["match"], strict["keys_missing"]) == (1, 0, 0, 4)


@pytest.mark.parametrize(
    ("output", "accuracy", "missing", "extra"),
    [
        ('{"intent": "Weather"}', 0.25, 3, 0),
        ('{"intent": "news", "slots": {"city": "jakarta", "days": 2.0, "x": 1}}', 0.5, 1, 1),
        ('{"intent": "weather", "slots": "Jakarta"}', 0.25, 3, 1),
        ('{"intent": "weather", "slots": {}}', 0.25, 3, 0),
        ('{"tags": ["b", "a"]}', 0, 3, 0),
        ('{"slots": {"days": "2"}}', 0, 3, 0),
        ('{"intent": "x", "intent": "weather"}', 0.25, 3, 0),
        ("{}", 0, 4, 0),
        ("[]", 0, 4, 0),
        ("null", 0, 4, 0),
        ("no idea", 0, 4, None),
        ("", 0, 4, None),
        (TARGET[:-1], 0, 4, None),
    ],
)
def test_fields_are_judged_one_by_one(output: str, accuracy: float, missing: int, extra: int | None) -> None:
    seen = found(output)
    assert (seen["field_accuracy"], seen["keys_missing"], seen["keys_extra"]) == (accuracy, missing, extra)
    assert seen["match"] == 0


def test_case_counts_where_that_is_asked() -> None:
    assert found('{"a": "Big  City"}', '{"a": "big city"}')["match"] == 1
    assert found('{"a": "Big  City"}', '{"a": "big city"}', ignore_case=False)["field_accuracy"] == 0


def test_a_list_of_steps_is_a_reference_of_one_field() -> None:
    assert found('["open", "close"]', ("open", "close"))["match"] == 1
    assert found('["close", "open"]', ("open", "close"))["field_accuracy"] == 0


def test_a_reference_that_is_no_json_has_no_score_for_fields_and_is_told() -> None:
    seen = found("{}", "see [1]")
    assert (seen["valid"], seen["match"], seen["field_accuracy"], seen["keys_missing"]) == (1, None, None, None)
    rows = [sample("{}", "open it", "1"), sample("{}", "{}", "2")]
    warnings = plugin("json_format").summarise(rows, scores("json_format", *rows), LIGHT)["warnings"]
    assert warnings == ["json_format: references that are not JSON: 1 of 2; their fields have no score"]


@given(objects, objects)
def test_accuracy_and_missing_fields_follow_from_each_other(output: dict[str, Any], target: dict[str, Any]) -> None:
    seen = found(json.dumps(output), json.dumps(target))
    right = sum(output.get(key) == value for key, value in target.items())
    assert seen["field_accuracy"] == right / len(target)
    assert seen["keys_missing"] == len(target.keys() - output.keys())
    assert seen["keys_extra"] == len(output.keys() - target.keys())
    assert seen["match"] == float(output == target)


def test_the_metric_of_a_schema_is_there_only_with_one() -> None:
    metrics = plugin("json_format").metrics
    without = {metric.name for metric in metrics({"schema": None, "schema_file": None})}
    assert {metric.name for metric in metrics({"schema": {}, "schema_file": None})} - without == {"json_schema"}
    assert set(values("json_format", "{}", "{}")) == without


def test_a_schema_may_stand_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "schema.json"
    file.write_text(json.dumps(SCHEMA), encoding="utf-8")
    assert found(TARGET, schema_file=str(file))["schema"] == 1
    assert found("{}", schema_file=str(file))["schema"] == 0
    signed = plugin("json_format").signature
    assert signed(LIGHT, schema_file=str(file)) == signed(LIGHT, schema=SCHEMA)


@pytest.mark.parametrize(
    ("text", "words"), [(None, "cannot be read"), ("{", "not JSON"), ('{"type": "objekt"}', "not a JSON Schema")]
)
def test_a_faulty_file_is_explained(tmp_path: Path, text: str | None, words: str) -> None:
    file = tmp_path / "schema.json"
    if text is not None:
        file.write_text(text, encoding="utf-8")
    with pytest.raises(ResepError, match=words):
        found("{}", schema_file=str(file))


def test_two_schemas_are_one_too_many() -> None:
    with pytest.raises(ResepError, match="leave one of them out"):
        found("{}", schema={}, schema_file="a.json")


def test_the_report_gets_fields_readings_and_faults_for_each_arm() -> None:
    rows = [
        sample('{"a": 1, "b": 1}', '{"a": 1, "b": 2}', "1", "base"),
        sample("{", '{"a": 1}', "2", "base"),
        sample('{"a": 1, "b": 2}', '{"a": 1, "b": 2}', "1", "tuned"),
        sample('Yes: {"a": 2}', '{"a": 1}', "2", "tuned"),
    ]
    schema = {"properties": {"a": {"maximum": 1}}}
    fields, readings, faults = plugin("json_format").summarise(
        rows, scores("json_format", *rows, schema=schema), LIGHT, schema=schema
    )["tables"]
    assert fields["columns"] == ["field", "rows", "base", "tuned"]
    assert fields["rows"] == [["a", 2, 0.5, 0.5], ["b", 1, 0, 1]]
    assert sorted(readings["rows"]) == [["as it is", 1, 1], ["leniently", 0, 1], ["not at all", 1, 0]]
    assert sorted(faults["rows"]) == [["a: maximum", 0, 1], ["no JSON", 1, 0]]


@pytest.mark.parametrize("text", ANY_TEXT, ids=lambda text: ascii(text[:6]))
def test_any_text_has_a_score(text: str) -> None:
    assert found(text, schema=SCHEMA)["valid_lenient"] == float(text.startswith("9"))
    (score,) = scores("json_format", sample(json.dumps({text: 1}), TARGET))
    assert score.values["json_keys_extra"] == 1
    assert len(str(score.detail).encode()) < 2000
