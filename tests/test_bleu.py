"""The evaluator `bleu`: sacreBLEU's numbers, from sums of rows, whatever the resample."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.scoring import ENORMOUS, HOSTILE, LIGHT, corpus, pairs, plugin, sample, scores, values

TOKENIZERS = ("13a", "intl", "char", "zh")
SMOOTHING = ("exp", "floor", "add-k", "none")
words = st.lists(st.sampled_from(["open", "the", "app", ".", "tap"]), max_size=9).map(" ".join)
some_pairs = st.lists(st.tuples(words, words), min_size=1, max_size=6)


def of(given_pairs: list[tuple[str, str]], **options: Any) -> Any:
    rows = [sample(output, target, str(n)) for n, (output, target) in enumerate(given_pairs)]
    return scores("bleu", *rows, **options)


def library(given_pairs: list[tuple[str, str]], **options: Any) -> float:
    from sacrebleu.metrics import BLEU

    outputs, targets = zip(*given_pairs, strict=True)
    return float(BLEU(**options, force=True).corpus_score(list(outputs), [list(targets)]).score)


def agree(count: int) -> None:
    made = list(pairs(count))
    for tokenize in TOKENIZERS:
        for smooth_method in SMOOTHING:
            options: dict[str, Any] = {
                "tokenize": tokenize,
                "smooth_method": smooth_method,
                "lowercase": count % 2 == 0,
            }
            expected = library(made, **options)
            assert corpus("bleu", "bleu", of(made, **options)) == pytest.approx(expected, abs=1e-9)


def test_the_corpus_is_sacrebleus_on_fifty_pairs() -> None:
    agree(50)


@pytest.mark.slow
def test_the_corpus_is_sacrebleus_on_a_thousand_pairs() -> None:
    agree(1000)


@given(some_pairs, st.sampled_from(SMOOTHING))
def test_the_corpus_is_sacrebleus_on_few_and_short_rows(made: list[tuple[str, str]], smooth_method: str) -> None:
    expected = library(made, smooth_method=smooth_method)
    found = corpus("bleu", "bleu", of(made, smooth_method=smooth_method))
    assert found == pytest.approx(expected, abs=1e-9)


@given(words, words, st.sampled_from(SMOOTHING))
def test_a_rows_own_value_is_sacrebleus_sentence_score(output: str, target: str, smooth_method: str) -> None:
    import sacrebleu

    expected = sacrebleu.sentence_bleu(output, [target], smooth_method=smooth_method).score
    assert values("bleu", output, target, smooth_method=smooth_method)["bleu"] == pytest.approx(expected, abs=1e-9)


@given(some_pairs, st.randoms(use_true_random=False))
def test_many_sums_at_once_are_as_each_alone(made: list[tuple[str, str]], rng: Any) -> None:
    stats = np.array([score.stats["bleu"] for score in of(made)])
    counts = np.array([[rng.randint(0, 2) for _ in made] for _ in range(5)])
    together = plugin("bleu").aggregate_bleu(counts @ stats)
    for row, found in zip(counts, together, strict=True):
        assert found == pytest.approx(plugin("bleu").aggregate_bleu(row @ stats), nan_ok=True)
        drawn = [pair for pair, times in zip(made, row, strict=True) for _ in range(times)]
        assert found == pytest.approx(library(drawn) if drawn else float("nan"), abs=1e-9, nan_ok=True)


def test_it_is_no_mean_over_rows() -> None:
    made = [("open the app and tap it", "open the app and tap it"), ("no", "close the window of the app now")]
    rows = of(made)
    assert corpus("bleu", "bleu", rows) != pytest.approx(np.mean([score.values["bleu"] for score in rows]), abs=1)


def test_empty_outputs_score_nothing_and_count_in_the_corpus() -> None:
    same = ("open the app and tap it", "open the app and tap it")
    assert (
        values("bleu", "", same[1])["bleu"]
        == values("bleu", same[0], "")["bleu"]
        == values("bleu", "", "")["bleu"]
        == 0
    )
    assert corpus("bleu", "bleu", of([same])) == pytest.approx(100)
    assert corpus("bleu", "bleu", of([same, ("", "open the app and tap it")])) == pytest.approx(100 * np.exp(-1))
    assert corpus("bleu", "bleu", of([("", "")])) == 0


def test_empty_references_are_told() -> None:
    rows = [sample("a", " ", "1"), sample("a", "a", "2")]
    (warning,) = plugin("bleu").summarise(rows, scores("bleu", *rows), LIGHT)["warnings"]
    assert warning == "bleu: empty references: 1; all that is answered to their rows counts as wrong"


def test_no_number_leaves_the_scale() -> None:
    text = "open the app. tap it, then wait"
    assert values("bleu", text, text)["bleu"] == corpus("bleu", "bleu", of([(text, text)])) == 100


@pytest.mark.parametrize("text", HOSTILE)
def test_any_text_has_a_score(text: str) -> None:
    for output, target in ((text, "open it"), ("open it", text), (text, text)):
        assert 0 <= (values("bleu", output, target)["bleu"] or 0) <= 100


@pytest.mark.slow
@pytest.mark.parametrize("text", ENORMOUS, ids=lambda text: text[:6])
def test_an_enormous_text_takes_no_quadratic_time(text: str) -> None:
    assert 0 <= (values("bleu", text, "open the word")["bleu"] or 0) <= 100
    assert values("bleu", "open the word", text)["bleu"] is not None


@pytest.mark.parametrize("options", [{}, {"tokenize": "intl", "lowercase": True}, {"smooth_method": "floor"}])
def test_the_signature_is_sacrebleus_own(options: dict[str, Any]) -> None:
    from sacrebleu.metrics import BLEU

    metric = BLEU(**options)
    metric.corpus_score(["a"], [["a"]])
    assert plugin("bleu").signature(LIGHT, **options) == f"BLEU|{metric.get_signature()}"
