"""The step `sample`: so many rows of each label, by lot or by what their texts say."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resep import Row, plugins
from resep.errors import ResepError
from resep.records import Origin

STEP = plugins.open_plugin(plugins.find("preprocessing", "sample"))
BANKING = Path(__file__).parent.parent.parent / "shared" / "data" / "banking77" / "train.csv"
TOPICS = ("reset my pin code", "pay the electricity bill", "block a stolen card", "exchange foreign currency")


def row(at: int, prompt: str, **fields: Any) -> Row:
    return Row(f"r{at}", {"prompt": prompt, "response": "ok", **fields}, Origin("rows.jsonl", at + 1))


def rows(count: int, labels: int = 3) -> list[Row]:
    return [row(at, f"question {at}", category=f"c{at % labels}") for at in range(count)]


def sampled(given_: Sequence[Row], **options: Any) -> tuple[list[Row], dict[str, Any]]:
    """The rows that go on, and the findings, which have to be JSON; every row must have come back in its place."""
    out: list[Row] = []
    steps = STEP.process_rows(given_, **options)
    while True:
        try:
            out.append(next(steps))
        except StopIteration as end:
            assert [row.id for row in out] == [row.id for row in given_]
            assert {row.dropped for row in out} <= {None, "not sampled"}
            return [row for row in out if not row.dropped], json.loads(json.dumps(end.value, allow_nan=False))


@given(st.integers(0, 40), st.integers(1, 50))
def test_as_many_rows_are_kept_as_were_asked_for(count: int, wanted: int) -> None:
    kept, found = sampled(rows(count), rows=wanted, strategy="random")
    assert len(kept) == found["rows_out"] == min(count, wanted)
    assert any("all of them were kept" in warning for warning in found["warnings"]) == (wanted > count)


def test_a_share_is_of_the_rows_that_arrive_and_keeps_one_at_least() -> None:
    assert len(sampled(rows(50), share=0.1, strategy="random")[0]) == 5
    assert len(sampled(rows(3), share=0.01, strategy="random")[0]) == 1


def test_another_seed_draws_other_rows_and_the_same_seed_the_same() -> None:
    first, again, other = (
        [row.id for row in sampled(rows(200), rows=20, strategy="random", seed=seed)[0]] for seed in (1, 1, 2)
    )
    assert first == again != other


@given(st.permutations(range(30)))
def test_the_draw_depends_on_no_order(order: list[int]) -> None:
    given_ = rows(30)
    kept = {row.id for row in sampled(given_, rows=7, strategy="random")[0]}
    assert {row.id for row in sampled([given_[at] for at in order], rows=7, strategy="random")[0]} == kept


def test_a_row_that_is_added_takes_the_place_of_one_at_most() -> None:
    before = {row.id for row in sampled(rows(200), rows=50, strategy="random")[0]}
    after = {row.id for row in sampled(rows(201), rows=50, strategy="random")[0]}
    assert len(before - after) <= 1


def test_labels_have_their_quota_first_and_stratified_is_what_by_means() -> None:
    given_ = [*rows(90, labels=1), *(row(100 + at, "x", category="rare") for at in range(10))]
    assert Counter(r.fields["category"] for r in sampled(given_, rows=20, by=["category"])[0]) == {"c0": 18, "rare": 2}
    kept, found = sampled(given_, rows=16, by=["category"], quotas="equal")
    assert Counter(r.fields["category"] for r in kept) == {"c0": 8, "rare": 8}
    assert found["strategy"] == "stratified"
    assert found["labels"] == [
        {"label": "c0", "size": 90, "chosen": 8},
        {"label": "rare", "size": 10, "chosen": 8},
    ]


def test_fewer_rows_than_labels_are_told() -> None:
    assert "7 labels have none" in sampled(rows(30, labels=10), rows=3, by=["category"])[1]["warnings"][0]


def test_options_that_make_no_sense_are_refused_when_it_runs() -> None:
    with pytest.raises(ResepError, match=r"preprocessing\.sample\.rows: say how many"):
        list(STEP.process_rows(rows(3)))


def test_drawing_by_lot_imports_nothing_that_belongs_in_a_child() -> None:
    code = (
        "import sys; from tests.test_sample import sampled, rows; sampled(rows(30), rows=3, by=['category']);"
        "print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).parent.parent, capture_output=True, text=True, check=True
    )
    assert not {"sklearn", "scipy", "pandas"} & {name.partition(".")[0] for name in done.stdout.split()}


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["kcentre", "facility", "cluster"])
def test_rare_topics_are_found_by_what_the_texts_say(strategy: str) -> None:
    given_ = [row(at, f"How can I {TOPICS[0]} number {at}?") for at in range(120)]
    given_ += [row(200 + at, f"Please help me to {TOPICS[1 + at % 3]} {at}") for at in range(18)]
    kept, found = sampled(given_, rows=8, strategy=strategy, clusters=4, quotas="equal")
    assert len(kept) == 8
    assert all(any(topic in r.fields["prompt"] for r in kept) for topic in TOPICS)
    assert sum(cluster["size"] for cluster in found["clusters"]) == 138
    assert sum(cluster["chosen"] for cluster in found["clusters"]) == 8
    assert any("pin" in cluster["terms"] for cluster in found["clusters"])


@pytest.mark.slow
@pytest.mark.parametrize(
    "texts",
    [
        ["one"],
        ["a", "b"],
        ["same text"] * 30,
        ["", "x", ""],
        ["\ud83d broken", "你好吗", "कार्ड", "?!"],
        ["a" * 100_000] * 3,
    ],
    ids=["one", "two", "same", "empty", "odd", "long"],
)
def test_odd_rows_are_sampled_like_any_other(texts: list[str]) -> None:
    kept, _ = sampled([row(at, text) for at, text in enumerate(texts)], share=0.5, strategy="kcentre")
    assert len(kept) == max(1, round(0.5 * len(texts)))


@pytest.mark.slow
def test_texts_that_say_nothing_are_refused_with_a_way_out() -> None:
    with pytest.raises(ResepError, match=r"preprocessing\.sample: .*nothing to compare; use strategy random"):
        sampled([row(at, "") for at in range(9)], rows=3, strategy="facility")


@pytest.mark.slow
def test_further_fields_make_rows_differ() -> None:
    given_ = [row(at, f"how do I reset it {at % 7}", tone="angry" if at > 54 else "calm") for at in range(60)]
    kept, _ = sampled(given_, rows=3, strategy="kcentre", with_fields=["tone"], clusters=2)
    plain, _ = sampled(given_, rows=3, strategy="kcentre", clusters=2)
    assert [sorted({r.fields["tone"] for r in some}) for some in (kept, plain)] == [["angry", "calm"], ["calm"]]


@pytest.mark.slow
def test_the_same_rows_are_chosen_again() -> None:
    given_ = [row(at, f"{TOPICS[at % 4]} {at}") for at in range(300)]
    first, again = (sampled(given_, rows=30, strategy="kcentre") for _ in range(2))
    assert [r.id for r in first[0]] == [r.id for r in again[0]]
    assert first[1] == again[1]


@pytest.mark.slow
def test_without_scikit_learn_the_way_out_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sklearn.py").write_text("raise ModuleNotFoundError(\"No module named 'sklearn'\")")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(ResepError, match=r"needs scikit-learn: pip install 'resep\[data\]', or use strategy random"):
        sampled(rows(30), rows=3, strategy="kcentre")


@pytest.mark.slow
@pytest.mark.skipif(not BANKING.exists(), reason="banking77 is not here")
def test_of_77_topics_of_real_questions_none_is_missed_and_no_cluster_swallows_the_rest() -> None:
    import csv

    with BANKING.open(encoding="utf-8") as file:
        given_ = [row(at, r["text"], category=r["category"]) for at, r in enumerate(csv.DictReader(file))]
    kept, found = sampled(given_, rows=400, strategy="facility")
    assert len({r.fields["category"] for r in kept}) == 77
    assert found["coverage"]["chosen"]["mean"] < 0.9 * found["coverage"]["random"]["mean"]
    assert max(cluster["size"] for cluster in found["clusters"]) < 0.15 * len(given_)
