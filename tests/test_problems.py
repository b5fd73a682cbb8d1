from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from resep.errors import Problem
from resep.problems import count_problems, format_problem, format_problems


def test_a_problem_is_printed_as_a_compiler_does() -> None:
    problem = Problem(
        "r.yaml",
        9,
        3,
        "training.learning_rte",
        "unknown key; did you mean 'learning_rate'?",
        source="  learning_rte: 1",
    )
    assert format_problem(problem) == (
        "r.yaml:9:3: training.learning_rte: unknown key; did you mean 'learning_rate'?\n      learning_rte: 1\n      ^"
    )


def test_problems_are_sorted_by_line_counted_and_printed_once() -> None:
    late, early = Problem("r.yaml", 9, 1, "b", "late"), Problem("r.yaml", 2, 1, "a", "early", "warning")
    assert (
        format_problems([late, early, late]) == "r.yaml:2:1: warning: a: early\nr.yaml:9:1: b: late\n1 error, 1 warning"
    )


def test_a_problem_of_the_whole_file_has_no_line() -> None:
    assert format_problem(Problem("r.yaml", 0, 0, "", "there is no such file")) == "r.yaml: there is no such file"


def test_the_caret_stands_under_its_column_after_tabs_and_wide_characters() -> None:
    *_, source, caret = format_problem(Problem("f", 1, 5, "", "m", source="a\t日e\u0301x")).splitlines()
    assert source == "    a\t日e\u0301x"
    assert caret == "     \t   ^"  # one for a, the tab, two for the ideograph, one for e


def test_a_long_line_is_cut_around_the_caret() -> None:
    source = "x" * 500 + "HERE" + "y" * 500
    _, shown, caret = format_problem(Problem("f", 1, 501, "", "m", source=source)).splitlines()
    assert len(shown) < 170
    assert shown[caret.index("^") :].startswith("HERE")


def test_escape_sequences_of_a_recipe_never_reach_the_terminal() -> None:
    assert "\x1b" not in format_problem(Problem("f", 1, 1, "", "m", source="\x1b[31mred"))


def test_nothing_wrong_is_said_in_words() -> None:
    assert count_problems([]) == "no problems"
    assert format_problems([]) == "no problems"


@given(st.text(), st.integers(1, 400))
def test_any_source_line_can_be_shown(source: str, column: int) -> None:
    assert format_problem(Problem("f", 1, column, "", "m", source=source)).startswith("f:1:")
