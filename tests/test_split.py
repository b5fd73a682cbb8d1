"""The split: where a prompt falls, what stays when rows come, and what a class can count on."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from resep.records import Origin, Row
from resep.stages.prepare.split import SPLITS, place, position, split_key

FRACTIONS = {"train": 0.7, "validation": 0.1, "test": 0.2}
PROMPTS = st.lists(st.text(max_size=6), max_size=40)


def places(prompts: list[str], salt: str = "1") -> dict[str, str | None]:
    return dict(zip(prompts, place([position(prompt, salt) for prompt in prompts], FRACTIONS).splits, strict=True))


@given(PROMPTS, PROMPTS, st.randoms())
def test_added_and_shuffled_rows_move_no_row(old: list[str], new: list[str], random: object) -> None:
    before = places(old)
    mixed = [*old, *new]
    random.shuffle(mixed)  # type: ignore[attr-defined]
    after = places(mixed)
    assert {prompt: after[prompt] for prompt in old} == before


@given(st.lists(st.tuples(st.text(max_size=3), st.sampled_from("ab")), max_size=40), st.integers(1, 5))
def test_all_answers_to_one_prompt_stay_together(rows: list[tuple[str, str]], limit: int) -> None:
    positions = [position(prompt, "1") for prompt, _ in rows]
    splits = place(positions, FRACTIONS, [stratum for _, stratum in rows]).splits
    assert all(len({s for (p, _), s in zip(rows, splits, strict=True) if p == prompt}) == 1 for prompt, _ in rows)
    limited = place(positions, FRACTIONS, None, {"test": limit}).splits
    assert Counter(limited)["test"] <= limit


def test_the_shares_are_those_asked_for() -> None:
    counts = Counter(places([f"prompt {number}" for number in range(20_000)]).values())
    assert {split: round(counts[split] / 20_000, 2) for split in SPLITS} == FRACTIONS


def test_another_salt_gives_another_split() -> None:
    prompts = [f"prompt {number}" for number in range(100)]
    assert places(prompts, "1") != places(prompts, "2")


def test_the_place_of_a_prompt_is_the_same_on_every_machine() -> None:
    assert f"{position('how do i reset my password', '1'):.6f}" == "0.247964"


@given(st.lists(st.integers(0, 10_000), min_size=3, max_size=60, unique=True), st.integers(1, 4))
def test_every_class_with_enough_prompts_is_in_every_split(numbers: list[int], classes: int) -> None:
    strata = [f"class {number % classes}" for number in numbers]
    placement = place([position(str(number), "1") for number in numbers], FRACTIONS, strata)
    seen = Counter(zip(strata, placement.splits, strict=True))
    for stratum, prompts in Counter(strata).items():
        if prompts >= len(SPLITS):
            assert all(seen[stratum, split] for split in SPLITS)
        else:
            assert stratum in placement.small_strata


@given(PROMPTS, st.lists(st.sampled_from("abc"), min_size=40, max_size=40))
def test_classes_move_only_the_prompts_that_they_lack(prompts: list[str], classes: list[str]) -> None:
    unique = list(dict.fromkeys(prompts))
    positions = [position(prompt, "1") for prompt in unique]
    plain = place(positions, FRACTIONS).splits
    stratified = place(positions, FRACTIONS, classes[: len(unique)])
    moved = sum(a != b for a, b in zip(plain, stratified.splits, strict=True))
    assert moved == stratified.moved_prompts
    assert moved <= 2 * len(set(classes))


def test_a_limit_keeps_the_same_rows_and_one_of_each_class_first() -> None:
    numbers = [str(number) for number in range(1000)]
    positions = [position(number, "1") for number in numbers]
    strata = ["rare" if number == "7" else "common" for number in numbers]
    only_train = {"train": 1.0}
    ten = place(positions, only_train, strata, {"train": 10}).splits
    twenty = place(positions, only_train, strata, {"train": 20}).splits
    kept = {number for number, split in zip(numbers, ten, strict=True) if split}
    assert len(kept) == 10
    assert "7" in kept
    assert kept <= {number for number, split in zip(numbers, twenty, strict=True) if split}


def test_a_split_that_is_not_asked_for_gets_nothing() -> None:
    splits = place([position(str(n), "1") for n in range(200)], {"train": 0.9, "validation": 0, "test": 0.1}).splits
    assert set(splits) == {"train", "test"}


def row(**fields: object) -> Row:
    return Row("1", fields, Origin("d.jsonl", 1))


def test_the_key_of_a_row_is_its_prompt_without_capitals_and_spaces() -> None:
    assert split_key(row(prompt=" How\n DO i ", response="x")) == "how do i"


def test_the_key_of_a_conversation_is_what_the_user_says() -> None:
    turns = [("system", "Be kind"), ("user", "Hi"), ("assistant", "Hello"), ("user", "Why?"), ("assistant", "So")]
    messages = [{"role": role, "content": content} for role, content in turns]
    assert split_key(row(messages=messages)) == "hi why?"


def test_rows_can_be_grouped_by_a_field() -> None:
    assert split_key(row(prompt="p", response="r", customer="ACME"), "customer") == "acme"


def test_rows_without_a_group_do_not_make_one_together() -> None:
    assert split_key(row(prompt="p", response="r", customer=None), "customer") == "p"
