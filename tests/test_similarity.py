"""Signatures, and what is near by them: compared with likeness that is counted shingle by shingle."""

import csv
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from resep.similarity import signatures as signing
from resep.similarity.bands import bands
from resep.similarity.components import alone, join
from resep.similarity.nearest import NONE, nearest, sorted_bands
from resep.similarity.neighbours import near_pairs
from resep.similarity.normal import first_of_each, repeated
from resep.similarity.shingles import jaccard
from resep.similarity.signatures import WIDTH, are_near, likeness, signatures
from resep.splits.keys import normalised

BANKING = Path(__file__).parents[2] / "shared" / "data" / "banking77"
SIGNED = ["108ac2f8190017f4f9db", "e9b366fe010045840000", "8721708b06008fd814c6", "bf63f277000000000000"]
TEXTS = st.lists(st.text(max_size=200), min_size=1, max_size=8)
VERBS = ("reset", "change", "open", "close", "delete")
THINGS = ("password", "card", "address", "limit", "profile")
TEMPLATE = [
    f"how do i {verb} the {thing} of my {place} account on the {device}"
    for verb in VERBS
    for thing in THINGS
    for place in ("bank", "shop", "office")
    for device in ("phone", "tablet", "laptop")
]


def all_rows(signed: signing.Signatures) -> NDArray[np.intp]:
    return np.arange(len(signed))


def pairs(texts: Sequence[str], threshold: float) -> set[tuple[int, int]]:
    signed = signatures(texts)
    lower, higher = near_pairs(signed, all_rows(signed), threshold)
    assert (lower < higher).all()
    return set(zip(lower.tolist(), higher.tolist(), strict=True))


def true_pairs(texts: Sequence[str], threshold: float) -> set[tuple[int, int]]:
    """Every pair that shares so much of its runs of five characters, by comparing sets of texts."""
    sets = [{f" {text} "[at : at + 5] for at in range(len(text) - 2)} for text in texts]
    having: dict[str, list[int]] = {}
    found = set()
    for late, own in enumerate(sets):
        shared: dict[int, int] = {}
        for shingle in own:
            for early in having.setdefault(shingle, []):
                shared[early] = shared.get(early, 0) + 1
            having[shingle].append(late)
        found |= {(e, late) for e, n in shared.items() if n / (len(own) + len(sets[e]) - n) >= threshold}
    return found


@given(TEXTS)
def test_a_signature_does_not_depend_on_the_texts_that_are_signed_with_it(texts: list[str]) -> None:
    normal = [*map(normalised, texts)]
    alone = [signatures([text])[0].tobytes() for text in normal]
    assert [each.tobytes() for each in signatures(normal)] == alone
    assert all(len(each) == WIDTH for each in alone)


@given(st.text(alphabet="ab é本\U0001f642", max_size=300), st.integers(5, 40))
def test_a_long_text_is_signed_in_pieces_as_if_it_were_one(text: str, at_once: int) -> None:
    whole = signatures([text, "x"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(signing, "_AT_ONCE", at_once)
        cut = signatures([text, "x"])
    assert (cut[:, : signing.ORDERS] == whole[:, : signing.ORDERS]).all()


def test_a_signature_is_the_same_on_every_machine_and_next_year() -> None:
    signed = signatures(["how do i reset my password?", "", "日本語のテキスト", "x" * 500])
    assert [each[:4].tobytes().hex() + each[-256:-250].tobytes().hex() for each in signed] == SIGNED


@given(st.text(max_size=129))
def test_equal_texts_are_alike_and_always_found(text: str) -> None:
    normal = normalised(text)
    assert pairs([normal, "\0 another text that is not like it \0", normal], 1.0) == {(0, 2)}
    signed = signatures([normal])
    assert likeness(signed, signed)[0] == 1


@given(st.text(alphabet="abcde ", max_size=110), st.text(alphabet="abcde ", max_size=110))
def test_the_likeness_of_short_texts_is_counted(first: str, second: str) -> None:
    signed = signatures([normalised(first), normalised(second)])
    assert likeness(signed[:1], signed[1:])[0] == pytest.approx(
        jaccard(normalised(first), normalised(second)), abs=0.01
    )


@given(st.integers(0, 2**32), st.floats(0, 0.5))
def test_the_likeness_of_long_texts_is_estimated_to_within_its_error(seed: int, changed: float) -> None:
    draw = random.Random(seed)
    words = ["".join(draw.choices("abcdefghijklmnopqrstuvwxyz", k=7)) for _ in range(60)]
    other = [word[::-1] if draw.random() < changed else word for word in words]
    first, second = " ".join(words), " ".join(other)
    signed = signatures([first, second])
    assert likeness(signed[:1], signed[1:])[0] == pytest.approx(jaccard(first, second), abs=0.16)  # five deviations


@given(st.floats(0.5, 1), st.integers(0, 2**32))
def test_being_near_is_what_the_likeness_says(threshold: float, seed: int) -> None:
    draw = random.Random(seed)
    chosen = draw.sample(TEMPLATE, 20)
    signed = signatures(chosen)
    left, right = signed[:10], signed[10:]
    said, counted = are_near(left, right, threshold), likeness(left, right)
    close = np.abs(counted - threshold) < 0.13
    assert (said == (counted >= threshold))[close].all()
    assert (said == (counted >= threshold)).mean() > 0.8


def test_a_row_with_two_texts_is_as_alike_as_the_texts_that_are_least_alike() -> None:
    asked = signatures(["how do i reset my password", "how do i reset my password?"])
    answered = signatures(["open the settings", "call the bank"])
    rows = np.hstack([asked, answered])
    assert likeness(rows[:1], rows[1:])[0] == pytest.approx(jaccard("open the settings", "call the bank"), abs=0.01)
    assert not are_near(rows[:1], rows[1:], 0.5)[0]


@pytest.mark.parametrize("threshold", [0.5, 0.6, 0.7, 0.8, 0.9, 1.0])
def test_bands_find_a_pair_at_the_threshold(threshold: float) -> None:
    length, number = bands(threshold)
    assert 1 - (1 - threshold**length) ** number >= 0.999
    assert (number - 1) * length + 8 <= signing.ORDERS


@pytest.mark.parametrize("threshold", [0.6, 0.7, 0.8])
def test_pairs_are_those_of_a_comparison_of_all_with_all(threshold: float) -> None:
    draw = random.Random(1)
    words = ["".join(draw.choices("abcdefghijklmnopqrstuvwxyz", k=draw.randint(2, 9))) for _ in range(400)]
    texts = [" ".join(draw.choices(words, k=12)) for _ in range(150)]
    texts += [text.replace(draw.choice(text.split()), "zebra") for text in texts]
    found, true = pairs(texts, threshold), true_pairs(texts, threshold)
    assert len(true) > 50
    assert found == true


def test_components_do_not_depend_on_the_order_of_the_rows() -> None:
    shuffled = random.Random(2).sample(range(len(TEMPLATE)), len(TEMPLATE))

    def components(order: Sequence[int]) -> set[frozenset[int]]:
        signed = signatures([TEMPLATE[at] for at in order])
        together = alone(len(order))
        join(together, *near_pairs(signed, all_rows(signed), 0.8))
        return {frozenset(order[at] for at in np.flatnonzero(together == root)) for root in set(together.tolist())}

    found = components(range(len(TEMPLATE)))
    assert 5 < len(found) < len(TEMPLATE)
    assert components(shuffled) == found


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=60))
def test_joined_rows_are_those_that_a_walk_reaches(edges: list[tuple[int, int]]) -> None:
    together = alone(31)
    for start in (0, 30):  # in two goes, as bands come in
        part = np.array(edges[start : start + 30], dtype=np.intp).reshape(-1, 2)
        join(together, part[:, 0], part[:, 1])
    neighbours = {row: {row} for row in range(31)}
    for one, other in edges:
        merged = neighbours[one] | neighbours[other]
        for row in merged:
            neighbours[row] = merged
    assert together.tolist() == [min(neighbours[row]) for row in range(31)]


@pytest.mark.parametrize("threshold", [0.7, 0.9])
def test_a_template_with_thousands_of_rows_costs_no_square(threshold: float, monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []

    def counted(left: signing.Signatures, right: signing.Signatures, threshold: float) -> NDArray[np.bool_]:
        compared.append(len(left))
        return are_near(left, right, threshold)

    monkeypatch.setattr("resep.similarity.neighbours.are_near", counted)
    draw = random.Random(3)
    names = ["".join(draw.choices("abcdefghijklmnop", k=8)) for _ in range(5_000)]
    found = pairs(
        [f"how do i reset the password of the user {name} in the app of our bank" for name in names], threshold
    )
    assert sum(compared) < 120 * len(names)  # all pairs: 2,500 for each
    assert (len(found) > len(names)) == (threshold == 0.7)


def test_the_nearest_row_is_that_of_a_comparison_with_all() -> None:
    asked, among = TEMPLATE[::3], TEMPLATE[1::3]
    first, second = signatures(asked), signatures(among)
    found = nearest(first, all_rows(first), second, sorted_bands(second, all_rows(second), 0.7), 0.7)
    for text, row, alike in zip(asked, found.rows.tolist(), found.likeness.tolist(), strict=True):
        best = max(jaccard(text, other) for other in among)
        assert row == NONE if best < 0.7 else alike == pytest.approx(best, abs=0.01)
    assert (found.rows != NONE).any()


def test_nearest_without_rows_on_a_side() -> None:
    some, none = signatures(["a text"]), signatures([])
    assert nearest(some, all_rows(some), none, sorted_bands(none, all_rows(none), 0.8), 0.8).rows.tolist() == [NONE]
    assert not len(nearest(none, all_rows(none), some, sorted_bands(some, all_rows(some), 0.8), 0.8).rows)
    assert not len(near_pairs(none, all_rows(none), 0.8)[0])


@pytest.mark.skipif(not BANKING.is_dir(), reason="the real data lies beside the project, and here it does not")
def test_nearly_all_pairs_of_real_questions_are_found_and_nearly_none_else() -> None:
    with (BANKING / "train.csv").open(encoding="utf-8") as file:
        texts = list(dict.fromkeys(normalised(row["text"]) for row in csv.DictReader(file)))[:1200]
    found, true = pairs(texts, 0.7), true_pairs(texts, 0.7)
    assert len(true) > 50
    assert len(found & true) >= 0.97 * len(true)
    assert len(found & true) >= 0.97 * len(found)


def test_the_first_of_each_is_the_same_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(1)
    for digests in (draw.integers(0, 2**64, 500, np.uint64) >> np.uint64(57), draw.integers(0, 40, 500) / 40):
        whole = first_of_each(digests)
        with monkeypatch.context() as patch:
            patch.setattr("resep.similarity.normal._FEW", 10)
            assert first_of_each(digests).tolist() == whole.tolist()


@given(st.lists(st.sampled_from([b"first...", b"second..", b"third...", b"fourth..", b"another."]), max_size=40))
def test_a_repeated_row_names_the_first_of_its_kind(digests: list[bytes]) -> None:
    table = np.frombuffer(b"".join(digests), np.uint8).reshape(-1, 8)
    expected = [(at, digests.index(each)) for at, each in enumerate(digests) if each in digests[:at]]
    for few in (3, 2**16):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("resep.similarity.normal._FEW", few)
            again, first = repeated(table)
        assert list(zip(again.tolist(), first.tolist(), strict=True)) == expected
