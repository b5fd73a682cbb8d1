"""Regular expressions from a recipe: which are compiled, which could run away."""

import pytest

from resep.patterns import compile_safe


@pytest.mark.parametrize(
    "pattern", ["(a|aa)+$", "(x+x+)+y", "[0-9]*", "(?=a)b", r"(a)\1", "a" * 501, "a+b+c+d+e", "((a{1,9})){1,9}"]
)
def test_a_pattern_that_could_run_away_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="pattern"):
        compile_safe(pattern)


@pytest.mark.parametrize(
    "pattern", ["INV-[0-9]{6}", r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}", "(?:cat|dog)-[0-9]+", r"\b[A-Z]{2}[0-9]+\b"]
)
def test_an_ordinary_pattern_is_accepted(pattern: str) -> None:
    assert compile_safe(pattern).pattern == pattern
