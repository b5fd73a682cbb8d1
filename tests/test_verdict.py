from dataclasses import replace

from resep.records import Metric
from resep.rounding import p_text, places, plain, signed, two_digits
from resep.statistics import Comparison
from resep.statistics.verdict import verdict

SCORE = Metric("order_accuracy", "higher", low=0.0, high=1.0)
LOSS = Metric("bits_per_byte", "lower")
FOUND = Comparison(
    baseline="base",
    candidate="tuned",
    delta=0.152,
    ci_low=0.115,
    ci_high=0.188,
    p=0.0001,
    p_adjusted=0.0001,
    n=60,
    wins=48,
    losses=8,
    ties=4,
    mde=0.052,
    effect_size=0.9,
    method="paired percentile bootstrap; sign-flip randomisation test",
    unpaired=0,
    baseline_mean=0.470,
    candidate_mean=0.622,
)


def test_a_gain_is_told_with_arm_interval_rows_and_counts() -> None:
    answer = verdict(SCORE, [FOUND])
    assert answer.outcome == "better"
    assert answer.text == (
        "Tuning helped. On order_accuracy, tuned scores 0.622 and base 0.470: +0.152 (95% interval 0.115 to 0.188, "
        "p < 0.001) over 60 paired rows; better on 48, worse on 8, equal on 4."
    )


def test_the_strongest_base_arm_is_the_opponent() -> None:
    straw = replace(FOUND, baseline="base", baseline_mean=0.132, delta=0.49)
    native = replace(FOUND, baseline="base@native-template")
    other = replace(FOUND, baseline="another-model", baseline_mean=0.61)
    answer = verdict(SCORE, [straw, native, other])
    assert answer.baseline == "base@native-template"
    assert "base@native-template, the strongest base arm, 0.470" in answer.text
    assert verdict(SCORE, [straw, native, other], baseline="another-model").baseline == "another-model"


def test_where_lower_is_better_the_strongest_arm_is_the_lowest_and_a_fall_is_a_gain() -> None:
    fall = replace(FOUND, delta=-0.15, ci_low=-0.19, ci_high=-0.11, baseline_mean=0.7)
    worst = replace(fall, baseline="base@native-template", baseline_mean=0.9)
    answer = verdict(LOSS, [worst, fall])
    assert (answer.baseline, answer.outcome) == ("base", "better")
    assert verdict(LOSS, [FOUND]).outcome == "worse"


def test_an_interval_that_excludes_zero_without_a_small_p_is_no_gain() -> None:
    assert verdict(SCORE, [replace(FOUND, p=0.2)]).outcome == "cannot_tell"


def test_what_cannot_be_told_comes_with_what_could_have_been_seen() -> None:
    open_case = replace(FOUND, delta=0.02, ci_low=-0.03, ci_high=0.07, p=0.41, mde=0.08, n=60)
    answer = verdict(SCORE, [open_case])
    assert answer.outcome == "cannot_tell"
    assert "a difference of 0.080 is seen in four experiments of five" in answer.text
    assert "To see one as small as 0.020 needs about 960 rows." in answer.text


def test_a_narrow_interval_around_zero_shows_no_difference_that_matters() -> None:
    answer = verdict(SCORE, [replace(FOUND, delta=0.001, ci_low=-0.01, ci_high=0.012, p=0.8)])
    assert answer.outcome == "no_difference"
    assert "within ±0.020" in answer.text


def test_a_real_but_small_gain_is_called_small() -> None:
    assert "real but small" in verdict(SCORE, [replace(FOUND, delta=0.005, ci_low=0.002, ci_high=0.008)]).text


def test_without_a_second_arm_or_a_direction_nothing_is_judged() -> None:
    assert verdict(SCORE, []).outcome == "cannot_tell"
    assert verdict(Metric("words", "none"), [FOUND]).outcome == "cannot_tell"


def test_numbers_are_shown_to_two_digits_of_their_uncertainty() -> None:
    assert places(0.115, 0.188) == 3
    assert places(-12.0, 31.0) == 0
    assert (signed(0.152, 3), signed(-0.03, 2), signed(-0.0001, 2)) == ("+0.152", "\N{MINUS SIGN}0.03", "0.00")
    assert (plain(None, 2), plain(1234.5, 1)) == ("\N{EM DASH}", "1,234.5")
    assert (p_text(0.0001), p_text(0.0234), p_text(0.41)) == ("< 0.001", "0.023", "0.41")
    assert (two_digits(0.0837), two_digits(1287.0), two_digits(0)) == ("0.084", "1,300", "0")
