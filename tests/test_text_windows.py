"""Windows of texts as numbers: equal windows have equal numbers, and what is shared is found wherever it stands."""

from hypothesis import given
from hypothesis import strategies as st

from resep.text_windows import covered, flat, shared_windows, windows

SIZE = 4
texts = st.text("ab é\U0001f600", max_size=24)


@given(texts, texts)
def test_windows_are_equal_exactly_where_their_texts_are(one: str, other: str) -> None:
    spelt = [text[at : at + SIZE] for text in (one, other) for at in range(len(text) - SIZE + 1)]
    numbers = [int(number) for text in (one, other) for number in windows(text, SIZE)]
    assert len(spelt) == len(numbers)
    assert len({*spelt}) == len({*numbers}) == len({*zip(spelt, numbers, strict=True)})


@given(texts, st.lists(texts, max_size=4))
def test_what_is_covered_is_what_stands_elsewhere(text: str, others: list[str]) -> None:
    shared = shared_windows([windows(text, SIZE)], others, SIZE)
    places = [at for at in range(len(text) - SIZE + 1) if any(text[at : at + SIZE] in other for other in others)]
    expected = [any(at <= place < at + SIZE for at in places) for place in range(len(text))]
    assert covered(windows(text, SIZE), shared, len(text), SIZE).tolist() == expected


def test_nothing_is_shared_with_nothing() -> None:
    assert shared_windows([], ["a long text"], SIZE).size == 0
    assert shared_windows([windows("abc", SIZE)], ["abc"], SIZE).size == 0
    assert covered(windows("", SIZE), windows("abcdef", SIZE), 0, SIZE).tolist() == []


def test_capitals_and_white_space_do_not_hide_a_copy() -> None:
    assert flat("Open  the\n App") == flat("open the app")


def test_half_of_a_surrogate_pair_is_a_character_like_any_other() -> None:
    assert len(windows("ab\ud800cd", SIZE)) == 2
