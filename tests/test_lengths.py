"""How long rows are: quantiles, bins, and what is padding, from how many rows there are of each length."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resep.stages.tokenise.lengths import (
    EDGES,
    PACKED_ROWS,
    histogram,
    packed_padding,
    padding,
    quantile,
    quantiles,
    rows_above,
    suggested_length,
)

LENGTHS = st.lists(st.integers(1, 5000), min_size=1, max_size=80)


@given(LENGTHS, st.floats(0.01, 1))
def test_a_quantile_is_the_smallest_length_that_so_many_rows_do_not_exceed(lengths: list[int], share: float) -> None:
    length = quantile(Counter(lengths), share)
    assert length in lengths
    assert sum(each <= length for each in lengths) >= share * len(lengths) - 1e-6
    assert sum(each < length for each in lengths) < share * len(lengths)


def test_quantiles_of_a_hundred_rows_are_their_places() -> None:
    assert quantiles(Counter(range(1, 101))) == {"50": 50, "90": 90, "95": 95, "99": 99, "max": 100}
    assert quantiles({}) == {}


@given(LENGTHS)
def test_every_row_is_in_the_bin_that_ends_next_above_it(lengths: list[int]) -> None:
    bins = dict(histogram(Counter(lengths)))
    assert sum(bins.values()) == len(lengths)
    for upper, rows in bins.items():
        lower = max((edge for edge in EDGES if edge < upper), default=0)
        assert rows == sum(lower < length <= upper for length in lengths)


def test_bins_are_the_same_for_all_data_and_can_be_read() -> None:
    assert list(EDGES[:8]) == [16, 24, 32, 48, 64, 96, 128, 192]
    assert histogram({20: 3, 100: 1}) == [(24, 3), (32, 0), (48, 0), (64, 0), (96, 0), (128, 1)]
    assert histogram({}) == []
    assert histogram({10_000_000: 2}) == [(EDGES[-1], 2)]


def test_a_suggested_length_holds_the_share_and_is_round() -> None:
    counts = Counter({100: 99, 900: 1})
    assert (suggested_length(counts, 0.99), suggested_length(counts, 1)) == (128, 960)
    assert rows_above(counts, 128) == 1


@given(st.lists(st.integers(1, 40), min_size=1, max_size=6), st.integers(1, 4))
def test_padding_is_what_drawing_every_batch_would_give(lengths: list[int], rows: int) -> None:
    """All ways to draw so many rows, with repetition, which many rows come near to."""
    drawn = [()]
    for _ in range(rows):
        drawn = [(*batch, length) for batch in drawn for length in lengths]  # type: ignore[misc]
    longest = sum(max(batch) for batch in drawn) / len(drawn)
    expected = 1 - sum(lengths) / len(lengths) / longest
    assert padding(Counter(lengths), rows) == pytest.approx(expected, abs=1e-9)


def test_rows_of_one_length_and_single_rows_need_no_padding() -> None:
    assert padding({70: 5}, 8) == pytest.approx(0)
    assert padding({70: 5, 10: 3}, 1) == pytest.approx(0)
    assert padding({}, 8) == 0


@given(LENGTHS, st.integers(100, 6000))
def test_packs_hold_every_token_and_no_two_of_them_would_fit_into_one(lengths: list[int], limit: int) -> None:
    share = packed_padding(Counter(lengths), limit)
    tokens = sum(min(length, limit) for length in lengths)
    packs = round(tokens / (1 - share) / limit)
    assert tokens <= packs * limit
    assert packs == 1 or tokens > packs * limit / 2


def test_many_rows_are_packed_by_a_sample_of_them() -> None:
    drawn = random.Random(7)
    lengths = [drawn.randint(10, 700) for _ in range(5 * PACKED_ROWS)]
    some = packed_padding(Counter(lengths), 1024)
    assert some == pytest.approx(packed_padding(Counter(lengths[:PACKED_ROWS]), 1024), abs=0.01)
    assert packed_padding({}, 1024) == 0
