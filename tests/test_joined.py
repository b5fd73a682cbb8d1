"""Many texts as one: what is done to the whole is what is done to each."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resep.joined import SEPARATOR, joined, single_spaced, spaced_all

BLANKS = " \t\n\v\f\r\x1c\x1d\x1e\x1f"
TEXTS = st.lists(st.text(alphabet=f"aB.\x00\x02\x85\u2003\u00e9{BLANKS}{SEPARATOR}", max_size=8), max_size=30)


@given(TEXTS)
def test_joined_texts_can_be_taken_apart_or_are_not_joined(texts: list[str]) -> None:
    whole = joined(texts)
    if whole is None:
        assert not texts or any(SEPARATOR in text for text in texts)
    else:
        assert whole.split(SEPARATOR) == texts


@given(TEXTS)
def test_spaces_of_a_whole_are_those_of_its_lines(texts: list[str]) -> None:
    if (whole := joined([text.encode("ascii", "ignore").decode() for text in texts])) is not None:
        lines = [[" ".join(line.split()) for line in text.split("\n")] for text in whole.split(SEPARATOR)]
        assert single_spaced(whole.encode()).decode() == SEPARATOR.join("\n".join(text) for text in lines)


@pytest.mark.parametrize("more", [0, 40])
@given(texts=TEXTS)
def test_all_are_spaced_as_each_would_be(more: int, texts: list[str]) -> None:
    texts = [*texts, *[" a  b "] * more]
    assert spaced_all(texts) == [" ".join(text.split()) for text in texts]


def test_every_blank_of_ascii_is_known() -> None:
    assert {character for character in map(chr, range(128)) if character.isspace()} == {*BLANKS}
    assert not SEPARATOR.isspace()
