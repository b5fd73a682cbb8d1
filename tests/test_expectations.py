import dataclasses
from typing import Any

import pytest

from resep.errors import ResepError
from resep.expectations import STATS, judge, parse
from resep.statistics import Comparison


def metrics(
    low: float | None,
    high: float | None,
    delta: float | None = 0.1,
    base: float = 0.5,
    relative: tuple[float | None, float | None] = (None, None),
) -> dict[str, Any]:
    comparison = {
        "baseline": "base",
        "candidate": "tuned",
        "delta": delta,
        "ci_low": low,
        "ci_high": high,
        "baseline_mean": base,
        "relative": None if delta is None else 0.01,
        "relative_low": relative[0],
        "relative_high": relative[1],
        "p": 0.03,
        "wins": 7,
        "losses": 0,
    }
    arms = {"tuned": {"mean": 0.6, "ci_low": 0.55, "ci_high": 0.65, "unscored": 2}}
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


def test_per_cent_of_a_difference_is_judged_on_the_interval_of_the_relative_difference() -> None:
    wide = metrics(0.0, 0.009, base=0.5, relative=(-0.001, 0.021))  # 0.009 is less than 2 % of 0.5
    assert not holds("< 2%", wide)
    assert holds("< 2.2%", wide)
    assert holds("> -1%", wide)
    (judged,) = judge({"order_accuracy.delta": "< 2%"}, wide, "base", "tuned")
    assert judged["text"] == (
        "order_accuracy.delta < 2%: does not hold, measured +1.0%, 95% interval \N{MINUS SIGN}0.1% to +2.1% of base"
    )


def test_nothing_can_be_judged_relative_to_a_baseline_that_may_be_zero() -> None:
    (judged,) = judge({"order_accuracy.delta": "< 2%"}, metrics(0.0, 0.1), "base", "tuned")
    assert not judged["holds"]
    assert "base may be 0" in judged["text"]


def test_what_has_no_interval_is_judged_as_it_stands() -> None:
    found = metrics(0.01, 0.2)
    assert holds("< 0.05", found, "order_accuracy.p")
    assert not holds("< 0.03", found, "order_accuracy.p")
    assert holds("<= 0", found, "order_accuracy.losses")
    assert holds(">= 7", found, "order_accuracy.wins")
    assert not holds("< 1", found, "order_accuracy.unscored")
    assert holds("> 0", found, "order_accuracy.ci_low")
    (judged,) = judge({"order_accuracy.p": "< 0.05"}, found, "base", "tuned")
    assert judged["text"] == "order_accuracy.p < 0.05: holds, measured 0.03"


def test_a_per_cent_sign_has_no_meaning_for_a_count() -> None:
    with pytest.raises(ResepError, match="delta and mean only, not for wins"):
        parse("order_accuracy.wins", "> 5%")


def test_every_stat_can_be_found_in_the_results() -> None:
    fields = {field.name for field in dataclasses.fields(Comparison)} | {"mean", "unscored"}
    assert set(STATS) <= fields


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
    with pytest.raises(ResepError, match=r"the stats are delta, mean, baseline_mean, .* ties and unscored"):
        parse("order_accuracy", "> 0")
    with pytest.raises(ResepError, match="did you mean 'delta'"):
        parse("order_accuracy.dleta", "> 0")


def test_the_candidate_is_not_expected_to_be_preferred_to_itself() -> None:
    found = {"judge_preference": {**metrics(0.1, 0.2)["order_accuracy"], "relative": True}}
    (judged,) = judge({"judge_preference.mean": "> 0.4"}, found, "base", "tuned")
    assert (judged["holds"], judged["value"]) == (False, None)
    assert "the same by definition; delta compares it with the baseline" in judged["text"]
    assert holds("> 0", found, "judge_preference.delta")


def why(key: str, found: dict[str, Any], condition: str = "> 0") -> str:
    (judged,) = judge({key: condition}, found, "base", "tuned")
    assert not judged["holds"]
    return str(judged["text"]).partition("because ")[2]


def changed(**comparison: Any) -> dict[str, Any]:
    """The comparison of `metrics`, with these entries in place of its own."""
    found = metrics(0.1, 0.2)
    found["order_accuracy"]["comparisons"][0] |= comparison
    return found


def test_a_metric_that_is_never_tested_is_not_said_to_have_too_few_rows() -> None:
    found = changed(p_adjusted=None, n=50)
    found["order_accuracy"]["direction"] = "none"
    assert "neither good nor bad" in why("order_accuracy.p_adjusted", found)


def test_what_is_missing_is_named() -> None:
    nothing = dict.fromkeys(("delta", "ci_low", "ci_high", "relative", "relative_low", "relative_high"))
    assert why("order_accuracy.delta", changed(**nothing, n=0)) == "no row has a score from both base and tuned"
    assert why("order_accuracy.delta", changed(**nothing, n=1)) == "too few rows have a score to tell: 1"
    assert "base may be 0" in why("order_accuracy.delta", changed(relative_low=None, relative_high=None), "> 1%")
    assert "no deviation" in why("order_accuracy.effect_size", changed(effect_size=None, n=50))
    unpaired = metrics(0.1, 0.2)
    unpaired["order_accuracy"]["comparisons"] = []
    assert why("order_accuracy.delta", unpaired) == "tuned was not compared with base"
    unscored = metrics(0.1, 0.2)
    unscored["order_accuracy"]["arms"]["tuned"] = {"mean": None, "ci_low": None, "ci_high": None, "n": 0}
    assert why("order_accuracy.mean", unscored) == "no row has a score of tuned"
