"""The words of a text in any language."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resep.words import LONGEST, loose_words, words


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Open the App, then tap!", ["open", "the", "app", "then", "tap"]),
        ("don't x_y 3.5 e-mail", ["don", "t", "x", "y", "3", "5", "e", "mail"]),
        ("Caf\u00e9 cafe\u0301", ["caf\u00e9", "caf\u00e9"]),
        ("\u0939\u093f\u0928\u094d\u0926\u0940", ["\u0939\u093f\u0928\u094d\u0926\u0940"]),  # vowel signs belong to it
        ("\u6f22\u5b57ab", ["\u6f22", "\u5b57", "ab"]),
        ("\u0e01\u0e34\u0e19", ["\u0e01\u0e34", "\u0e19"]),
        ("", []),
        ("... \ud800 \u200d", []),
    ],
)
def test_words_of_many_languages(text: str, found: list[str]) -> None:
    assert words(text) == found


@given(st.text(st.characters(max_codepoint=127)))
def test_on_ascii_they_are_rouge_scores_own(text: str) -> None:
    from rouge_score.tokenize import tokenize

    assert words(text) == tokenize(text, None)


@given(st.text(), st.text())
def test_words_of_lines_are_the_words_of_the_text(one: str, other: str) -> None:
    assert words(f"{one}\n{other}") == words(one) + words(other)


def test_a_run_too_long_for_a_word_is_taken_apart() -> None:
    assert loose_words("a" * LONGEST) == ["a" * LONGEST]
    assert loose_words("b " + "a" * (LONGEST + 1)) == ["b", *["a"] * (LONGEST + 1)]
