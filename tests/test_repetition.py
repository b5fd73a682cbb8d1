"""The evaluator `repetition`: phrases said again, and loops."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.scoring import ANY_TEXT, LIGHT, plugin, values

words = st.lists(st.sampled_from(["open", "the", "app", "tap"]), max_size=30)
distinct = st.lists(st.integers(0, 500), unique=True, min_size=1, max_size=30).map(lambda n: [f"w{i}" for i in n])


def repetition(text: str, n: int = 4) -> tuple[float | None, float | None, float | None]:
    found = values("repetition", text, n=n)
    return found["repeated_ngrams"], found["longest_loop"], found["ends_in_loop"]


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("", (0, 0, 0)),
        ("no, no, no", (0, 0, 0)),
        ("no " * 6, (2 / 3, 1, 1)),
        ("open it tap it open it tap it", (0.2, 0, 0)),
        ("a b c " * 3, (0.5, 1, 1)),
        ("a b c " * 3 + "done", (3 / 7, 0.9, 0)),
        ("first a b c a b c a b c a", (4 / 8, 10 / 11, 1)),
        ("1. tap it\n2. tap it\n3. tap it", (1 / 3, 1, 1)),
        ("ha" * 30, (1 - 2 / 57, 1, 1)),
        ("x" * 10, (0, 0, 0)),
    ],
)
def test_what_is_said_again(output: str, expected: tuple[float, float, float]) -> None:
    assert repetition(output) == pytest.approx(expected)


@given(distinct)
def test_nothing_new_is_repeated(said: list[str]) -> None:
    assert repetition(" ".join(said), n=1) == (0, 0, 0)


@given(distinct, st.integers(3, 6), distinct)
def test_a_loop_is_found_where_it_stands(unit: list[str], times: int, before: list[str]) -> None:
    """The words before the loop are others than those in it."""
    unit, said = unit[:8], [f"b{word}" for word in before]
    if len(unit) * times < 6:
        return
    text = " ".join([*said, *unit * times])
    assert repetition(text)[1:] == pytest.approx((len(unit) * times / (len(said) + len(unit) * times), 1))
    assert repetition(f"{text} end")[2] == 0


@given(words)
def test_the_longest_loop_is_that_of_looking_everywhere(said: list[str]) -> None:
    longest = 0
    for start in range(len(said)):
        for unit in range(1, len(said)):
            end = start + unit
            while end < len(said) and said[end] == said[end - unit]:
                end += 1
            if end - start >= max(3 * unit, 6):
                longest = max(longest, end - start)
    assert plugin("repetition").longest_loop(said)[0] == longest


@given(words, st.integers(1, 5))
def test_shares_lie_between_none_and_all(said: list[str], n: int) -> None:
    assert all(0 <= (value or 0) <= 1 for value in repetition(" ".join(said), n))


def test_the_signature_says_what_a_loop_is() -> None:
    assert plugin("repetition").signature(LIGHT) == "repetition|n:4|loop:3 times,6 words|unit:1-100 words|version:1"


@pytest.mark.parametrize("text", ANY_TEXT, ids=lambda text: ascii(text[:6]))
def test_any_text_has_a_score(text: str) -> None:
    assert all(0 <= (value or 0) <= 1 for value in repetition(text))
