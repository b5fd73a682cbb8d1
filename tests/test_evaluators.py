"""The shipped evaluators, each by what it says of a few samples."""

import math
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from resep.context import Context, Encoder
from resep.plugins import describe, find, open_plugin
from resep.records import Sample, Score
from resep.stages.evaluate.encoders import LexicalEncoder, open_encoder

STEPS = ("open the settings", "tap security", "choose a new password")


def plugin(name: str) -> ModuleType:
    return open_plugin(find("evaluators", name))


def no_model(name: str) -> Path:
    raise AssertionError(f"{name} was loaded by an evaluator that needs no model")


def lexical(name: str) -> Encoder:
    assert name == "lexical"
    return LexicalEncoder()


LIGHT = Context(encoder=lexical, model_folder=no_model)


def scores(name: str, *samples: Sample, context: Context = LIGHT, **options: Any) -> list[Score]:
    return list(plugin(name).evaluate(iter(samples), context, **options))


def sample(output: str, target: str | tuple[str, ...], id: str = "1", arm: str = "model", **more: Any) -> Sample:
    return Sample(id, arm, target, output, **more)


@pytest.mark.parametrize("name", ["bertscore", "exact_match", "length", "order_accuracy"])
def test_metrics_and_options_are_known_without_running_the_plugin(name: str) -> None:
    read = describe(find("evaluators", name))
    assert read.help
    assert read.metrics == plugin(name).METRICS
    assert all(option.help for option in read.options.values())


@pytest.mark.parametrize(
    ("output", "target", "options", "expected"),
    [
        ("yes", "yes", {}, 1),
        (" yes\n", "yes", {}, 1),
        ("Yes", "yes", {}, 0),
        ("Yes", "yes", {"ignore_case": True}, 1),
        ("1. open\n2. close", ("open", "close"), {}, 1),
        ('["open", "close"]', ("open", "close"), {}, 1),
        ("1. close\n2. open", ("open", "close"), {}, 0),
        ("1. Open\n2. close", ("open", "close"), {"ignore_case": True}, 1),
        ("", ("open",), {}, 0),
    ],
)
def test_exact_match(output: str, target: str | tuple[str, ...], options: dict[str, Any], expected: int) -> None:
    assert scores("exact_match", sample(output, target), **options)[0].values == {"exact_match": expected}


def test_length_counts_words_and_finishes() -> None:
    cut = sample("go on and on and on and on", "x", finish_reason="length", output_tokens=9)
    given = sample(" ", "x")
    first, second = (score.values for score in scores("length", cut, given))
    assert first == {"output_words": 8, "output_tokens": 9, "truncated": 1, "empty": 0}
    assert second == {"output_words": 0, "output_tokens": None, "truncated": None, "empty": 1}


def test_order_accuracy_tells_the_alignment() -> None:
    swapped = "1. open the settings\n2. choose a new password\n3. tap security\n4. zzz"
    (score,) = scores("order_accuracy", sample(swapped, STEPS), encoder="lexical")
    assert score.values["order_accuracy"] == pytest.approx(2 / 3)
    assert score.detail["pairs"] == [[0, 0, 1.0], [1, 2, 1.0], [2, 1, 1.0]]
    assert (score.detail["form"], score.detail["missing"], score.detail["extra"]) == ("numbered", 0, 1)


def test_an_empty_output_has_order_accuracy_zero_and_a_reference_of_one_step_has_none() -> None:
    empty, single = scores("order_accuracy", sample("", STEPS), sample("open", ("open",)), encoder="lexical")
    assert empty.values["order_accuracy"] == 0
    assert single.values["order_accuracy"] is None
    assert single.values["sequence_exact"] == 1


def test_order_accuracy_prints_chance_sweep_and_forms_beside_it() -> None:
    rows = [
        sample(
            "\n".join(f"{n}. {step} {i}" for n, step in enumerate(STEPS, 1)), tuple(f"{s} {i}" for s in STEPS), str(i)
        )
        for i in range(4)
    ]
    other = [Sample(row.id, "other", row.target, "unrelated words") for row in rows]
    found = plugin("order_accuracy").summarise([*rows, *other], [], LIGHT, threshold=0.35, encoder="lexical")
    assert [row["threshold"] for row in found["sweep"]] == [0.2, 0.3, 0.35, 0.4, 0.5]
    assert found["sweep"][0]["arms"] == {"model": 1.0, "other": 0.0}
    assert found["chance"]["other"] == 0.0
    assert found["chance"]["model"] > 0
    assert found["forms"] == {"model": {"numbered": 4}, "other": {"lines": 4}}
    assert found["warnings"] == []


def test_a_delta_whose_sign_hangs_on_the_threshold_is_warned_of() -> None:
    sweep = [{"threshold": 0.2, "arms": {"a": 0.5, "b": 0.4}}, {"threshold": 0.5, "arms": {"a": 0.3, "b": 0.4}}]
    (warning,) = plugin("order_accuracy").sign_changes(sweep)
    assert "b minus a" in warning
    assert plugin("order_accuracy").sign_changes(sweep[:1]) == []


def test_chance_has_no_value_where_all_references_are_the_same() -> None:
    rows = [sample("1. a\n2. b", ("a", "b"), "1"), sample("1. a\n2. b", ("a", "b"), "2")]
    assert plugin("order_accuracy").summarise(rows, [], LIGHT, encoder="lexical")["chance"] == {"model": None}


@pytest.fixture(scope="module")
def context() -> Context:
    from resep import models

    def folder(name: str) -> Path:
        return models.folder(name, None, lambda event: None)  # noqa: ARG005

    opened: Callable[[str], Encoder] = lambda name: open_encoder(name, lambda: folder(name))  # noqa: E731
    return Context(encoder=opened, model_folder=folder)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_the_encoder_sees_meaning_and_gives_each_text_one_vector(context: Context) -> None:
    import numpy

    encoder = context.encoder("all-minilm-l6-v2")
    texts = ["reset your password", "choose a new password", "boil the potatoes", "reset your password"]
    vectors = encoder.embed(texts)
    assert vectors.shape == (4, 384)
    assert numpy.allclose(numpy.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert (vectors[0] == vectors[3]).all()
    assert vectors[0] @ vectors[1] > 0.5 > vectors[0] @ vectors[2]
    assert encoder.embed([]).shape == (0, 384)
    assert "/" not in encoder.signature
    assert math.isclose(float(encoder.embed([texts[2]])[0] @ vectors[2]), 1, abs_tol=1e-5)
