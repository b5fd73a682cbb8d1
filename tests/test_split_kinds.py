"""The ways to split, through the whole of preparation: which rows land in which file, and what is told of it."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from resep.errors import ResepError
from tests.preparing import SOURCE, SPLITS, ledger, prepared, recipe, row, statistics, write_rows

TWO = "data: {sources: [{path: a.jsonl}, {path: b.jsonl}], max_dropped: 1}\n"


def mapped(field: str) -> str:
    return SOURCE.replace("category: category", f"category: category, {field}: {field}")


def sides(out: Path) -> dict[tuple[str, int], str | None]:
    return {(entry["file"], entry["line"]): entry["split"] for entry in ledger(out)}


def prompts(out: Path, split: str) -> list[str]:
    lines = (out / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["messages"][0]["content"] for line in lines]


def test_by_time_the_newest_rows_are_the_test_rows_however_they_lie_in_the_file(tmp_path: Path) -> None:
    days = [(number * 37) % 100 for number in range(100)]  # every day once, out of order
    write_rows(tmp_path, [row(day, time=f"2024-{1 + day // 25:02}-{1 + day % 25:02}") for day in days])
    out = prepared(recipe(tmp_path, mapped("time") + "split: {by: time}\n"), tmp_path)
    expected = ["train" if day < 80 else "validation" if day < 90 else "test" for day in days]
    assert list(sides(out).values()) == expected
    assert statistics(out)["splits"] == {"train": 80, "validation": 10, "test": 10}


def test_a_time_that_cannot_be_read_is_told_with_its_place(tmp_path: Path) -> None:
    write_rows(tmp_path, [*(row(day, time=2000 + day) for day in range(20)), row(99, time="last week")])
    with pytest.raises(ResepError, match=r"^rows\.jsonl:21: the field 'time' is neither a date in ISO 8601") as caught:
        prepared(recipe(tmp_path, mapped("time") + "split: {by: time}\n"), tmp_path)
    assert "last week" not in str(caught.value)


def test_dates_beside_numbers_are_told_with_the_place_of_one_of_each(tmp_path: Path) -> None:
    write_rows(tmp_path, [*(row(day, time=2000 + day) for day in range(20)), row(99, time="2024-05-31")])
    loaded = recipe(tmp_path, mapped("time") + "split: {by: time}\n")
    with pytest.raises(
        ResepError, match=r"dates in some rows \(rows\.jsonl:21\) and numbers in others \(rows\.jsonl:1\)"
    ):
        prepared(loaded, tmp_path)


def test_a_field_says_the_split_of_each_row(tmp_path: Path) -> None:
    names = ["train", "train", "dev", "test"]
    write_rows(tmp_path, [row(number, split=names[number % 4]) for number in range(40)])
    out = prepared(recipe(tmp_path, mapped("split") + "split: {by: split}\n"), tmp_path)
    assert list(sides(out).values()) == ["train", "train", "validation", "test"] * 10


def test_files_hold_the_splits_and_a_share_of_the_training_rows_becomes_validation_rows(tmp_path: Path) -> None:
    write_rows(tmp_path, [row(number) for number in range(300)], "a.jsonl")
    write_rows(tmp_path, [row(1000 + number) for number in range(20)], "b.jsonl")
    files = "split: {files: {train: a.jsonl, test: b.jsonl}, fractions: {validation: 0.2}}\n"
    out = prepared(recipe(tmp_path, TWO + files), tmp_path)
    counts = Counter((file, split) for (file, _), split in sides(out).items())
    assert counts.keys() == {("a.jsonl", "train"), ("a.jsonl", "validation"), ("b.jsonl", "test")}
    assert counts["b.jsonl", "test"] == 20
    assert 30 < counts["a.jsonl", "validation"] < 90


def test_exact_shares_hold_for_every_class_and_rare_classes_are_listed(tmp_path: Path) -> None:
    kinds = ["often"] * 200 + ["less"] * 40 + ["rare"] * 2
    write_rows(tmp_path, [row(number, category=kind) for number, kind in enumerate(kinds)])
    split = "split: {stratify_by: category, stratify: exact, fractions: {train: 0.8, validation: 0.1, test: 0.1}}\n"
    found = statistics(prepared(recipe(tmp_path, SOURCE + split), tmp_path))
    assert found["strata"]["often"] == {"train": 160, "validation": 20, "test": 20}
    assert found["strata"]["less"] == {"train": 32, "validation": 4, "test": 4}
    assert [warning for warning in found["warnings"] if "too few prompts" in warning] == [
        "1 value of 'category' has too few prompts to be in every split: 'rare' (2 rows)"
    ]


def test_rows_of_one_group_stay_on_one_side_and_every_class_is_on_every_side(tmp_path: Path) -> None:
    rows = [row(n, category=f"kind {n % 3}", customer=f"customer {n // 6}") for n in range(240)]
    write_rows(tmp_path, rows)
    split = "split: {group_by: customer, stratify_by: category, fractions: {train: 0.6, validation: 0.2, test: 0.2}}\n"
    out = prepared(recipe(tmp_path, mapped("customer") + split), tmp_path)
    placed = list(sides(out).values())
    for group in range(40):
        assert len(set(placed[6 * group : 6 * group + 6])) == 1
    assert sum(statistics(out)["strata"]["kind 0"][name] for name in SPLITS) == 80


def test_a_recipe_as_before_is_split_as_before(tmp_path: Path) -> None:
    write_rows(tmp_path, [row(number) for number in range(60)])
    out = prepared(recipe(tmp_path), tmp_path)
    assert [number for number in range(60) if f"How do I do {number}?" in prompts(out, "test")] == [4, 16, 30, 49]
