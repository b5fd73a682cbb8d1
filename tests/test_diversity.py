"""Choosing rows that differ: the parts that need NumPy alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resep.diversity import choosing, findings
from resep.diversity.choosing import facility_location, farthest_first, isolated
from resep.diversity.records import APART, Choice, Elbow, Vectors
from resep.diversity.selection import select
from resep.diversity.words import typical_words, words

SEED = np.random.default_rng(1)


def around(*middles: int, rows: int = 30, width: float = 0.15, dimensions: int = 8) -> Vectors:
    """Unit vectors near the given axes, so many rows near each."""
    points = np.concatenate([np.eye(dimensions)[[at]] + SEED.normal(0, width, (rows, dimensions)) for at in middles])
    return np.asarray(points / np.linalg.norm(points, axis=1, keepdims=True), dtype=np.float32)


def ranks(rows: int) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    return np.random.default_rng(2).permutation(rows).astype(np.uint64)


def one_cluster(vectors: Vectors) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    return np.where(vectors.any(axis=1), 0, APART).astype(np.int32)


@pytest.mark.parametrize("strategy", [farthest_first, facility_location])
@given(rows=st.integers(1, 40), share=st.floats(0, 1))
def test_as_many_rows_are_chosen_as_were_wanted_and_none_twice(
    strategy: choosing.Strategy, rows: int, share: float
) -> None:
    vectors = around(0, rows=rows)
    wanted = max(1, round(share * rows))
    chosen = strategy(vectors, ranks(rows), wanted)
    assert len(set(chosen.tolist())) == len(chosen) == wanted


@pytest.mark.parametrize(("strategy", "rows"), [(farthest_first, 4), (facility_location, 60)])
def test_each_of_five_groups_has_its_row(strategy: choosing.Strategy, rows: int) -> None:
    """Farthest first finds the smallest groups; facility location those that many rows stand in."""
    vectors = np.concatenate([around(0, rows=200), *(around(at, rows=rows) for at in (1, 2, 3, 4))])
    chosen = strategy(vectors, ranks(len(vectors)), 5)
    assert {0 if row < 200 else 1 + (row - 200) // rows for row in chosen.tolist()} == {0, 1, 2, 3, 4}


def test_repeated_texts_are_chosen_when_all_are_wanted() -> None:
    same = np.repeat(around(0, rows=1), 6, axis=0)
    assert sorted(farthest_first(same, ranks(6), 6).tolist()) == [0, 1, 2, 3, 4, 5]


def test_a_pool_that_is_too_large_is_chosen_from_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choosing, "_FARTHEST_WORK", 100)
    vectors = around(0, 1, 2, rows=20)
    chosen = farthest_first(vectors, ranks(60), 12)
    assert len(set(chosen.tolist())) == 12
    assert {row // 20 for row in chosen.tolist()} == {0, 1, 2}


def test_noise_is_isolated_and_a_small_group_is_not() -> None:
    noise = np.eye(64, dtype=np.float32)[10:14]
    vectors = np.concatenate(
        [around(0, rows=90, dimensions=64, width=0.02), around(1, rows=6, dimensions=64, width=0.02), noise]
    )
    found = set(np.flatnonzero(isolated(vectors, one_cluster(vectors))).tolist())
    assert {96, 97, 98, 99} <= found
    assert len(found) <= 5


def test_a_row_alone_in_its_cluster_is_isolated() -> None:
    vectors = around(0, rows=40)
    clusters = np.zeros(40, dtype=np.int32)
    clusters[7] = 1
    assert 7 in np.flatnonzero(isolated(vectors, clusters))


def test_silent_rows_come_last_whatever_the_strategy() -> None:
    vectors = np.concatenate([around(0, 1, rows=10), np.zeros((5, 8), dtype=np.float32)])
    labels = np.zeros(25, dtype=np.int32)
    for strategy in ("kcentre", "facility", "cluster"):
        chosen = select(strategy, vectors, one_cluster(vectors), labels, ranks(25), [20], "equal")
        assert np.flatnonzero(chosen).tolist() == list(range(20))
        chosen = select(strategy, vectors, one_cluster(vectors), labels, ranks(25), [23], "equal")
        assert chosen[:20].all()
        assert chosen.sum() == 23


def test_every_label_has_exactly_its_quota() -> None:
    vectors, labels = around(0, 1, 2, rows=20), np.arange(60, dtype=np.int32) % 4
    for strategy in ("kcentre", "facility", "cluster"):
        chosen = select(strategy, vectors, one_cluster(vectors), labels, ranks(60), [3, 0, 15, 7], "proportional")
        assert np.bincount(labels[chosen], minlength=4).tolist() == [3, 0, 15, 7]


def test_each_cluster_has_its_share() -> None:
    vectors, clusters = around(0, 1, rows=50), np.repeat([0, 1], [90, 10]).astype(np.int32)
    labels = np.zeros(100, dtype=np.int32)
    shares = {}
    for rule in ("proportional", "equal"):
        chosen = select("cluster", vectors, clusters, labels, ranks(100), [20], rule)
        shares[rule] = np.bincount(clusters[chosen]).tolist()
    assert shares == {"proportional": [18, 2], "equal": [10, 10]}


def test_typical_words_are_those_of_the_cluster_and_not_those_of_all() -> None:
    texts = ["How do I reset my PIN?", "reset the pin, please", "how do I pay my bill", "pay the bill!"] * 5
    found = typical_words(texts, [0, 0, 1, 1] * 5)
    assert found[0][:2] == ["pin", "reset"]
    assert found[1][:2] == ["bill", "pay"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Bagaimana cara (re)set PIN?", ["bagaimana", "cara", "re)set", "pin"]),
        ("Mail [EMAIL], order {{Order Number}}!", ["mail", "[email]", "order", "order", "number"]),
        ("कार्ड कहाँ है", ["कार्ड", "कहाँ", "है"]),
        ("我的卡在哪里", ["我的", "的卡", "卡在", "在哪", "哪里"]),
        ("42 ... 7x", ["7x"]),
        ("", []),
    ],
)
def test_words_of_any_language(text: str, expected: list[str]) -> None:
    assert list(words(text)) == expected


def choice(chosen: list[int], vectors: Vectors) -> Choice:
    rows = len(vectors)
    marked = np.isin(np.arange(rows), chosen)
    return Choice(vectors, one_cluster(vectors), ranks(rows), marked, np.argsort(ranks(rows)))


def test_coverage_is_nearer_where_every_group_has_a_row_and_farther_where_one_has_none() -> None:
    vectors = around(0, 1, 2, 3, rows=50, width=0.02)
    good = findings.coverage(choice([0, 50, 100, 150], vectors), seed=1)
    bad = findings.coverage(choice([0, 1, 2, 3], vectors), seed=1)
    assert good is not None
    assert bad is not None
    assert good["chosen"]["mean"] < 0.05 < good["random"]["mean"]
    assert bad["chosen"]["mean"] > 0.5
    assert findings.coverage(choice([], vectors), seed=1) is None


def test_a_chosen_row_is_at_distance_zero_from_itself() -> None:
    vectors = around(0, 1, rows=20)
    found = findings.coverage(choice(list(range(40)), vectors), seed=1)
    assert found is not None
    assert found["chosen"] == found["random"] == {"mean": 0.0, "p95": 0.0}


def test_the_points_are_few_and_show_chosen_and_other_rows() -> None:
    vectors = around(0, 1, rows=2000)
    found = findings.points(choice(list(range(0, 4000, 5)), vectors))
    assert len(found) == 1500
    assert sum(point[3] for point in found) == 500
    assert findings.points(choice([0], around(0, rows=2))) == []


def test_the_findings_are_cut_and_hold_nothing_of_silent_rows() -> None:
    vectors = np.concatenate([around(0, rows=9), np.zeros((1, 8), dtype=np.float32)])
    made = choice([0, 1], vectors)
    texts = [f"row {at} " + "long " * 40 if at < 9 else "silent" for at in made.fitted]
    found = findings.findings(made, Elbow(1), vectors[:1], texts, seed=1)
    (cluster,) = found["clusters"]
    assert (cluster["size"], cluster["chosen"], found["silent_rows"]) == (9, 2, 1)
    assert len(cluster["examples"]) == 2
    assert all(len(example) <= 80 and "silent" not in example for example in cluster["examples"])
