"""The step `balance`: rare and frequent values made more even, by rank and never by chance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resep import Row, plugins
from resep.errors import ResepError
from resep.records import Origin

STEP = plugins.open_plugin(plugins.find("preprocessing", "balance"))
COUNTS = st.lists(st.integers(1, 40), min_size=1, max_size=6)


def rows(counts: Sequence[int]) -> list[Row]:
    labels = [chr(97 + label) for label, count in enumerate(counts) for _ in range(count)]
    return [Row(f"r{at}", {"prompt": "p", "category": c}, Origin("f", at + 1)) for at, c in enumerate(labels)]


def balanced(given_: Sequence[Row], **options: Any) -> tuple[list[Row], dict[str, Any]]:
    """What goes on and what was found; every row must have come back, kept or dropped."""
    out: list[Row] = []
    steps = STEP.process_rows(given_, by="category", **options)
    while True:
        try:
            out.append(next(steps))
        except StopIteration as end:
            assert [row.id for row in out if row.parent is None] == [row.id for row in given_]
            return [row for row in out if not row.dropped], end.value


def counts_of(found: Sequence[Row]) -> Counter[str]:
    return Counter(row.fields["category"] for row in found)


@given(COUNTS, st.floats(1, 9))
def test_cap_leaves_no_value_more_than_the_ratio(counts: list[int], ratio: float) -> None:
    kept = counts_of(balanced(rows(counts), max_ratio=ratio)[0])
    assert max(kept.values()) <= ratio * min(counts)
    assert min(kept.values()) == min(counts)


@given(COUNTS, st.floats(1, 9))
def test_oversample_drops_nothing_and_leaves_no_value_below_the_ratio(counts: list[int], ratio: float) -> None:
    given_ = rows(counts)
    kept, _ = balanced(given_, strategy="oversample", max_ratio=ratio)
    assert {row.id for row in given_} <= {row.id for row in kept}
    assert min(counts_of(kept).values()) * ratio >= max(counts)


@given(COUNTS)
def test_sqrt_keeps_the_number_of_rows(counts: list[int]) -> None:
    kept, found = balanced(rows(counts), strategy="sqrt")
    assert len(kept) == sum(counts)
    assert counts_of(kept) == Counter(found["after"])


def test_sqrt_follows_the_square_roots() -> None:
    assert counts_of(balanced(rows([900, 100]), strategy="sqrt")[0]) == {"a": 750, "b": 250}


@given(COUNTS, st.sampled_from(["cap", "oversample", "sqrt"]))
def test_rows_of_one_value_stand_equally_often_but_for_one(counts: list[int], strategy: str) -> None:
    kept, _ = balanced(rows(counts), strategy=strategy)
    assert len({row.id for row in kept}) == len(kept)
    for label in counts_of(rows(counts)):
        often = Counter(row.parent or row.id for row in rows(counts) if row.fields["category"] == label)
        copies = Counter(row.parent or row.id for row in kept if row.fields["category"] == label)
        times = [copies[row] for row in often]
        assert max(times) - min(times) <= 1


def test_a_copy_names_its_parent_and_says_the_same() -> None:
    kept, _ = balanced(rows([6, 1]), strategy="oversample", max_ratio=2)
    copies = [row for row in kept if row.parent]
    assert [(row.id, row.parent) for row in copies] == [("r6~2", "r6"), ("r6~3", "r6")]
    assert copies[0].fields == kept[6].fields


def test_a_dropped_row_says_by_which_limit() -> None:
    out = list(STEP.process_rows(rows([9, 1]), by="category", max_ratio=2))
    assert Counter(row.dropped for row in out) == {None: 3, "beyond balance.max_ratio": 7}
    out = list(STEP.process_rows(rows([9, 1]), by="category", target=4))
    assert Counter(row.dropped for row in out) == {None: 5, "beyond balance.target": 5}


def test_rows_that_are_added_leave_the_choice_as_it_was() -> None:
    first = {row.id for row in balanced(rows([50, 5]), target=10)[0]}
    more = [*rows([50, 5]), Row("new", {"category": "b"}, Origin("f", 99))]
    assert first <= {row.id for row in balanced(more, target=10)[0]}


def test_rows_without_a_value_are_left_alone() -> None:
    odd = [Row("x", {"prompt": "p"}, Origin("f", 1)), Row("y", {"category": None}, Origin("f", 2))]
    kept, found = balanced([*rows([9, 1]), *odd], max_ratio=1)
    assert [row.id for row in kept][-2:] == ["x", "y"]
    assert found["before"] == {"a": 9, "b": 1}


def test_what_hurts_is_told() -> None:
    assert "raise max_ratio" in balanced(rows([90, 1]))[1]["warnings"][0]
    assert "by heart" in balanced(rows([90, 1]), strategy="oversample", max_ratio=1)[1]["warnings"][0]
    assert "no training row has a value" in balanced([Row("x", {}, Origin("f", 1))])[1]["warnings"][0]
    assert balanced(rows([9, 8]))[1]["warnings"] == []


def test_the_findings_say_before_and_after() -> None:
    assert balanced(rows([9, 1]), max_ratio=2)[1] == {
        "by": "category",
        "strategy": "cap",
        "values": 2,
        "before": {"a": 9, "b": 1},
        "after": {"a": 2, "b": 1},
        "ratio_before": 9.0,
        "ratio_after": 2.0,
        "warnings": [
            "balance keeps 3 of 10 training rows, because 'category' is 'b' in only 1 of them; raise max_ratio, "
            "set target, or use oversample or sqrt"
        ],
    }


def test_options_that_make_no_sense_are_refused_when_it_runs() -> None:
    with pytest.raises(ResepError, match=r"preprocessing\.balance\.by: name the field"):
        list(STEP.process_rows(rows([1])))
