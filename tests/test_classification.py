"""The evaluator `classification`: labels in outputs, macro-F1 from sums of rows, and what was taken for what."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resep.errors import ResepError
from resep.labels import classes_of
from resep.records import Score
from tests.scoring import ANY_TEXT, LIGHT, corpus, plugin, sample, scores

LABELS = ["card_arrival", "Card Payment", "transfer", "cancel transfer", "+"]
answers = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from([*"abc", "none of them"])), min_size=1, max_size=12
)


def of(pairs: list[tuple[str, str]], **options: Any) -> list[Score]:
    """Scores of (reference, output)."""
    rows = [sample(output, target, str(n)) for n, (target, output) in enumerate(pairs)]
    return scores("classification", *rows, **options)


def read(output: str, labels: list[str] = LABELS, **options: Any) -> str | None:
    """The label that is read from an output."""
    (score,) = of([(labels[0], output)], labels=labels, **options)
    label: str | None = score.detail.get("label")
    assert score.values["label_unparsable"] == float(label is None)
    return label


@pytest.mark.parametrize(
    ("output", "label"),
    [
        ("transfer", "transfer"),
        (" Transfer.\n", "transfer"),
        ("card arrival", "card_arrival"),
        ("**CARD-PAYMENT**", "Card Payment"),
        ("I would say card_arrival, surely", "card_arrival"),
        ("please cancel transfer now", "cancel transfer"),
        ("cancel transfer, no, transfer", None),
        ("transfers", None),
        ("transfer, transfer", "transfer"),
        ("+", "+"),
        ("", None),
        ("no idea", None),
    ],
)
def test_a_label_is_read_from_an_output(output: str, label: str | None) -> None:
    assert read(output) == label


def test_only_the_label_itself_counts_where_that_is_asked() -> None:
    assert read("Transfer.", match="exact") == "transfer"
    assert read("a transfer", match="exact") is None


@pytest.mark.parametrize(
    ("output", "label"),
    [
        ('{"intent": "transfer"}', "transfer"),
        ('Sure: {"intent": "Card Arrival", "x": 1}', "card_arrival"),
        ('{"intent": "a transfer"}', None),
        ('{"intent": ["transfer"]}', None),
        ('{"other": "transfer"}', None),
        ('["transfer"]', None),
        ("transfer", None),
        ('{"intent": "transfer"', None),
    ],
)
def test_a_label_is_read_from_a_field(output: str, label: str | None) -> None:
    rows = [(json.dumps({"intent": name}), output) for name in LABELS]
    assert {score.detail.get("label") for score in of(rows, field="intent")} == {label}


def test_a_field_may_lie_within_another_and_hold_a_number() -> None:
    rows = [('{"a": {"b": 1}}', '{"a": {"b": 1}}'), ('{"a": {"b": true}}', '{"a.b": true}')]
    assert [score.values["accuracy"] for score in of(rows, field="a.b")] == [1, 1]


def test_an_output_without_a_label_is_wrong_and_counted() -> None:
    found = of([("a", "a"), ("b", "what?"), ("b", "b or a")])
    assert [score.values["accuracy"] for score in found] == [1, 0, 0]
    assert [score.values["label_unparsable"] for score in found] == [0, 1, 1]
    assert corpus("classification", "macro_f1", found) == pytest.approx((1 + 0) / 2)


def test_a_reference_without_a_class_has_no_score_and_is_told() -> None:
    rows = [sample("a", "a", "1"), sample("a", "z", "2"), sample("a", "z", "2", arm="other")]
    found = scores("classification", *rows, labels=["a", "b"])
    assert [score.values["accuracy"] for score in found] == [1, None, None]
    assert "macro_f1" not in found[1].stats
    warnings = plugin("classification").summarise(rows, found, LIGHT)["warnings"]
    assert warnings == ["classification: references that name no class: 1 of 2; their rows have no score"]
    assert of([(" ", "a"), ("a", "a")])[0].values["accuracy"] is None


@given(answers)
def test_macro_f1_is_the_mean_of_each_classes_f1(pairs: list[tuple[str, str]]) -> None:
    expected = []
    for label in {target for target, _ in pairs}:
        right = sum(target == output == label for target, output in pairs)
        size = sum((target == label) + (output == label) for target, output in pairs)
        expected.append(2 * right / size)
    strangers = {output for _, output in pairs} - {target for target, _ in pairs}
    if strangers <= {"none of them"}:
        assert corpus("classification", "macro_f1", of(pairs)) == pytest.approx(np.mean(expected))


def test_a_class_that_no_reference_has_is_no_class_of_the_mean() -> None:
    pairs = [("a", "a"), ("a", "c"), ("b", "b"), ("b", "d")]
    found = of(pairs, labels=["a", "b", "c", "d", "e"])
    assert [score.detail.get("label") for score in found] == ["a", "c", "b", "d"]
    assert corpus("classification", "macro_f1", found) == pytest.approx(2 / 3)  # of each: precision 1, recall 1/2


@given(answers)
def test_more_labels_than_the_references_name_change_wrong_answers_into_others_only(
    pairs: list[tuple[str, str]],
) -> None:
    named = {target for target, _ in pairs}
    expected = []
    for label in named:
        right = sum(target == output == label for target, output in pairs)
        expected.append(2 * right / sum((target == label) + (output == label) for target, output in pairs))
    assert corpus("classification", "macro_f1", of(pairs, labels=[*"abcde"])) == pytest.approx(np.mean(expected))


@given(answers, st.randoms(use_true_random=False))
def test_many_sums_at_once_are_as_each_alone(pairs: list[tuple[str, str]], rng: Any) -> None:
    stats = np.array([score.stats["macro_f1"] for score in of(pairs)])
    counts = np.array([[rng.randint(0, 2) for _ in pairs] for _ in range(5)])
    aggregate = plugin("classification").aggregate_macro_f1
    for row, found in zip(counts, aggregate(counts @ stats), strict=True):
        assert found == pytest.approx(aggregate(row @ stats), nan_ok=True)
        assert np.isnan(found) == (not row.any())


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_macro_f1_is_scikit_learns_on_a_thousand_rows() -> None:
    import random

    from sklearn.metrics import f1_score

    rng = random.Random(7)
    pairs = [(rng.choice(LABELS), rng.choice([*LABELS, "none of them"])) for _ in range(1000)]
    targets, outputs = zip(*pairs, strict=True)
    expected = f1_score(targets, outputs, labels=LABELS, average="macro")
    assert corpus("classification", "macro_f1", of(pairs)) == pytest.approx(expected, abs=1e-12)


def test_the_classes_are_those_of_all_references_whatever_the_arm() -> None:
    rows = [sample("a", "a", "1", "base"), sample("b", "b", "2", "tuned")]
    widths = {len(score.stats["macro_f1"]) for score in scores("classification", *rows)}
    assert widths == {4}
    assert plugin("classification").TOGETHER


def test_spellings_of_one_class_are_one_class() -> None:
    assert list(classes_of(["Card_Arrival", "card arrival.", " ", "b"]).spelling.values()) == ["b", "Card_Arrival"]


def test_the_report_gets_classes_and_confusions_for_each_arm() -> None:
    rows = [sample(out, target, str(n)) for n, (target, out) in enumerate([("a", "a"), ("a", "b"), ("b", "?")])]
    classes, taken = plugin("classification").summarise(rows, scores("classification", *rows), LIGHT)["tables"]
    assert classes["rows"] == [["a", 2, 1, 0.5, pytest.approx(2 / 3)], ["b", 1, 0, 0, 0]]
    assert taken["columns"] == ["reference, by output", "a", "b", "(none)"]
    assert taken["rows"] == [["a", 1, 1, 0], ["b", 0, 0, 1]]


def test_many_classes_are_told_by_their_most_frequent_mistakes() -> None:
    pairs = [(f"label {n}", f"label {n}") for n in range(60)] + [("label 1", "label 2")] * 3 + [("label 1", "?")]
    rows = [sample(out, target, str(n)) for n, (target, out) in enumerate(pairs)]
    classes, taken = plugin("classification").summarise(rows, scores("classification", *rows), LIGHT)["tables"]
    assert taken["rows"] == [["label 1", "label 2", 3], ["label 1", "(none)", 1]]
    assert (len(classes["rows"]), classes["note"]) == (40, "20 more are left out.")


def test_free_text_is_no_class() -> None:
    with pytest.raises(ResepError, match="1,001 different classes"):
        of([(f"label {n}", "x") for n in range(1001)])


@pytest.mark.parametrize("text", ANY_TEXT, ids=lambda text: ascii(text[:6]))
def test_any_text_has_a_score(text: str) -> None:
    found = of([("transfer", text), ("cancel transfer", text)])
    assert [score.values["accuracy"] for score in found] == [0, 0]
    (own,) = of([(text, text)])
    assert own.values["accuracy"] == (1 if text.strip() else None)
