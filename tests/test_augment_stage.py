"""Augmentation within preparation: children go through the recipe's steps, into the training split and the ledger."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from resep.endpoints import Endpoint
from resep.errors import ResepError
from tests.endpoint_server import Body, Server, serving
from tests.preparing import SOURCE, examples, ledger, prepared, recipe, row, statistics, write_rows
from tests.test_augment import asked_texts

SUBJECTS = ("password", "invoice", "holiday", "printer", "contract", "salary", "badge", "parking", "canteen", "locker")
ROWS = [
    row(
        n,
        prompt=f"Where is number {n * 7919} of my {SUBJECTS[n % 10]}, please?",
        category="rare" if n % 10 == 0 else "common",
    )
    for n in range(80)
]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESEP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("resep.augmentation.asking.Endpoint", partial(Endpoint, first_wait_s=0.001))


def say(body: Body) -> str:
    """A paraphrase that brings personal data of its own."""
    words = asked_texts(body)["prompt"].split()
    return json.dumps({"prompt": f"{' '.join(reversed(words))} SEED {body['seed']}. Mail ME@EXAMPLE.ORG"})


def run(folder: Path, server: Server, steps: str = "", **options: Any) -> Path:
    folder.mkdir(exist_ok=True)
    write_rows(folder, ROWS)
    step = json.dumps({"augment": {"endpoint": server.url, "model": "tiny", **options}})
    split = "split: {fractions: {train: 0.7, validation: 0.1, test: 0.2}}\n"
    return prepared(recipe(folder, f"{SOURCE}{split}preprocessing: [{steps}{step}]\n"), folder)


def test_children_are_training_examples_that_name_their_maker_and_pass_the_recipes_steps(tmp_path: Path) -> None:
    with serving(say) as server:
        out = run(tmp_path, server, "placeholders, lowercase, ", rows=10)
    made = [example for example in examples(out) if "made_by" in example.metadata]
    train = {json.loads(line)["id"] for line in (out / "train.jsonl").read_text().splitlines()}
    assert len(made) == 10
    for example in made:
        text = example.messages[0].content
        assert text.endswith("mail [EMAIL]")
        assert text.replace("[EMAIL]", "").islower()
        assert {example.id, example.metadata["made_by"]["parent"]} <= train
        assert example.metadata["made_by"]["model"] == "tiny"


def test_no_validation_or_test_row_is_ever_sent(tmp_path: Path) -> None:
    with serving(say) as server:
        out = run(tmp_path, server, rows=1000)
    sent = " ".join(body["messages"][0]["content"] for body in server.asked)
    held_out = [line for name in ("validation", "test") for line in (out / f"{name}.jsonl").read_text().splitlines()]
    assert len(held_out) > 10
    assert not [line for line in held_out if json.loads(line)["messages"][0]["content"] in sent]


def test_the_ledger_and_the_statistics_count_what_was_made(tmp_path: Path) -> None:
    with serving(say) as server:
        out = run(tmp_path, server, target="rare", by="category", per_row=2)
    made = [line for line in ledger(out) if line.get("parent")]
    found = statistics(out)
    findings = next(step for step in found["steps"] if step["name"] == "augment")["findings"]
    assert len(made) == found["rows_made"] == findings["made"] > 0
    assert list(findings["groups"]) == ["rare"]
    assert found["rows_in"] == len(ROWS)


def test_the_same_answers_make_the_same_files(tmp_path: Path) -> None:
    with serving(say) as server:
        first, again = (run(tmp_path / name, server, rows=10) for name in ("a", "b"))
    assert len(server.asked) == 10
    for name in ("train", "validation", "test"):
        assert (first / f"{name}.jsonl").read_bytes() == (again / f"{name}.jsonl").read_bytes()


def test_a_server_that_is_gone_fails_the_stage_without_a_word_of_a_row(tmp_path: Path) -> None:
    with serving(say) as server:
        pass
    with pytest.raises(ResepError, match=r"nothing listens at 127\.0\.0\.1") as error:
        run(tmp_path, server)
    assert not [subject for subject in SUBJECTS if subject in str(error.value)]


def test_a_child_that_is_near_to_another_row_only_after_substitution_is_refused(tmp_path: Path) -> None:
    written = [row(n, prompt=f"Please write to me at user{n}@example.org about it") for n in range(500, 540)]
    address = f"{'z' * 26}.{'y' * 24}@{'x' * 22}.org"
    with serving(lambda body: json.dumps({"prompt": f"please WRITE to me at {address} about it"})) as server:  # noqa: ARG005
        write_rows(tmp_path, [*ROWS, *written])
        step = json.dumps({"augment": {"endpoint": server.url, "model": "tiny"}})
        split = "split: {fractions: {train: 0.7, validation: 0.1, test: 0.2}, leakage: {near: ignore}}\n"
        steps = f"preprocessing: [placeholders, lowercase, {step}]\n"
        out = prepared(recipe(tmp_path, f"{SOURCE}{split}{steps}"), tmp_path)
    findings = next(step for step in statistics(out)["steps"] if step["name"] == "augment")["findings"]
    assert findings["made"] == 0, findings
