"""Prepared rows become what is uploaded: checked, counted, and told by file and row where they break a rule."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from resep.errors import ResepError
from resep.hosted import formatting
from resep.hosted.foreseen import lines
from resep.preflight import after_tokenise
from resep.preflight.cost import Tokens
from resep.recipe import Recipe, load
from resep.records import Example, Message, write_jsonl
from resep.store import Task
from tests.hosted import HOSTED
from tests.recipe_texts import write_recipe


@pytest.fixture(autouse=True)
def no_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path / "no tables"))


def row(number: int, answer: str = "one two") -> Example:
    return Example(f"r{number}", (Message("user", f"question {number}"), Message("assistant", answer)), answer)


def recipe(folder: Path, *overrides: str) -> Recipe:
    return load(write_recipe(folder, HOSTED), overrides)


def formatted(
    folder: Path,
    train: Sequence[Example],
    *overrides: str,
    validation: Sequence[Example] = (),
    test: Sequence[Example] = (),
) -> Path:
    prepared, out = folder / "prepared", folder / "out"
    prepared.mkdir()
    out.mkdir()
    for split, rows in {"train": train, "validation": validation, "test": test or [row(900)]}.items():
        write_jsonl(prepared / f"{split}.jsonl", rows)
    ledger = [
        {"id": each.id, "file": "rows.jsonl", "line": at, "status": "kept", "split": "train", "reason": None}
        for at, each in enumerate(train, 1)
    ]
    (prepared / "ledger.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in ledger), encoding="utf-8")
    stage = formatting.stage(recipe(folder, *overrides))
    list(stage.run([Task("tokenise", stage.config, {"prepare": prepared}, out)], print))
    return out


def statistics(out: Path) -> dict[str, Any]:
    return dict(json.loads((out / "statistics.json").read_text(encoding="utf-8")))


def test_each_split_is_written_and_counted_and_called_an_estimate(tmp_path: Path) -> None:
    out = formatted(tmp_path, [row(n) for n in range(12)], validation=[row(100)])
    assert len((out / "train.jsonl").read_text().splitlines()) == 12
    assert len((out / "validation.jsonl").read_text().splitlines()) == 1
    found = statistics(out)
    assert found["counted_by"] == "estimate"
    assert "7 letters" in found["rule"]
    train = found["splits"]["train"]
    assert (train["rows"], train["trained_tokens"]) == (12, 24)
    assert found["splits"]["test"]["rows"] == 1
    said = dict(
        lines(recipe(tmp_path, "compute.price_per_million_tokens=250", "training.num_epochs=2"), Tokens.read(out))
    )
    assert "about" in said["tokens"]
    assert "estimated" in said["tokens"]
    assert f"about {train['tokens'] * 2:,} training tokens in 2 epochs" in said["training"]
    assert said["price"].startswith("about 0.10 for training, at 250 per million tokens")


def test_without_a_price_none_is_made_up(tmp_path: Path) -> None:
    out = formatted(tmp_path, [row(n) for n in range(12)])
    assert "not known: write what the service takes" in dict(lines(recipe(tmp_path), Tokens.read(out)))["price"]


def test_rows_that_break_a_rule_are_named_by_file_and_line_and_not_by_their_texts(tmp_path: Path) -> None:
    rows = [row(n) for n in range(12)] + [row(12, " "), row(13, "\ud83d secret")]
    with pytest.raises(ResepError) as refused:
        formatted(tmp_path, rows)
    told = str(refused.value)
    assert told.startswith("2 rows break the rules that the service has published")
    assert "train row r12 (rows.jsonl:13): message 2 (assistant) is empty" in told
    assert "train row r13 (rows.jsonl:14): message 2 (assistant) has half a character" in told
    assert "secret" not in told


def test_of_many_broken_rows_the_first_few_are_named(tmp_path: Path) -> None:
    with pytest.raises(ResepError, match="and 45 more"):
        formatted(tmp_path, [row(n, "") for n in range(50)])


def test_a_test_row_that_could_not_be_asked_is_told_before_the_training_is_paid_for(tmp_path: Path) -> None:
    tooled = Example("t1", row(1).messages, "a", {}, ({"type": "function"},))
    with pytest.raises(ResepError, match="test row t1: has tools, which base and tuned cannot be asked with"):
        formatted(tmp_path, [row(n) for n in range(12)], test=[tooled])


def test_fewer_than_ten_training_rows_are_refused_here_and_not_there(tmp_path: Path) -> None:
    with pytest.raises(ResepError, match="there are 9 training rows, and the service wants at least 10"):
        formatted(tmp_path, [row(n) for n in range(9)])


def test_a_row_above_the_limit_stops_the_run_with_its_place(tmp_path: Path) -> None:
    rows = [*(row(n) for n in range(12)), row(12, "word " * 100)]
    with pytest.raises(ResepError) as refused:
        formatted(tmp_path, rows, "training.sequence_len=64")
    assert "train row r12 (rows.jsonl:13): has about 1" in str(refused.value)
    assert "the limit is 64" in str(refused.value)
    assert "training.overflow to drop" in str(refused.value)


def test_a_row_above_the_limit_is_dropped_where_the_recipe_says_so_and_the_ledger_knows(tmp_path: Path) -> None:
    rows = [*(row(n) for n in range(12)), row(12, "word " * 100)]
    out = formatted(tmp_path, rows, "training.sequence_len=64", "training.overflow=drop")
    assert len((out / "train.jsonl").read_text().splitlines()) == 12
    found = statistics(out)
    assert [(entry["id"], entry["kept"]) for entry in found["overflow"]] == [("r12", 0)]
    assert "1 row has more than 64 tokens by estimate" in found["warnings"][0]
    entries = [json.loads(line) for line in (out / "ledger.jsonl").read_text().splitlines()]
    assert [entry["id"] for entry in entries if entry["status"] == "dropped"] == ["r12"]


def test_the_published_limit_of_the_model_holds_where_the_recipe_names_none(tmp_path: Path) -> None:
    long = row(12, "word " * 20_000)
    rows = [*(row(n) for n in range(12)), long]
    with pytest.raises(ResepError, match="the limit is 16385"):
        formatted(tmp_path, rows, "model.base=gpt-3.5-turbo-0125")


def test_a_model_that_nobody_here_knows_has_no_limit(tmp_path: Path) -> None:
    rows = [*(row(n) for n in range(12)), row(12, "word " * 70_000)]
    assert statistics(formatted(tmp_path, rows, "model.base=owner/name"))["overflow"] == []


def test_answers_that_seem_too_long_for_the_decoding_are_told_as_an_estimate(tmp_path: Path) -> None:
    out = formatted(tmp_path, [row(n) for n in range(12)])
    (problem,) = after_tokenise(recipe(tmp_path, "generation.max_new_tokens=1"), out)
    assert problem.message.startswith("by estimate, 1 of 1 test rows")
