"""What decides a row's split: its key, its time, its own field, the file that it stands in, the rule of a recipe."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resep.errors import ResepError
from resep.recipe import load
from resep.records import Origin, Row
from resep.splits import SPLITS, TEST, TRAIN, VALIDATION
from resep.splits.given import Files, given_split
from resep.splits.keys import position, split_key
from resep.splits.moments import is_date, moment, moment_of, shown
from resep.splits.rule import SplitRule, why_no_rows
from tests.recipe_texts import SMALLEST, write_recipe


def row(**fields: object) -> Row:
    return Row("1", fields, Origin("d.jsonl", 7))


# Keys.


def test_the_place_of_a_prompt_is_the_same_on_every_machine() -> None:
    assert f"{position('how do i reset my password', '1'):.6f}" == "0.247964"


def test_the_key_of_a_row_is_its_prompt_without_capitals_and_spaces() -> None:
    assert split_key(row(prompt=" How\n DO i ", response="x")) == "how do i"


def test_the_key_of_a_conversation_is_what_the_user_says() -> None:
    turns = [("system", "Be kind"), ("user", "Hi"), ("assistant", "Hello"), ("user", "Why?"), ("assistant", "So")]
    messages = [{"role": role, "content": content} for role, content in turns]
    assert split_key(row(messages=messages)) == "hi why?"


def test_rows_can_be_grouped_by_a_field() -> None:
    assert split_key(row(prompt="p", response="r", customer="ACME"), "customer") == "acme"


def test_rows_without_a_group_do_not_make_one_together() -> None:
    assert split_key(row(prompt="p", response="r", customer=None), "customer") == "p"


@pytest.mark.parametrize(
    "fields",
    [
        {"response": "A text"},
        {"prompt": " ", "response": ["A", "text"]},
        {"messages": [{"role": "system", "content": "A"}, {"role": "assistant", "content": "Text"}]},
    ],
)
def test_rows_that_ask_nothing_have_the_key_of_what_they_say(fields: dict[str, Any]) -> None:
    assert split_key(row(**fields)) == "a text"


# Times.

DATES = st.datetimes(datetime.datetime(1800, 1, 1), datetime.datetime(2300, 1, 1))


@given(DATES, DATES)
def test_dates_sort_as_they_follow_each_other(one: datetime.datetime, other: datetime.datetime) -> None:
    assert (moment(one.isoformat()) < moment(other.isoformat())) == (one < other)
    assert moment(shown(moment(one.isoformat()))) == moment(one)


@given(st.floats(-1e300, 1e300), st.floats(-1e300, 1e300))
def test_numbers_sort_by_their_size(one: float, other: float) -> None:
    assert one >= other or moment(one) <= moment(other)
    assert not is_date(moment(one))
    assert float(shown(moment(one))) == pytest.approx(one, rel=1e-14)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("2024-05-31", "2024-05-31"),
        ("2024-05", "2024-05-01"),
        ("2024-05-31T12:00:00Z", "2024-05-31T12:00:00Z"),
        (" 2024-05-31 12:00:00+07:00 ", "2024-05-31T05:00:00Z"),
        (datetime.date(2024, 5, 31), "2024-05-31"),
        (1717156800, "1717156800"),
        ("1717156800.5", "1717156800.5"),
        ("2024", "2024"),
        (-3, "-3"),
        ("-0.0", "0"),
    ],
)
def test_a_time_is_a_date_or_a_number_as_texts_too(value: object, text: str) -> None:
    assert shown(moment(value)) == text


@pytest.mark.parametrize("value", ["yesterday", "31/05/2024", "nan", "1e999", float("inf"), True, ["2024-05-31"], {}])
def test_what_is_no_time_is_told_with_its_place_and_without_itself(value: object) -> None:
    with pytest.raises(ResepError) as caught:
        moment_of(row(time=value))
    assert str(caught.value) == (
        "d.jsonl:7: the field 'time' is neither a date in ISO 8601 (2024-05-31T12:00:00Z) nor a number, and "
        "`split.by: time` sorts by it"
    )


@pytest.mark.parametrize("value", [None, ""])
def test_a_missing_time_is_told_as_missing(value: object) -> None:
    with pytest.raises(ResepError, match=r"d\.jsonl:7: the field 'time' is missing"):
        moment_of(row(time=value))


# Splits that the data brings along.


@pytest.mark.parametrize(
    ("value", "code"),
    [("train", TRAIN), ("Training ", TRAIN), ("dev", VALIDATION), ("valid", VALIDATION), ("val", VALIDATION),
     ("validation", VALIDATION), ("TEST", TEST)],
)  # fmt: skip
def test_a_field_names_its_split_as_published_sets_do(value: str, code: int) -> None:
    assert given_split(row(split=value)) == code


@pytest.mark.parametrize(("value", "words"), [("Budi", "is none of train"), (3, "is none of"), (None, "is missing")])
def test_a_field_that_names_no_split_is_told_with_its_place_and_without_itself(value: object, words: str) -> None:
    with pytest.raises(ResepError, match=rf"d\.jsonl:7: the field 'split' {words}") as caught:
        given_split(row(split=value))
    assert str(value) not in str(caught.value).replace("missing", "").replace(":7:", "") or value is None


def test_files_are_named_as_their_sources_are() -> None:
    files = Files.from_section({"train": "bank/train.csv", "validation": None, "test": ["./bank/test.csv"]})
    assert files.split_of("bank/train.csv") == TRAIN
    assert files.split_of("bank//test.csv") == TEST


def test_without_train_all_other_sources_are_trained_on_and_with_it_none_is_forgotten() -> None:
    assert Files.from_section({"test": "test.csv"}).split_of("more.csv") == TRAIN
    with pytest.raises(ResepError, match=r"has no split for 'more\.csv'"):
        Files.from_section({"train": "train.csv", "test": "test.csv"}).split_of("more.csv")


def test_of_a_source_with_a_pattern_single_files_can_be_named() -> None:
    files = Files.from_section({"validation": "data/2024-*.jsonl", "test": "data/2024-12.jsonl"})
    named = {name: files.split_of("data/*.jsonl", f"data/{name}.jsonl") for name in ("2023-01", "2024-01", "2024-12")}
    assert named == {"2023-01": TRAIN, "2024-01": VALIDATION, "2024-12": TEST}
    assert files.is_used("data/2024-12.jsonl", ["data/*.jsonl"])
    assert not files.is_used("date/2024-12.jsonl", ["data/*.jsonl"])


def test_data_of_the_hub_is_named_without_its_revision() -> None:
    files = Files.from_section({"test": "hub:PolyAI/banking77/test", "validation": "hub:a/b/de/dev"})
    assert files.split_of("hub:PolyAI/banking77@0123456789ab/test") == TEST
    assert files.split_of("hub:PolyAI/banking77@0123456789ab/train") == TRAIN
    assert files.split_of("hub:a/b@main/de/dev") == VALIDATION


def test_a_file_in_two_splits_is_refused() -> None:
    files = Files.from_section({"validation": "a*.csv", "test": "*b.csv"})
    with pytest.raises(ResepError, match=r"has 'ab\.csv' in validation and in test"):
        files.split_of("*.csv", "ab.csv")


# The rule of a recipe.


def rule(folder: Path, *overrides: str) -> SplitRule:
    return SplitRule.from_section(load(write_recipe(folder, SMALLEST), overrides)["split"])


def test_a_recipe_without_a_split_has_the_default_one(tmp_path: Path) -> None:
    assert rule(tmp_path) == SplitRule({"train": 0.8, "validation": 0.1, "test": 0.1})


def test_every_key_of_the_section_is_in_the_rule(tmp_path: Path) -> None:
    fields, time = "data.sources[0].fields={kind: k, time: t}", "split.by=time"
    limits = "split.max_rows={test: 5}"
    stratified = rule(tmp_path, fields, "split.stratify_by=kind", "split.stratify=exact", "split.salt=x", limits)
    shares = {"train": 0.8, "validation": 0.1, "test": 0.1}
    assert stratified == SplitRule(shares, "prompt", "kind", "exact", {"test": 5}, "x")
    assert rule(tmp_path, fields, time).by == "time"


def test_an_official_split_is_three_lines(tmp_path: Path) -> None:
    sources = "data.sources=[{path: bank/train.csv}, {path: bank/test.csv}]"
    files = "split.files={train: bank/train.csv, test: bank/test.csv}"
    assert rule(tmp_path, sources, files).fractions == {}
    assert rule(tmp_path, sources, files, "split.fractions={validation: 0.1}").fractions == {"validation": 0.1}
    section = load(tmp_path / "recipe.yaml", [sources, files])["split"]
    assert {
        split: Files.from_section(section["files"]).split_of(f"bank/{split}.csv") for split in ("train", "test")
    } == {
        "train": SPLITS.index("train"),
        "test": SPLITS.index("test"),
    }


def test_a_split_without_rows_is_told_with_what_would_give_it_some() -> None:
    hashed, brought = SplitRule({"train": 0.9, "test": 0.1}), SplitRule({}, by="split")
    assert "none of the 7 rows fell into this split of 10%" in why_no_rows(hashed, "test", 7)
    assert "`split.files.test` names, or at the field 'split'" in why_no_rows(brought, "test", 7)


def test_variables_stand_in_the_names_of_files_as_they_do_in_sources(tmp_path: Path) -> None:
    sources = 'data.sources=[{path: "${bank}/train.csv"}, {path: "${bank}/test.csv"}]'
    section = load(
        write_recipe(tmp_path, SMALLEST), ["variables.bank=b", sources, 'split.files={test: "${bank}/test.csv"}']
    )["split"]
    assert section["files"] == {"train": None, "validation": None, "test": "b/test.csv"}
