"""Longest common subsequences: as rouge-score's table has them, down to which of several is chosen."""

from hypothesis import given
from hypothesis import strategies as st

from resep.common_subsequence import common_places, longest_common, union_hits

words = st.lists(st.sampled_from("abcd"), max_size=14)


@given(words, words)
def test_the_length_is_that_of_the_table(reference: list[str], output: list[str]) -> None:
    from rouge_score.rouge_scorer import _lcs_table

    assert longest_common(reference, output) == _lcs_table(reference, output)[-1][-1]


@given(words, words)
def test_the_chosen_words_are_those_of_the_table(reference: list[str], output: list[str]) -> None:
    from rouge_score.rouge_scorer import lcs_ind

    assert sorted(common_places(reference, output)) == lcs_ind(reference, output)


@given(words, words)
def test_chosen_words_are_as_many_as_the_length(reference: list[str], output: list[str]) -> None:
    assert len(common_places(reference, output)) == longest_common(reference, output)


@given(st.lists(words, min_size=1, max_size=4), st.lists(words, min_size=1, max_size=4))
def test_the_union_is_the_summarys(reference: list[list[str]], output: list[list[str]]) -> None:
    from rouge_score.rouge_scorer import _summary_level_lcs

    count = sum(map(len, reference))
    expected = _summary_level_lcs(reference, output).recall
    assert (union_hits(reference, output) / count if count and any(output) else 0) == expected


def test_equal_sentences_count_once_per_word_that_both_sides_have() -> None:
    assert union_hits([["a"], ["a"]], [["a"]]) == 1
    assert union_hits([["a"]], [["a"], ["a"]]) == 1
    assert union_hits([["a"], ["a"]], [["a"], ["a"]]) == 2
