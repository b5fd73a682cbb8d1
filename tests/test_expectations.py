from typing import Any

import pytest

from resep.errors import ResepError
from resep.expectations import judge, parse


def metrics(low: float | None, high: float | None, delta: float | None = 0.1, base: float = 0.5) -> dict[str, Any]:
    comparison = {
        "baseline": "base",
        "candidate": "tuned",
        "delta": delta,
        "ci_low": low,
        "ci_high": high,
        "baseline_mean": base,
    }
    arms = {"tuned": {"mean": 0.6, "ci_low": 0.55, "ci_high": 0.65}}
    return {"order_accuracy": {"arms": arms, "comparisons": [comparison]}}


def holds(condition: str, found: dict[str, Any], key: str = "order_accuracy.delta") -> bool:
    (judged,) = judge({key: condition}, found, "base", "tuned")
    return bool(judged["holds"])


def test_a_gain_is_expected_of_the_whole_interval() -> None:
    assert holds("> 0", metrics(0.01, 0.2))
    assert not holds("> 0", metrics(-0.01, 0.2))
    assert not holds("> 0", metrics(0.0, 0.2))
    assert holds(">= 0", metrics(0.0, 0.2))
    assert not holds(">=0.05", metrics(0.04, 0.2))


def test_an_upper_limit_is_judged_on_the_upper_end() -> None:
    assert holds("< 0.3", metrics(0.01, 0.2))
    assert not holds("< 0.2", metrics(0.01, 0.2))
    assert holds("<= 0.2", metrics(0.01, 0.2))


def test_per_cent_of_a_difference_is_of_the_baselines_mean() -> None:
    assert holds("< 2%", metrics(0.0, 0.009, base=0.5))
    assert not holds("< 2%", metrics(0.0, 0.011, base=0.5))
    assert holds("< 2%", metrics(0.0, 0.011, base=-0.9))


def test_a_mean_is_judged_on_its_own_interval_and_per_cent_are_hundredths() -> None:
    assert holds(">= 50%", metrics(0, 0), "order_accuracy.mean")
    assert not holds(">= 60%", metrics(0, 0), "order_accuracy.mean")


def test_what_cannot_be_judged_does_not_hold() -> None:
    (judged,) = judge({"order_accuracy.delta": "> 0"}, metrics(None, None, None), "base", "tuned")
    assert not judged["holds"]
    assert "too few scored rows" in judged["text"]


def test_an_unknown_metric_does_not_hold_and_the_nearest_is_named() -> None:
    (judged,) = judge({"order_acuracy.delta": "> 0"}, metrics(0.1, 0.2), "base", "tuned")
    assert not judged["holds"]
    assert "did you mean 'order_accuracy'" in judged["text"]


def test_the_text_says_what_was_measured_and_against_what() -> None:
    (judged,) = judge({"order_accuracy.delta": "> 0"}, metrics(0.05, 0.15), "base", "tuned")
    assert judged["text"] == (
        "order_accuracy.delta > 0: holds, measured +0.100, 95% interval +0.050 to +0.150 against base"
    )
    assert {"metric", "stat", "condition", "holds", "value", "ci_low", "ci_high", "text"} == set(judged)


@pytest.mark.parametrize("condition", ["", "0.05", "= 1", "> ", "> five", "> 0 or < 1", "> 1e999x", "!= 0", "> 2 %%"])
def test_a_condition_that_is_none_is_refused_with_an_example(condition: str) -> None:
    with pytest.raises(ResepError, match="write >, >=, < or <= and a number"):
        parse("order_accuracy.delta", condition)


@pytest.mark.parametrize(
    ("condition", "limit"), [(">0", 0.0), (" >= .05 ", 0.05), ("< -2e-1", -0.2), ("<= 2%", 0.02), ("> +3", 3.0)]
)
def test_conditions_are_read_in_every_spelling(condition: str, limit: float) -> None:
    assert parse("a.delta", condition).limit == pytest.approx(limit)


def test_a_key_without_a_stat_is_refused() -> None:
    with pytest.raises(ResepError, match="delta and mean"):
        parse("order_accuracy", "> 0")
    with pytest.raises(ResepError, match="did you mean 'delta'"):
        parse("order_accuracy.dleta", "> 0")
