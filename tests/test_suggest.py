from __future__ import annotations

import pytest

from resep.suggest import did_you_mean, listed, nearest


@pytest.mark.parametrize("written", ["learning_rte", "Learning-Rate", "learningrate", "LEARNING_RATE"])
def test_the_nearest_name_is_found_whatever_its_capitals_and_dashes(written: str) -> None:
    assert nearest(written, ["learning_rate", "lora", "seed"]) == "learning_rate"


def test_nothing_is_suggested_for_a_name_unlike_all_others() -> None:
    assert nearest("zzz", ["learning_rate"]) is None
    assert did_you_mean("zzz", ["learning_rate"]) == ""
    assert did_you_mean("seeed", ["seed"]) == "; did you mean 'seed'?"


def test_names_are_listed_as_a_sentence_needs_them() -> None:
    assert listed(["a", "b", "c"]) == "a, b or c"
    assert listed(["a"]) == "a"
    assert listed([]) == "nothing"
