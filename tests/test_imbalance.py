"""Imbalance: how evenly values are spread, and where that will hurt."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from resep.stages.prepare.imbalance import imbalance, spread

COUNTS = st.dictionaries(st.text(max_size=3), st.integers(1, 500), min_size=2, max_size=9)


@given(COUNTS)
def test_evenness_lies_between_0_and_1_and_is_1_for_equal_shares(counts: dict[str, int]) -> None:
    found = spread(Counter(counts))
    assert 0 <= found["evenness"] <= 1
    assert found["ratio"] >= 1
    assert spread(Counter(dict.fromkeys(counts, 7)))["evenness"] == 1


def test_one_value_has_no_evenness_and_nothing_has_no_entropy() -> None:
    assert spread(Counter(a=5)) == {
        "rows": 5, "values": 1, "counts": {"a": 5}, "entropy_bits": 0.0, "evenness": None, "ratio": None
    }  # fmt: skip
    assert spread(Counter())["rows"] == 0
    assert spread(Counter(a=0, b=2))["counts"] == {"b": 2}


def test_fields_that_sort_nothing_are_left_out() -> None:
    before = {
        "id": Counter({str(n): 1 for n in range(50)}),
        "many": Counter({str(n): 3 for n in range(201)}),
        "one": Counter(a=9),
        "kind": Counter(a=8, b=2),
    }
    assert [entry["field"] for entry in imbalance(before, {})] == ["kind"]


def test_an_even_field_is_not_warned_about() -> None:
    kinds = Counter(a=40, b=30)
    (entry,) = imbalance({"kind": kinds}, {"kind": {"train": kinds, "test": Counter(a=4)}}, ["kind"])
    assert entry["warnings"] == []
    assert entry["splits"]["train"]["entropy_bits"] == 0.9852


def test_a_large_ratio_hurts_only_where_values_are_compared() -> None:
    kinds = Counter(common=500, rare=6)
    counts = {"kind": kinds}, {"kind": {"train": kinds}}
    assert imbalance(*counts)[0]["warnings"] == []
    (warning,) = imbalance(*counts, ["kind"])[0]["warnings"]
    assert warning == (
        "'kind' is very uneven in training: 'common' has 500 rows and 'rare' 6 (83 to 1), so the rare values are "
        "learnt least; the step balance or augment can aim at them"
    )


def test_values_with_few_or_no_training_rows_are_told() -> None:
    before = Counter(a=50, b=4, c=8)
    splits = {"train": Counter(a=40, b=3), "test": Counter(a=5, b=1, c=8)}
    (entry,) = imbalance({"kind": before}, {"kind": splits})
    assert entry["warnings"] == [
        "1 of 2 values of 'kind' has fewer than 5 training rows: 'b'",
        "1 of 3 values of 'kind' in the test rows has no training row at all: 'c'",
    ]


def test_a_field_that_no_row_kept_still_has_its_entry() -> None:
    (entry,) = imbalance({"kind": Counter(a=5, b=5)}, {})
    assert entry["splits"] == {}
    assert entry["warnings"] == []
