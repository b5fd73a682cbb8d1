"""The evaluator `rouge`: the numbers of rouge-score, other languages, and texts of any length."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.scoring import ENORMOUS, HOSTILE, LIGHT, pairs, plugin, sample, scores, values

METRICS = ["rouge1", "rouge2", "rougeL", "rougeLsum"]
words = st.lists(st.sampled_from(["open", "the", "app", "tap", "running"]), max_size=9).map(" ".join)
texts = st.lists(words, max_size=5).map("\n".join)


def reference_scores(output: str, target: str, stemmer: bool = False) -> dict[str, float]:
    from rouge_score import rouge_scorer

    scorer = rouge_scorer.RougeScorer(METRICS, use_stemmer=stemmer)
    return {name: float(found.fmeasure) for name, found in scorer.score(target, output).items()}


def agree(count: int) -> None:
    for output, target in pairs(count):
        expected = reference_scores(output, target)
        assert values("rouge", output, target, tokenizer="ascii") == expected
        stemmed = values("rouge", output, target, tokenizer="ascii", stemmer="english")
        assert stemmed == reference_scores(output, target, stemmer=True)
        plain = [text.encode("ascii", "ignore").decode() for text in (output, target)]
        assert values("rouge", *plain) == reference_scores(plain[0], plain[1])


def test_it_is_rouge_score_to_the_last_bit_on_fifty_pairs() -> None:
    agree(50)


@pytest.mark.slow
def test_it_is_rouge_score_to_the_last_bit_on_a_thousand_pairs() -> None:
    agree(1000)


@given(texts, texts)
def test_it_is_rouge_score_to_the_last_bit(output: str, target: str) -> None:
    assert values("rouge", output, target) == reference_scores(output, target)


@given(texts, texts)
def test_sides_may_be_swapped_but_for_the_summary(one: str, other: str) -> None:
    there, back = values("rouge", one, other), values("rouge", other, one)
    for name in METRICS[:3]:
        assert there[name] == pytest.approx(back[name])


@given(texts.filter(str.strip))
def test_a_text_is_all_of_itself(text: str) -> None:
    found = values("rouge", text, text)
    assert found["rouge1"] == found["rougeL"] == found["rougeLsum"] == 1
    assert found["rouge2"] == (1 if len(text.split()) > 1 else 0)


def test_other_languages_keep_their_letters() -> None:
    """rouge-score's own words are `caf`, and nothing at all of a Russian answer."""
    russian = "\u043e\u0442\u043a\u0440\u043e\u0439\u0442\u0435 \u043c\u0435\u043d\u044e"
    assert values("rouge", russian, russian)["rouge1"] == 1
    assert values("rouge", russian, russian, tokenizer="ascii")["rouge1"] == 0
    assert values("rouge", "caf\u00e9", "caf")["rouge1"] == 0
    assert values("rouge", "cafe\u0301", "caf\u00e9")["rouge1"] == 1  # composed or not
    assert values("rouge", "\u6f22\u5b57", "\u6f22\u8a9e")["rouge1"] == 0.5  # no spaces: character by character


def test_english_endings_are_cut_only_when_asked() -> None:
    assert values("rouge", "walked", "walking")["rouge1"] == 0
    assert values("rouge", "walked", "walking", stemmer="english")["rouge1"] == 1
    assert values("rouge", "caf\u00e9s", "caf\u00e9", stemmer="english")["rouge1"] == 0


def test_a_list_is_compared_in_the_recipes_format() -> None:
    assert values("rouge", "1. open\n2. close", ("open", "close"))["rouge1"] == 1


@pytest.mark.parametrize(("output", "target"), [("", ""), ("", "open"), ("open", ""), ("...", "open"), ("\n", "\n")])
def test_nothing_is_zero(output: str, target: str) -> None:
    assert set(values("rouge", output, target).values()) == {0.0}


def test_empty_references_are_told() -> None:
    rows = [sample("a", "", "1"), sample("a", "a", "2"), sample("b", "", "1", arm="other")]
    (warning,) = plugin("rouge").summarise(rows, scores("rouge", *rows), LIGHT)["warnings"]
    assert warning == "rouge: references without a word: 1; their rows score 0, whatever the output"


@pytest.mark.parametrize("text", HOSTILE)
def test_any_text_has_a_score(text: str) -> None:
    for output, target in ((text, "open it"), ("open it", text), (text, text)):
        assert all(0 <= (value or 0) <= 1 for value in values("rouge", output, target).values())


@pytest.mark.slow
@pytest.mark.parametrize("text", ENORMOUS, ids=lambda text: text[:6])
def test_an_enormous_text_takes_no_quadratic_time(text: str) -> None:
    """A table of cells would need 400 million for the first of these, against itself."""
    values("rouge", text, "1. open the word w5\n2. tap a")
    assert values("rouge", text, text)["rougeL"] == (1 if any(c.isalnum() for c in text) else 0)


def test_the_signature_names_the_library_and_the_options() -> None:
    from importlib.metadata import version

    signed: Any = plugin("rouge").signature
    assert f"rouge-score:{version('rouge-score')}|tokenizer:unicode|stemmer:none" in signed(LIGHT)
    assert signed(LIGHT) != signed(LIGHT, stemmer="english")
