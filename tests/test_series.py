"""The step `series`: a window of readings as one line, at every kind of window."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resep import Row, plugins
from resep.errors import ResepError
from resep.records import Origin

plugin = plugins.open_plugin(plugins.find("preprocessing", "series"))
RAMP = [41.0, 42.0, 43.0, 44.0, 45.0, 46.0, 47.0]


def written(fields: dict[str, Any], **options: Any) -> Row:
    row: Row
    [row] = plugin.process_rows([Row("1", fields, Origin("a.jsonl", 1))], **options)
    return row


@pytest.mark.parametrize(
    ("readings", "line"),
    [
        (RAMP, "7 readings from 41 to 47 C; mean 44; rising by 1 per reading; last 5: 43, 44, 45, 46, 47"),
        (RAMP[::-1], "7 readings from 41 to 47 C; mean 44; falling by 1 per reading; last 5: 45, 44, 43, 42, 41"),
        ([5, 6, 5, 6, 5, 6], "6 readings from 5 to 6 C; mean 5.5; steady; last 5: 6, 5, 6, 5, 6"),
        ([5] * 9 + [9], "10 readings from 5 to 9 C; mean 5.4; steady; 1 outlier: 9 at 10; last 5: 5, 5, 5, 5, 9"),
        ([5, 5, 5], "3 readings, all 5 C"),
        ([41.25], "1 reading: 41.2 C"),
        ([1, 2], "2 readings from 1 to 2 C; mean 1.5; last 2: 1, 2"),
        ([None, 5, "NaN"], "1 reading: 5 C; 2 missing; last 3: missing, 5, missing"),
        (
            "1, 2, ,4,5",
            "4 readings from 1 to 5 C; mean 3; rising by 1 per reading; 1 missing; last 5: 1, 2, missing, 4, 5",
        ),
        ("[1; 1; 1]", "3 readings, all 1 C"),
    ],
)
def test_a_window_is_told_in_one_line(readings: Any, line: str) -> None:
    assert plugin.summarise(readings, "C") == line


def test_an_outlier_on_a_slope_is_found_and_does_not_bend_it() -> None:
    readings = [float(i) for i in range(20)]
    readings[4] = 90.0
    line = plugin.summarise(readings)
    assert "rising by 1 per reading; 1 outlier: 90 at 5;" in line


def test_an_outlier_is_named_by_its_time_where_there_are_times() -> None:
    readings = [{"time": f"10:0{i}", "value": 5.0 if i != 3 else 50.0} for i in range(9)]
    assert "1 outlier: 50 at 10:03" in plugin.summarise(readings)


def test_of_many_outliers_the_furthest_are_shown_in_their_order() -> None:
    readings = [10.0, 10.1] * 20 + [50.0, 90.0, 60.0, 70.0, 80.0, 55.0] + [10.0, 10.1] * 20
    shown = "6 outliers, the 5 furthest: 90 at 42, 60 at 43, 70 at 44, 80 at 45, 55 at 46;"
    assert shown in plugin.summarise(readings)


@pytest.mark.parametrize(
    ("value", "text"), [(12345.6, "12346"), (0.0123456, "0.0123"), (-0.5, "-0.5"), (1e-9, "1e-09")]
)
def test_digits_are_significant_and_those_before_the_point_stay(value: float, text: str) -> None:
    assert plugin.summarise([value]) == f"1 reading: {text}"


def test_the_line_comes_after_the_prompt() -> None:
    fields = {"prompt": "What is wrong?\n", "response": "Nothing", "readings": [5, 5]}
    assert written(fields).fields["prompt"] == "What is wrong?\n2 readings, all 5"


def test_without_a_prompt_the_line_is_the_prompt() -> None:
    assert written({"readings": [5, 5]}).fields["prompt"] == "2 readings, all 5"


def test_in_a_conversation_the_line_comes_after_what_the_user_last_said() -> None:
    messages = [{"role": "user", "content": "Well?"}, {"role": "assistant", "content": "Fine"}]
    result = written({"messages": messages, "readings": [5]}).fields["messages"]
    assert [message["content"] for message in result] == ["Well?\n1 reading: 5", "Fine"]
    assert messages[0]["content"] == "Well?"


@pytest.mark.parametrize(
    ("readings", "reason"),
    [
        (None, "no readings"),
        ([], "no readings"),
        (" ", "no readings"),
        ([None, float("nan")], "all readings are missing"),
        ([1, "warm"], "reading 2 is not a number"),
        ([True], "reading 1 is not a number"),
        ([10**400], "reading 1 is not a number"),
        ([1e300], "reading 1 is beyond 1e+100"),
        (7, "not a list of readings"),
    ],
)
def test_a_row_without_readings_is_dropped_with_its_reason(readings: Any, reason: str) -> None:
    assert written({"prompt": "p", "readings": readings}).dropped == f"readings: {reason}"


def test_no_digits_are_refused() -> None:
    with pytest.raises(ResepError, match="digits is 0"):
        written({"readings": [1]}, digits=0)


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
MAPS = st.fixed_dictionaries({}, optional={"time": st.text(max_size=5), "value": VALUES})


@given(st.lists(VALUES | MAPS, max_size=30) | st.text() | VALUES)
def test_any_readings_give_one_line_or_a_reason(readings: Any) -> None:
    row = written({"prompt": "p", "readings": readings})
    assert (row.dropped is None) == row.fields["prompt"].startswith("p\n")


@given(st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=30))
def test_the_trend_of_the_reverse_is_the_reverse(values: list[float]) -> None:
    line, reverse = plugin.summarise(values), plugin.summarise(values[::-1])
    assert ("rising" in line) == ("falling" in reverse)
