"""BERTScore against the bert-score library, and its laws, on tiny random encoders; the embedded one once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resep.context import Context
from resep.errors import ResepError
from resep.paths import data_folder
from resep.plugins import describe, find, open_plugin, option_values
from resep.records import Sample, Score
from resep.steps import render_steps
from tests.test_evaluators import lexical
from tests.tiny_encoder import LAYERS, MAX_TOKENS, WORDS, encoder_folder

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]

EXACT = 1e-6
Pairs = Sequence[tuple[str, str]]

words = st.sampled_from((*WORDS, "xyzzy", "42", "caf\u00e9", "\u8bbe\u7f6e", "<b>", "1."))
texts = st.lists(words, min_size=1, max_size=5).map(" ".join)
pairs_of_texts = st.lists(st.tuples(texts, texts), min_size=1, max_size=8)


def plugin() -> ModuleType:
    return open_plugin(find("evaluators", "bertscore"))


def context(folder: Path, samples: Sequence[Sample] = ()) -> Context:
    return Context(encoder=lexical, model_folder=lambda name: folder, samples=samples)  # noqa: ARG005


def options(**given: Any) -> dict[str, Any]:
    return option_values(describe(find("evaluators", "bertscore")), {"layer": LAYERS, **given})


def rows(pairs: Pairs, arm: str = "base") -> list[Sample]:
    return [Sample(str(number), arm, reference, output) for number, (output, reference) in enumerate(pairs)]


def scores(samples: Sequence[Sample], folder: Path | None = None, **given: Any) -> list[Score]:
    return list(plugin().evaluate(iter(samples), context(folder or encoder_folder()), **options(**given)))


def values(score: Score) -> list[float]:
    """Precision, recall and F1, where they could be told."""
    return [value for value in score.values.values() if value is not None]


def numbers(pairs: Pairs, folder: Path | None = None, **given: Any) -> list[list[float]]:
    return [values(score) for score in scores(rows(pairs), folder, **given)]


def library(pairs: Pairs, folder: Path, layer: int = LAYERS, idf: bool = False) -> list[list[float]]:
    """What bert-score says. A longer pair beside them pads all others; without padding it counts negative cosines."""
    from bert_score import BERTScorer

    outputs, references = ([pair[side] for pair in pairs] for side in (0, 1))
    scorer = BERTScorer(model_type=str(folder), num_layers=layer, idf=idf, idf_sents=references, nthreads=0)
    scorer._tokenizer.model_max_length = min(scorer._tokenizer.model_max_length, 512)
    long = "open the settings " * 60
    found = zip(*(side.tolist() for side in scorer.score([*outputs, long], [*references, long])), strict=True)
    return [list(pair) for pair in found][:-1]


def assert_equal(found: Sequence[Sequence[float]], expected: Sequence[Sequence[float]], within: float = EXACT) -> None:
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert one == pytest.approx(other, abs=within)


@given(pairs_of_texts, st.integers(0, LAYERS))
def test_it_is_bert_score(pairs: Pairs, layer: int) -> None:
    assert_equal(numbers(pairs, layer=layer), library(pairs, encoder_folder(), layer))


@given(pairs_of_texts)
def test_with_idf_it_is_bert_score_with_idf(pairs: Pairs) -> None:
    pairs = [*pairs, ("tap it", "tap the settings"), ("close", "a new password")]
    expected = library(pairs, encoder_folder(), idf=True)
    for score, right in zip(scores(rows(pairs), idf=True), expected, strict=True):
        if score.error:  # all tokens of one side stand in every reference: the library divides 0 by 0
            assert "idf weight" in score.error
            assert any(value != value for value in right[:2])
        else:
            assert values(score) == pytest.approx(right, abs=EXACT)


@pytest.mark.parametrize("family", ["roberta", "albert", "distilbert", "deberta-v2", "t5"])
@pytest.mark.parametrize("layer", [1, LAYERS])
def test_it_is_bert_score_with_encoders_of_other_families(family: str, layer: int) -> None:
    pairs = [("open the settings", "close it now"), ("tap security", "tap security"), ("xyzzy 42", "choose a password")]
    folder = encoder_folder(family)
    assert_equal(numbers(pairs, folder, layer=layer), library(pairs, folder, layer))


@given(pairs_of_texts)
def test_a_text_against_itself_has_one(pairs: Pairs) -> None:
    assert_equal(numbers([(text, text) for text, _ in pairs]), [[1, 1, 1]] * len(pairs))


@given(pairs_of_texts)
def test_f1_is_symmetric_and_precision_is_recall_the_other_way_round(pairs: Pairs) -> None:
    swapped = numbers([(reference, output) for output, reference in pairs])
    assert_equal(numbers(pairs), [[recall, precision, f1] for precision, recall, f1 in swapped])


@given(pairs_of_texts, pairs_of_texts, st.sampled_from([1, 7, 64, 4096]), st.randoms())
def test_neither_batches_nor_other_rows_nor_their_order_change_a_score(
    pairs: Pairs, others: Pairs, batch_tokens: int, random: Any
) -> None:
    mixed = [*pairs, *others]
    random.shuffle(mixed)
    found = dict(zip(mixed, numbers(mixed, batch_tokens=batch_tokens), strict=True))
    assert_equal([found[pair] for pair in pairs], numbers(pairs))


def test_a_small_window_of_memory_changes_no_score(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = [(f"open {word} now", f"the {other}") for word in WORDS for other in WORDS[:5]]
    whole = numbers(pairs)
    monkeypatch.setattr("resep.bertscore.scoring._WINDOW_TOKENS", 20)
    assert_equal(numbers(pairs), whole)


def test_every_distinct_text_is_embedded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from resep.bertscore.encoder import TokenEncoder

    embedded: list[tuple[int, ...]] = []
    forward = TokenEncoder._forward

    def noted(self: TokenEncoder, batch: Sequence[Any]) -> Any:
        embedded.extend(tuple(text.ids.tolist()) for text in batch)
        return forward(self, batch)

    monkeypatch.setattr(TokenEncoder, "_forward", noted)
    monkeypatch.setattr("resep.bertscore.scoring._WINDOW_TOKENS", 20)
    references = [f"the {word}" for word in WORDS]
    pairs = [(output, reference) for output in ("no", "open it", "the tap") for reference in references]
    scores([*rows(pairs), *rows(pairs, "tuned")])
    assert len(embedded) == len(set(embedded)) == len({*references, "no", "open it"})


def test_texts_without_words_have_zero_and_are_not_skipped() -> None:
    blank = ["", " \n\t", "\x00\x01\x02", "[SEP]"]
    pairs = [(text, "tap security") for text in blank] + [("tap security", text) for text in blank] + [("", "")]
    for found in (scores(rows(pairs)), scores(rows(pairs), idf=True)):
        assert [values(score) for score in found] == [[0, 0, 0]] * len(pairs)
        assert not [score for score in found if score.error]


def test_strange_texts_have_a_score() -> None:
    strange = [
        "<b>open</b> &amp; close",
        "tap\x00 the\x1b[31m settings",
        "half a character \ud83d",
        "\u202eopen\u202c",
        "\ufeffnow",
    ]
    found = numbers([(text, "open the settings") for text in strange])
    assert all(0 < value <= 1 for values in found for value in values)


def test_half_a_character_counts_as_an_unknown_one() -> None:
    assert numbers([("open \ud83d", "open it")]) == numbers([("open \ufffd", "open it")])


def test_an_enormous_output_is_scored_by_its_beginning_and_that_is_told() -> None:
    (score,) = scores(rows([("open the settings " * 20_000, "open the settings")]))
    begins = "open the settings " * 20
    assert values(score) == pytest.approx(numbers([(begins, "open the settings")])[0], abs=EXACT)
    assert score.detail == {"truncated": ["output"]}
    found = plugin().summarise(rows([("", "")]), [score], context(encoder_folder()), **options())
    assert "1 of 1 rows" in found["warnings"][0]


def test_a_text_that_just_fits_is_not_cut() -> None:
    fits = "open " * (MAX_TOKENS - 2)
    fitting, cut = scores(rows([(fits, "open"), (fits + "open", "open")]))
    assert (fitting.detail, cut.detail) == ({}, {"truncated": ["output"]})


def test_no_rows_need_no_encoder() -> None:
    def never(name: str) -> Path:
        raise AssertionError(name)

    assert list(plugin().evaluate(iter(()), Context(encoder=lexical, model_folder=never))) == []


def test_one_row_under_idf_cannot_be_scored_and_says_why() -> None:
    (score,) = scores(rows([("open the settings", "open the settings")]), idf=True)
    assert set(score.values.values()) == {None}
    assert "idf weight 0" in str(score.error)


def test_idf_counts_all_references_of_one_arm_also_when_only_some_rows_are_asked_for() -> None:
    pairs = [("open the settings", "open it"), ("tap", "tap the settings"), ("now close it", "close it")]
    both = [*rows(pairs), *rows([(reference, reference) for _, reference in pairs], "tuned")]
    whole = scores(both, idf=True)
    rest = list(plugin().evaluate(iter(both[2:]), context(encoder_folder(), both), **options(idf=True)))
    assert_equal([values(s) for s in rest], [values(s) for s in whole[2:]])
    assert_equal([values(s) for s in whole[:3]], library(pairs, encoder_folder(), idf=True))


def test_a_list_of_steps_is_compared_as_the_text_that_the_model_learns() -> None:
    (listed,) = scores([Sample("1", "base", ("open it", "close it"), "1. open it")])
    assert_equal([values(listed)], numbers([("1. open it", "1. open it\n2. close it")]))


def test_rescaled_numbers_are_stretched_by_the_librarys_baseline_also_those_of_empty_outputs() -> None:
    from resep.bertscore.published import baseline

    pairs = [("open it", "open the settings"), ("", "tap security")]
    basis = baseline("roberta-large", "en", LAYERS)
    stretched = [[(x - b) / (1 - b) for x, b in zip(found, basis, strict=True)] for found in numbers(pairs)]
    given: dict[str, Any] = {"encoder": "FacebookAI/roberta-large@main", "rescale": "en"}
    assert_equal(numbers(pairs, **given), stretched)
    assert max(stretched[1]) < 0
    assert {metric.low for metric in plugin().metrics(options(**given))} == {None}
    assert {metric.low for metric in plugin().metrics(options())} == {0}
    assert f"rescaled:en({basis[0]}," in plugin().signature(context(encoder_folder()), **options(**given))


def test_bfloat16_is_near_and_tells_how_near() -> None:
    pairs = [(f"open {word}", f"the {word} now") for word in WORDS]
    near = scores(rows(pairs), dtype="bfloat16")
    assert_equal([values(s) for s in near], numbers(pairs), within=0.05)
    given = options(dtype="bfloat16")
    found = plugin().summarise(rows(pairs), near, context(encoder_folder()), **given)
    exact = [values[2] for values in numbers(pairs)]
    expected = [abs(float(s.values["bertscore_f1"] or 0) - right) for s, right in zip(near, exact, strict=True)]
    assert found["errors"] == pytest.approx(expected, abs=EXACT)
    assert f"at most {max(found['errors']):.1e}" in found["warnings"][-1]
    assert "dtype:bfloat16" in plugin().signature(context(encoder_folder()), **given)


def test_the_error_of_bfloat16_is_measured_on_32_rows_of_many() -> None:
    pairs = [(f"open {n}", f"the {n} now") for n in range(100)]
    found = plugin().summarise(
        rows(pairs), scores(rows(pairs), dtype="bfloat16"), context(encoder_folder()), **options(dtype="bfloat16")
    )
    assert 25 <= len(found["errors"]) <= 32


def test_a_layer_that_there_is_not_is_the_users_mistake() -> None:
    with pytest.raises(ResepError, match=r"bertscore.layer: 9: tiny has layers 0 to 3"):
        scores(rows([("a", "b")]), layer=9, encoder="tiny")


def test_the_signature_names_what_numbers_depend_on_and_no_path() -> None:
    def signature(**given: Any) -> str:
        return str(plugin().signature(context(encoder_folder()), **options(encoder="owner/tiny@main", **given)))

    plain = signature()
    assert plain.startswith("bertscore|encoder:tiny|weights:")
    assert str(encoder_folder()) not in plain
    assert signature(batch_tokens=64) == plain
    assert len({plain, signature(layer=1), signature(idf=True), signature(dtype="bfloat16")}) == 4


def test_the_embedded_encoder_agrees_with_the_library_on_answers_of_the_quickstart() -> None:
    from resep import models

    folder = models.folder("all-minilm-l6-v2", None, lambda event: None)  # noqa: ARG005
    lines = (data_folder("recipes") / "data" / "quickstart.jsonl").read_text(encoding="utf-8").splitlines()[:40]
    answers = [render_steps(json.loads(line)["response"], "numbered_steps") for line in lines]
    pairs = list(zip([*answers[1:], answers[0]], answers, strict=True))
    assert_equal(numbers(pairs, folder, layer=6), library(pairs, folder, 6))
