"""The evaluator `chrf`: sacreBLEU's numbers, from sums of rows, whatever the resample."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.scoring import ENORMOUS, HOSTILE, LIGHT, corpus, pairs, plugin, sample, scores, values

texts = st.text("ab .-", max_size=20)
some_pairs = st.lists(st.tuples(texts, texts), min_size=1, max_size=6)


def of(given_pairs: list[tuple[str, str]], **options: Any) -> Any:
    rows = [sample(output, target, str(n)) for n, (output, target) in enumerate(given_pairs)]
    return scores("chrf", *rows, **options)


def library(given_pairs: list[tuple[str, str]], **options: Any) -> float:
    from sacrebleu.metrics import CHRF

    outputs, targets = zip(*given_pairs, strict=True)
    return float(CHRF(**options).corpus_score(list(outputs), [list(targets)]).score)


def agree(count: int) -> None:
    made = list(pairs(count))
    for word_order in (0, 1, 2):
        for lowercase in (False, True):
            options: dict[str, Any] = {"word_order": word_order, "lowercase": lowercase}
            expected = library(made, **options)
            assert corpus("chrf", "chrf", of(made, **options)) == pytest.approx(expected, abs=1e-9)


def test_the_corpus_is_sacrebleus_on_fifty_pairs() -> None:
    agree(50)


@pytest.mark.slow
def test_the_corpus_is_sacrebleus_on_a_thousand_pairs() -> None:
    agree(1000)


@given(some_pairs, st.sampled_from([0, 2]))
def test_the_corpus_is_sacrebleus_on_few_and_short_rows(made: list[tuple[str, str]], word_order: int) -> None:
    expected = library(made, word_order=word_order)
    assert corpus("chrf", "chrf", of(made, word_order=word_order)) == pytest.approx(expected, abs=1e-9)


@given(texts, texts)
def test_a_rows_own_value_is_sacrebleus_sentence_score(output: str, target: str) -> None:
    import sacrebleu

    expected = sacrebleu.sentence_chrf(output, [target]).score
    assert values("chrf", output, target)["chrf"] == pytest.approx(expected, abs=1e-9)


@given(some_pairs, st.randoms(use_true_random=False))
def test_many_sums_at_once_are_as_each_alone(made: list[tuple[str, str]], rng: Any) -> None:
    stats = np.array([score.stats["chrf"] for score in of(made)])
    counts = np.array([[rng.randint(0, 2) for _ in made] for _ in range(5)])
    together = plugin("chrf").aggregate_chrf(counts @ stats)
    for row, found in zip(counts, together, strict=True):
        drawn = [pair for pair, times in zip(made, row, strict=True) for _ in range(times)]
        assert found == pytest.approx(library(drawn) if drawn else 0, abs=1e-9)


def test_nothing_is_zero() -> None:
    assert (
        values("chrf", "", "open")["chrf"] == values("chrf", "open", "")["chrf"] == values("chrf", "", "")["chrf"] == 0
    )


def test_empty_references_are_told() -> None:
    rows = [sample("a", " ", "1"), sample("a", "a", "2")]
    (warning,) = plugin("chrf").summarise(rows, scores("chrf", *rows), LIGHT)["warnings"]
    assert warning == "chrf: empty references: 1; nothing that is answered to their rows can count"


@pytest.mark.parametrize("text", HOSTILE)
def test_any_text_has_a_score(text: str) -> None:
    for output, target in ((text, "open it"), ("open it", text), (text, text)):
        assert 0 <= (values("chrf", output, target)["chrf"] or 0) <= 100


@pytest.mark.slow
@pytest.mark.parametrize("text", ENORMOUS, ids=lambda text: text[:6])
def test_an_enormous_text_takes_no_quadratic_time(text: str) -> None:
    assert 0 <= (values("chrf", text, "open the word")["chrf"] or 0) <= 100
    assert values("chrf", "open the word", text)["chrf"] is not None


@pytest.mark.parametrize(("word_order", "name"), [(0, "chrF2"), (2, "chrF2++")])
def test_the_signature_is_sacrebleus_own(word_order: int, name: str) -> None:
    from sacrebleu.metrics import CHRF

    metric = CHRF(word_order=word_order)
    score = metric.corpus_score(["a"], [["a"]])
    assert score.name == name
    assert plugin("chrf").signature(LIGHT, word_order=word_order) == f"{name}|{metric.get_signature()}"
