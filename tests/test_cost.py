"""Steps, time and price of a training before it: from counted tokens and measured speed, and never guessed."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from resep.hardware import Profile
from resep.plugins.trust import trust
from resep.preflight import after_tokenise, foresee_training, last_rate
from resep.preflight.cost import Estimate, Tokens, estimate
from resep.preflight.cost_in_words import duration, lines
from resep.preflight.rate import Rate
from resep.recipe import Recipe, load
from resep.stages.train.timings import count_tokens, timings
from tests.recipe_texts import SMALLEST, write_recipe

CPU = Profile("cpu", 0, 16.0, "a CPU", 8)
GPU = Profile("cuda", 1, 80.0, "a GPU", 8, (9, 0))
LENGTHS = {50: 150, 100: 100, 130: 15}  # 265 rows, 19,450 tokens


def counted(answers: Mapping[int, int] | None = None) -> Tokens:
    train = {
        "rows": 265,
        "tokens": 19_450,
        "trained_tokens": 9_000,
        "quantiles": {"tokens": {"50": 50, "90": 100, "95": 130, "99": 130, "max": 130}},
    }
    wanted: Mapping[int, int] = {20: 50} if answers is None else answers
    lengths: Mapping[str, Mapping[str, Mapping[int, int]]] = {
        "train": {"tokens": LENGTHS},
        "test": {"answer_tokens": wanted},
    }
    return Tokens({"train": train, "validation": {"rows": 0, "tokens": 0}}, {"99": 192, "100": 192}, lengths)


def recipe(folder: Path, *overrides: str) -> Recipe:
    return load(write_recipe(folder, SMALLEST), overrides)


def estimated(folder: Path, *overrides: str, rate: Rate | None = None, profile: Profile = CPU) -> Estimate:
    return estimate(recipe(folder, *overrides), counted(), profile, rate)


def test_steps_are_those_that_the_converter_plans(tmp_path: Path) -> None:
    found = estimated(tmp_path, "training.batch_size=8", "training.num_epochs=2.5")
    assert (found.steps, found.epochs, found.rows_at_once) == (85, 2.5, 8)  # 34 an epoch
    assert found.tokens == 19_450 * 2.5


def test_a_number_of_steps_says_how_many_epochs_they_are(tmp_path: Path) -> None:
    found = estimated(tmp_path, "training.max_steps=17")
    assert (found.steps, found.epochs, found.tokens) == (17, 0.5, 9_725)


def test_packed_rows_make_other_steps_and_no_padding_to_the_longest(tmp_path: Path) -> None:
    found = estimated(tmp_path, "training.packing=true", "training.sequence_len=256", profile=GPU)
    assert found.steps == 38  # 76 packs of 256 tokens, two of them a step
    assert (found.padding, found.rows_at_once) == (None, None)
    assert 0 < found.packed_padding < 0.3


def test_without_an_earlier_training_no_time_is_made_up(tmp_path: Path) -> None:
    found = estimated(tmp_path, "compute.price_per_hour=2.5")
    assert (found.seconds, found.price) == (None, None)
    said = dict(lines(recipe(tmp_path, "compute.price_per_hour=2.5"), counted(), found))
    assert "not known before a first training of this model" in said["training"]
    assert said["price"] == "not known before the time is"


def test_time_and_price_follow_from_the_speed_of_the_last_training(tmp_path: Path) -> None:
    found = estimated(tmp_path, "compute.price_per_hour=3.6", rate=Rate(194.5, 20.0))
    assert found.seconds == pytest.approx(120)
    assert found.price == pytest.approx(0.12)


def test_a_price_by_the_token_needs_no_time(tmp_path: Path) -> None:
    price = "compute.price_per_million_tokens=4"
    found = estimated(tmp_path, price, "training.num_epochs=3")
    assert found.price == pytest.approx(4 * 3 * 19_450 / 1e6)
    said = dict(lines(recipe(tmp_path, price), counted(), found))
    assert said["price"] == "about 0.23 for training, at 4 per million tokens"


def test_what_a_plan_says_of_training(tmp_path: Path) -> None:
    ours = recipe(tmp_path, "compute.price_per_hour=3.6", "training.early_stopping=1", "training.eval_per_epoch=3")
    validated = counted()
    validated = Tokens({**validated.splits, "validation": {"rows": 9, "tokens": 9}}, {"100": 192}, validated.lengths)
    said = dict(lines(ours, validated, estimate(ours, validated, CPU, Rate(194.5, 20.0))))
    assert said == {
        "tokens": "265 training rows with 19,450 tokens, 9,000 trained on; half have up to 50, 99% up to 130, the "
        "longest 130 (sequence_len 1,024; 192 would hold them all)",
        "padding": "34% of what is computed with 8 rows at once, drawn at random; about 5% packed",
        "training": "at most 34 steps of about 8 rows, 1 epoch; at most about 2 min at 194 tokens a second, as the "
        "last training of this model here",
        "price": "about 0.12 for training, at 3.6 an hour",
    }


def test_before_rows_are_tokenised_nothing_is_known(tmp_path: Path) -> None:
    said, problems = foresee_training(recipe(tmp_path), None, CPU, None)
    assert said == [("training", "steps, time and price are not known before the rows are tokenised")]
    assert problems == []


def test_what_the_converter_refuses_is_told(tmp_path: Path) -> None:
    found = estimated(tmp_path, "training.packing=true", "training.sequence_len=16384")
    assert found.steps is None
    assert "do not fill two steps of packs" in found.unknown
    said = dict(lines(recipe(tmp_path), counted(), found))["training"]
    assert said.startswith("steps and time are not known: training.packing")


def test_the_code_of_a_stranger_is_not_run_for_an_estimate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "converters" / "own.py"
    file.parent.mkdir()
    file.write_text('"""Own."""\n\n\ndef convert(recipe, prepared, profile): ...\n')
    ours = recipe(tmp_path)
    monkeypatch.setattr(Recipe, "plugin", lambda self, kind, name: file)  # noqa: ARG005
    assert "runs only if you say so" in estimate(ours, counted(), CPU, None).unknown
    trust(file)
    assert estimate(ours, counted(), CPU, None).unknown == "the trainer 'axolotl' plans its steps itself"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "1 s"), (59, "59 s"), (61, "1 min"), (138, "2 min 20 s"), (599, "10 min"), (3_500, "58 min"),
     (11_400, "3 h 10 min"), (7_199, "2 h 0 min")],
)  # fmt: skip
def test_a_duration_is_as_exact_as_an_estimate_is(seconds: float, text: str) -> None:
    assert duration(seconds) == text


# Answers that cannot be given.


def test_wanted_answers_that_are_too_long_to_be_written_are_told(tmp_path: Path) -> None:
    ours = recipe(tmp_path, "generation.max_new_tokens=40")
    _write(tmp_path / "tokenise", counted({20: 30, 40: 5, 41: 3, 79: 1}))
    (problem,) = after_tokenise(ours, tmp_path / "tokenise")
    assert (problem.where, problem.severity) == ("generation.max_new_tokens", "warning")
    assert problem.message == (
        "4 of 39 test rows want an answer of more than 40 tokens (the longest has 79): a model that answers so is cut "
        "there; write 79 or more, or leave such rows out"
    )
    assert foresee_training(ours, tmp_path / "tokenise", CPU, None)[1] == [problem]
    assert after_tokenise(recipe(tmp_path, "generation.max_new_tokens=79"), tmp_path / "tokenise") == []


def _write(folder: Path, tokens: Tokens) -> None:
    folder.mkdir()
    found = {"splits": tokens.splits, "sequence_len": tokens.sequence_len}
    (folder / "statistics.json").write_text(json.dumps(found))
    (folder / "lengths.json").write_text(json.dumps(tokens.lengths))


# What earlier trainings measured.


def _training(store: Path, name: str, age: int, model: str = "m", method: str = "qlora", **measured: Any) -> None:
    folder = store / "train" / name
    folder.mkdir(parents=True)
    (folder / "stage.json").write_text(json.dumps({"ingredients": {"config": {"model": model}}}))
    (folder / "summary.json").write_text(json.dumps({"method": method}))
    usual = {"seconds": 130.0, "training_seconds": 100.0, "tokens": 20_000, "device": "a CPU"}
    (folder / "timings.json").write_text(json.dumps({**usual, **measured}))
    os.utime(folder / "timings.json", (age, age))


def test_the_newest_training_of_this_model_on_this_device_counts(tmp_path: Path) -> None:
    _training(tmp_path, "old", 1, tokens=5)
    _training(tmp_path, "wanted", 2)
    _training(tmp_path, "other-model", 3, model="n")
    _training(tmp_path, "other-method", 4, method="full")
    _training(tmp_path, "other-device", 5, device="a GPU")
    _training(tmp_path, "not-measured", 6, tokens=None)
    (tmp_path / "train" / "not-measured" / "summary.json").write_text('{"method": "qlo')  # a full disk
    assert last_rate(tmp_path, "m", "qlora", "a CPU") == Rate(200.0, 30.0)
    assert last_rate(tmp_path, "m", "lora", "a CPU") is None
    assert last_rate(tmp_path / "nowhere", "m", "qlora", "a CPU") is None


def test_a_training_that_was_continued_counts_only_its_own_steps(tmp_path: Path) -> None:
    integers = pyarrow.list_(pyarrow.int32())
    table = pyarrow.table({"input_ids": pyarrow.array([[1] * 30, [], [2] * 70], type=integers)})
    pyarrow.parquet.write_table(table, tmp_path / "train.parquet")
    assert count_tokens(tmp_path / "train.parquet") == 100
    story = {
        "begin": {"first_step": 30, "planned_steps": 40},
        "end": {"steps": 40},
        "records": [{"step": 40, "epoch": 2.0, "loss": 1.0}, {"step": 40, "epoch": 2.0, "eval_loss": 1.0}],
        "began": 1000.0,
        "ended": 1025.0,
    }
    measured = timings(story, 60.04, tmp_path / "train.parquet", CPU)
    assert measured == {
        "seconds": 60.0,
        "training_seconds": 25.0,
        "tokens": 50,
        "device": "a CPU",
        "first_step": 30,
        "planned_steps": 40,
    }
