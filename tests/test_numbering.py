"""Numbers for placeholders: the same value the same number, in a row and over a data set, and no digest left."""

import re

from hypothesis import given
from hypothesis import strategies as st

from resep.numbering import (
    give_numbers,
    number_row,
    number_texts,
    renumber,
    row_numbers,
    values_in,
    with_digest,
    without_digests,
    without_number,
)
from resep.placeholders import reveal

KEY = b"k" * 32


def written(kind: str, value: str, key: bytes = KEY) -> str:
    return reveal(with_digest(kind, value, key))


A, B, P = written("EMAIL", "a@b.co"), written("EMAIL", "c@d.co"), written("PHONE", "0812")

VALUES = st.sampled_from([A, B, P, written("NAME", "budi")])
TEXTS = st.lists(VALUES | st.sampled_from(["[EMAIL_1]", "[PHONE_3]", "[EMAIL]", " x ", "#", "[", "]"]), max_size=6)
ROWS = st.lists(st.lists(TEXTS.map("".join), max_size=4), max_size=5)


def test_numbers_follow_the_first_appearance_kind_by_kind() -> None:
    assert number_row([f"{B} {P}", f"{A} {B}"]) == ["[EMAIL_1] [PHONE_1]", "[EMAIL_2] [EMAIL_1]"]


def test_a_number_that_the_row_has_already_is_left_to_it() -> None:
    assert number_row([f"{A} {B}", "see [EMAIL_1]"]) == ["[EMAIL_2] [EMAIL_3]", "see [EMAIL_1]"]


def test_texts_without_digests_come_back_as_they_are() -> None:
    texts = ["[EMAIL] # [EMAIL_1] {{x}}", ""]
    assert number_row(texts) == texts


def test_over_a_data_set_a_value_keeps_its_number_from_row_to_row() -> None:
    book: dict[str, int] = {}
    last: dict[str, int] = {}
    done = []
    for row in ([f"{A} {P}"], [B], [f"{B} {A}"]):
        own = row_numbers(row)
        give_numbers(own, book, last)
        done.append(renumber(number_texts(row, own), own, book))
    assert done == [["[EMAIL_1] [PHONE_1]"], ["[EMAIL_2]"], ["[EMAIL_2] [EMAIL_1]"]]


@given(ROWS)
def test_to_number_by_row_first_changes_nothing_of_the_data_sets_numbers(rows: list[list[str]]) -> None:
    """The digests need not travel in the texts: beside the row they lead to the same numbers."""
    book: dict[str, int] = {}
    last: dict[str, int] = {}
    for row in rows:
        give_numbers(values_in(row), book, last)
    for row in rows:
        own = row_numbers(row)
        assert renumber(number_texts(row, own), own, book) == number_texts(row, book)


@given(ROWS)
def test_no_digest_is_left_and_numbers_do_not_depend_on_the_key(rows: list[list[str]]) -> None:
    for row in rows:
        numbered = number_row(row)
        assert not any(re.search("#[0-9a-f]{16}", text) for text in numbered)
        others = [text.replace(A, written("EMAIL", "a@b.co", b"x" * 32)) for text in row]
        assert number_row(others) == numbered
        assert number_row(numbered) == numbered


@given(ROWS)
def test_different_values_never_share_a_number_nor_do_old_ones(rows: list[list[str]]) -> None:
    for row in rows:
        numbers = row_numbers(row)
        given_out = [f"[{value.partition('#')[0]}_{number}]" for value, number in numbers.items()]
        assert len({*given_out}) == len(given_out)
        assert not any(placeholder in text for placeholder in given_out for text in row)


def test_a_placeholder_is_counted_under_its_kind() -> None:
    assert without_number("[EMAIL_12]") == "[EMAIL]"
    assert without_number("[US_SSN]") == "[US_SSN]"
    assert without_number("{{Name}}") == "{{Name}}"
    assert without_digests(f"{A} {P} [X#1]") == "[EMAIL] [PHONE] [X#1]"
