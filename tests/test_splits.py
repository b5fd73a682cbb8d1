"""Sharing rows out: where a row falls, what stays when rows come, what a class can count on, what limits leave."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resep.errors import ResepError
from resep.splits import BEYOND_LIMIT, LEFT_OUT, SPLITS, TEST, TRAIN, UNTESTABLE, VALIDATION
from resep.splits.columns import prompts_of
from resep.splits.keys import position
from resep.splits.moments import moment
from resep.splits.place import Columns, Placement, SplitRule, place
from resep.splits.rule import ranges_of

FRACTIONS = {"train": 0.7, "validation": 0.1, "test": 0.2}
HASH = SplitRule(FRACTIONS)
COVER = SplitRule(FRACTIONS, stratify_by="kind")
EXACT = SplitRule(FRACTIONS, stratify_by="kind", stratify="exact")
TIME = SplitRule(FRACTIONS, by="time")
PROMPTS = st.lists(st.text(max_size=6), max_size=40)
CLASSED = st.lists(st.tuples(st.text(max_size=3), st.sampled_from("abc")), max_size=60)


def columns(
    prompts: Sequence[str],
    classes: Sequence[str] | None = None,
    times: Sequence[object] | None = None,
    given: Sequence[int] | None = None,
    asking: Sequence[bool] | None = None,
) -> Columns:
    names = sorted(set(classes or ()), reverse=True)  # codes are those of first sight: their order says nothing
    return Columns(
        np.array([position(prompt, "1") for prompt in prompts], dtype=np.float64),
        None if classes is None else np.array([names.index(each) for each in classes], dtype=np.int32),
        names,
        None if times is None else np.array([moment(time) for time in times], dtype=np.int64),
        None if given is None else np.array(given, dtype=np.int8),
        None if asking is None else np.array(asking, dtype=np.bool_),
    )


def splits(placement: Placement) -> list[str | None]:
    return [SPLITS[code] if code >= 0 else None for code in placement.codes.tolist()]


def sides(prompts: Sequence[str], rule: SplitRule = HASH, **further: Sequence[object]) -> dict[str, str | None]:
    return dict(zip(prompts, splits(place(columns(prompts, **further), rule)), strict=True))  # type: ignore[arg-type]


# What decides by its hash.


@given(PROMPTS, PROMPTS, st.randoms())
def test_added_and_shuffled_rows_move_no_row(old: list[str], new: list[str], random: object) -> None:
    before = sides(old)
    mixed = [*old, *new]
    random.shuffle(mixed)  # type: ignore[attr-defined]
    after = sides(mixed)
    assert {prompt: after[prompt] for prompt in old} == before


@given(CLASSED, st.sampled_from([HASH, COVER, EXACT]))
def test_all_answers_to_one_prompt_stay_together(rows: list[tuple[str, str]], rule: SplitRule) -> None:
    prompts, classes = [prompt for prompt, _ in rows], [kind for _, kind in rows]
    placed = splits(place(columns(prompts, classes), rule))
    assert len(set(zip(prompts, placed, strict=True))) == len(set(prompts))


def test_the_shares_are_those_asked_for() -> None:
    counts = Counter(sides([f"prompt {number}" for number in range(20_000)]).values())
    assert {split: round(counts[split] / 20_000, 2) for split in SPLITS} == FRACTIONS


def test_another_salt_gives_another_split() -> None:
    prompts = [f"prompt {number}" for number in range(100)]
    other = Columns(np.array([position(prompt, "2") for prompt in prompts]))
    assert sides(prompts) != dict(zip(prompts, splits(place(other, HASH)), strict=True))


def test_a_split_that_is_not_asked_for_gets_nothing() -> None:
    rule = SplitRule({"train": 0.9, "validation": 0, "test": 0.1})
    assert set(sides([str(number) for number in range(200)], rule).values()) == {"train", "test"}


def test_no_rows_are_no_rows() -> None:
    for rule in (HASH, COVER, EXACT):
        assert place(columns([], []), rule).codes.tolist() == []
    assert place(columns([], times=[]), TIME).codes.tolist() == []
    assert place(columns([], given=[]), HASH).codes.tolist() == []


@dataclass(frozen=True)
class Case:
    """Rows and rules made from numbers alone, the same on every machine."""

    columns: Columns
    rule: SplitRule


def cases() -> Iterator[Case]:
    fractions: Sequence[Mapping[str, float]] = (
        {"train": 0.8, "validation": 0.1, "test": 0.1},
        {"train": 0.9, "validation": 0, "test": 0.1},
        {"train": 0.98, "validation": 0.01, "test": 0.01},
        {"train": 1.0},
    )
    limits: Sequence[Mapping[str, int]] = ({}, {"train": 5}, {"train": 20, "validation": 1, "test": 4})
    for number in range(240):
        count = (0, 1, 2, 3, 7, 40, 300)[number % 7]
        draws = [[position(f"{number}/{row}", what) for what in ("prompt", "class")] for row in range(count)]
        prompts = [str(int(draw[0] * count * (number % 3 + 1) / 3)) for draw in draws]
        classes = [f"class {int(draw[1] ** 2 * (1 + number % 23))}" for draw in draws]
        rule = SplitRule(fractions[number % 4], stratify_by="kind", max_rows=limits[number % 3])
        yield Case(columns(prompts, classes if number % 5 else None), rule)


def test_recipes_of_the_first_version_keep_their_splits() -> None:
    """The digest is that of the implementation which went row by row; published runs were split by it."""
    told = [
        f"{''.join('tves'[code] for code in placed.codes.tolist())} {placed.moved_prompts} {placed.small_strata}"
        for placed in (place(case.columns, case.rule) for case in cases())
    ]
    assert sha256("\n".join(told).encode()).hexdigest()[:16] == "0a4a9bfe84ecf9b9"


# What classes can count on.


@given(st.lists(st.integers(0, 10_000), min_size=3, max_size=60, unique=True), st.integers(1, 4))
def test_every_class_with_enough_prompts_is_in_every_split(numbers: list[int], classes: int) -> None:
    kinds = [f"class {number % classes}" for number in numbers]
    for rule in (COVER, EXACT):
        placement = place(columns([str(number) for number in numbers], kinds), rule)
        seen = Counter(zip(kinds, splits(placement), strict=True))
        for kind, prompts in Counter(kinds).items():
            if prompts >= len(SPLITS):
                assert all(seen[kind, split] for split in SPLITS)
            else:
                assert kind in placement.small_strata


@given(PROMPTS, st.lists(st.sampled_from("abc"), min_size=40, max_size=40))
def test_classes_move_only_the_prompts_that_they_lack(prompts: list[str], classes: list[str]) -> None:
    unique = list(dict.fromkeys(prompts))
    kinds = classes[: len(unique)]
    plain, stratified = place(columns(unique, kinds), HASH), place(columns(unique, kinds), COVER)
    hashed = place(columns(unique), HASH)
    assert plain.codes.tolist() == stratified.codes.tolist()
    assert (hashed.codes != stratified.codes).sum() == stratified.moved_prompts <= 2 * len(set(kinds))


@given(st.integers(3, 400), st.integers(1, 5))
def test_an_exact_share_is_met_to_within_one_row_per_class(count: int, classes: int) -> None:
    kinds = [f"class {number % classes}" for number in range(count)]
    placement = place(columns([f"p{number}" for number in range(count)], kinds), EXACT)
    seen, sizes = Counter(zip(kinds, placement.codes.tolist(), strict=True)), Counter(kinds)
    off = {
        (kind, split): abs(seen[kind, code] - size * FRACTIONS[split])
        for kind, size in sizes.items()
        for code, split in enumerate(SPLITS)
    }
    # A class that had none in some split was given one, which another of its splits lacks now.
    assert sum(value >= 1 for value in off.values()) <= 2 * placement.moved_prompts
    assert placement.moved_prompts or max(off.values()) < 1


@given(st.integers(1, 200), st.integers(1, 40))
def test_rows_added_to_a_class_move_few_of_its_rows_and_none_of_another(count: int, added: int) -> None:
    prompts = [f"p{number}" for number in range(2 * count)]
    kinds = ["a", "b"] * count
    rule = SplitRule({"train": 0.8, "test": 0.2}, stratify_by="kind", stratify="exact")
    before = place(columns(prompts, kinds), rule)
    after = place(columns([*prompts, *(f"n{number}" for number in range(added))], [*kinds, *"a" * added]), rule)
    moved = [kinds[at] for at in np.flatnonzero(before.codes != after.codes[: 2 * count])]
    assert "b" not in moved
    assert len(moved) <= added + 1 + before.moved_prompts + after.moved_prompts


def test_exact_shares_are_not_all_rounded_one_way() -> None:
    """45 % of 10 rows are 4.5: rounded alike in 77 classes they would be 308 or 385 rows, and are to be 346.5."""
    kinds = [f"class {number % 77}" for number in range(770)]
    rule = SplitRule({"train": 0.55, "test": 0.45}, stratify="exact")
    codes = place(columns([f"p{number}" for number in range(770)], kinds), rule).codes
    assert abs(int((codes == TEST).sum()) - 346.5) < 15


def test_a_prompt_under_several_classes_counts_for_the_first_of_them_and_a_group_does_too() -> None:
    found = columns(["p", "p", "p", "q", "r", "s"], ["b", "a", "c", "b", "b", "b"])
    placement = place(found, COVER)
    assert len(set(splits(placement)[:3])) == 1
    assert placement.small_strata == ("a",)
    assert {(each.name, each.why) for each in placement.uncovered if each.name == "c"} == {
        ("c", "their prompts count for another class")
    }


def test_classes_without_a_row_in_some_split_are_listed_with_their_rows_and_the_reason() -> None:
    prompts = [f"p{number}" for number in range(50)]
    kinds = ["rare", "rare", *["common"] * 48]
    placement = place(columns(prompts, kinds), COVER)
    lacking = [SPLITS[code] for code in range(3) if code not in placement.codes[:2].tolist()]
    assert lacking
    assert [(each.name, each.split, each.rows, each.why) for each in placement.uncovered] == [
        ("rare", split, 2, "fewer prompts than splits") for split in lacking
    ]
    assert placement.warnings == ("1 value of 'kind' has too few prompts to be in every split: 'rare' (2 rows)",)


def test_a_limit_that_leaves_no_room_for_a_class_says_so() -> None:
    kinds = [f"class {number % 12:02}" for number in range(240)]
    rule = SplitRule(FRACTIONS, stratify_by="kind", max_rows={"test": 10})
    placement = place(columns([f"p{number}" for number in range(240)], kinds), rule)
    assert len(placement.uncovered) == 2
    assert {(each.split, each.rows) for each in placement.uncovered} == {("test", 20)}
    (warning,) = placement.warnings
    assert warning.startswith("2 values of 'kind' have no test rows (split.max_rows.test leaves no room): 'class ")


# At most so many rows.


def test_a_limit_keeps_the_same_rows_and_one_of_each_class_first() -> None:
    prompts = [str(number) for number in range(1000)]
    kinds = ["rare" if prompt == "7" else "common" for prompt in prompts]
    ten, twenty = (
        place(columns(prompts, kinds), SplitRule({"train": 1.0}, stratify_by="kind", max_rows={"train": most}))
        for most in (10, 20)
    )
    kept = np.flatnonzero(ten.codes == TRAIN).tolist()
    assert len(kept) == 10
    assert 7 in kept
    assert set(kept) <= set(np.flatnonzero(twenty.codes == TRAIN).tolist())
    assert Counter(ten.codes.tolist())[BEYOND_LIMIT] == 990
    assert LEFT_OUT[BEYOND_LIMIT] == "beyond split.max_rows"


@given(PROMPTS, st.integers(1, 5))
def test_no_split_has_more_rows_than_its_limit(prompts: list[str], most: int) -> None:
    free = Counter(splits(place(columns(prompts), HASH)))
    limited = Counter(splits(place(columns(prompts), SplitRule(FRACTIONS, max_rows={"test": most}))))
    assert limited["test"] == min(free["test"], most)
    assert limited["train"] == free["train"]


# The newest rows are the test rows.


@given(st.lists(st.tuples(st.text(max_size=2), st.integers(0, 30)), min_size=1, max_size=60))
def test_nothing_is_trained_on_that_is_as_new_as_the_test(rows: list[tuple[str, int]]) -> None:
    prompts, times = [prompt for prompt, _ in rows], [time for _, time in rows]
    prompts, times = [*prompts, "oldest", "newest"], [*times, -1, 31]
    try:
        codes = place(columns(prompts, times=times), TIME).codes
    except ResepError:  # too many of one time: the next test but two
        return
    every = list(zip(prompts, times, strict=True))
    newest = {prompt: max(t for p, t in every if p == prompt) for prompt in prompts}
    of = {split: [newest[p] for p, code in zip(prompts, codes, strict=True) if code == split] for split in range(3)}
    assert max(of[TRAIN]) < min(of[TEST])
    assert max(of[TRAIN], default=-1) < min(of[VALIDATION], default=31)
    assert max(of[VALIDATION], default=-1) < min(of[TEST])
    assert len(set(zip(prompts, codes.tolist(), strict=True))) == len(set(prompts))


def test_the_newest_rows_are_tested_on_and_the_share_is_that_asked_for() -> None:
    times = [f"2024-01-{1 + number // 24:02}T{number % 24:02}:00:00Z" for number in range(240)]
    placement = place(columns([f"p{number}" for number in range(240)], times=times), TIME)
    assert placement.codes.tolist() == [TRAIN] * 168 + [VALIDATION] * 24 + [TEST] * 48
    assert placement.spans == {
        "train": ("2024-01-01", "2024-01-07T23:00:00Z"),
        "validation": ("2024-01-08", "2024-01-08T23:00:00Z"),
        "test": ("2024-01-09", "2024-01-10T23:00:00Z"),
    }
    assert placement.warnings == ()


@given(st.integers(40, 200), st.integers(1, 40))
def test_newer_rows_move_only_rows_near_the_borders_and_only_to_an_older_side(count: int, added: int) -> None:
    prompts = [f"p{number}" for number in range(count + added)]
    before = place(columns(prompts[:count], times=range(count)), TIME).codes
    after = place(columns(prompts, times=range(count + added)), TIME).codes[:count]
    assert (after <= before).all()
    assert (after != before).sum() <= 2 * (added + 1)


def test_many_rows_of_one_time_stay_together_and_shares_far_off_are_told() -> None:
    times = [2020] * 50 + [2021] * 20 + [2022] * 30
    placement = place(columns([f"p{number}" for number in range(100)], times=times), TIME)
    assert placement.codes.tolist() == [TRAIN] * 70 + [TEST] * 30
    assert placement.warnings == (
        "validation has 0% of the rows instead of 10% and test has 30% of the rows instead of 20%: rows of one time, "
        "and answers to one prompt, stay together",
    )


def test_rows_that_all_have_one_time_cannot_be_split_by_it() -> None:
    with pytest.raises(ResepError, match=r"leaves no train and no test rows: too many of the 9 rows have one time"):
        place(
            columns([f"p{number}" for number in range(9)], times=["2024-05-01"] * 9),
            SplitRule({"train": 0.4, "validation": 0.3, "test": 0.3}, by="time"),
        )


def test_dates_and_numbers_have_no_common_order() -> None:
    found = columns(["p", "q", "r"], times=[1700000000, "2024-05-01", 3])
    with pytest.raises(ResepError, match=r"dates in some rows \(row 1\) and numbers in others \(row 0\)"):
        place(found, TIME)


# Splits that the data brings along.


def test_given_splits_stay_as_they_are() -> None:
    given_codes = [TEST, TRAIN, VALIDATION, TRAIN]
    placement = place(columns(["p", "q", "p", "q"], given=given_codes), SplitRule({}, by="split"))
    assert placement.codes.tolist() == given_codes


@given(st.lists(st.tuples(st.text(max_size=3), st.booleans()), max_size=60))
def test_of_given_training_rows_a_share_becomes_validation_rows_and_test_rows_stay(
    rows: list[tuple[str, bool]],
) -> None:
    prompts = [prompt for prompt, _ in rows]
    codes = [TEST if is_test else TRAIN for _, is_test in rows]
    placed = place(columns(prompts, given=codes), SplitRule({"validation": 0.3})).codes.tolist()
    hashed = place(columns(prompts), SplitRule({"train": 0.7, "validation": 0.3})).codes.tolist()
    assert placed == [TEST if code == TEST else other for code, other in zip(codes, hashed, strict=True)]


def test_given_validation_rows_make_a_share_needless_and_this_is_told() -> None:
    placement = place(columns(["p", "q", "r"], given=[TRAIN, VALIDATION, TEST]), SplitRule({"validation": 0.5}))
    assert placement.codes.tolist() == [TRAIN, VALIDATION, TEST]
    assert placement.warnings == (
        "split.fractions.validation is without effect: the data brings validation rows along",
    )


def test_a_class_that_the_given_test_rows_lack_is_listed() -> None:
    found = columns(["p", "q", "r"], ["a", "b", "a"], given=[TRAIN, TRAIN, TEST])
    placement = place(found, SplitRule({}, by="split", stratify_by="kind"))
    assert [(each.name, each.split, each.why) for each in placement.uncovered] == [
        ("b", "test", "none is given as test")
    ]


# Rows that ask nothing.


@given(st.lists(st.tuples(st.text(max_size=2), st.sampled_from("ab"), st.booleans()), max_size=40))
def test_a_row_that_asks_nothing_is_never_tested_on(rows: list[tuple[str, str, bool]]) -> None:
    prompts, kinds, asking = ([row[at] for row in rows] for at in range(3))
    for rule, classes in ((HASH, None), (COVER, kinds), (EXACT, kinds)):
        found = columns(prompts, classes, asking=asking)  # type: ignore[arg-type]
        codes = place(found, rule).codes.tolist()
        assert not any(code == TEST and not asks for code, asks in zip(codes, asking, strict=True))
        assert not any(code < 0 for code in codes)
        assert len(set(zip(prompts, codes, strict=True))) == len(set(prompts))


def test_among_the_newest_and_the_given_test_rows_it_is_left_out_instead_of_trained_on() -> None:
    prompts, asking = [f"p{number}" for number in range(10)], [True] * 9 + [False]
    newest = place(columns(prompts, times=range(10), asking=asking), TIME)
    given_test = place(columns(prompts, given=[TRAIN] * 8 + [TEST] * 2, asking=asking), SplitRule({}, by="split"))
    for placement in (newest, given_test):
        assert placement.codes.tolist()[-2:] == [TEST, UNTESTABLE]
        assert placement.warnings == ("1 row of the test split asks nothing and is left out",)
    assert LEFT_OUT[UNTESTABLE] == "a test row that asks nothing"


def test_the_ranges_follow_each_other_without_gaps() -> None:
    assert ranges_of({"test": 0.25, "train": 0.75}) == {TRAIN: (0.0, 0.75), TEST: (0.75, 1.0)}


def test_prompts_are_the_same_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    positions = np.random.default_rng(1).integers(0, 200, 500) / 200
    whole = prompts_of(Columns(positions))
    monkeypatch.setattr("resep.splits.columns._FEW", 10)
    parts = prompts_of(Columns(positions))
    assert parts.position.tolist() == whole.position.tolist()
    assert parts.of_row.tolist() == whole.of_row.tolist()
    assert parts.rows.tolist() == whole.rows.tolist()
