from dataclasses import replace

from resep.records import Metric
from resep.rounding import p_text, places, plain, signed, two_digits
from resep.statistics import Comparison
from resep.statistics.sentences import in_words, rounded_up
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
    units=60,
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


def test_a_few_shot_base_is_a_base_arm_and_another_model_is_none() -> None:
    few = replace(FOUND, baseline="fewshot", baseline_mean=0.55)
    other = replace(FOUND, baseline="another-model", baseline_mean=0.61)
    assert verdict(SCORE, [FOUND, few, other], bases=["base", "fewshot"]).baseline == "fewshot"
    assert verdict(SCORE, [FOUND, few, other]).baseline == "base"
    assert verdict(SCORE, [other], bases=[]).baseline == "another-model"


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
    assert answer.headline == "No difference was shown, but this test could have missed one."
    assert "a difference of 0.080 is seen in four experiments of five" in answer.text
    assert "To see one as small as 0.020 needs about 960 rows." in answer.text


def test_a_narrow_interval_around_zero_shows_no_difference_that_matters() -> None:
    answer = verdict(SCORE, [replace(FOUND, delta=0.001, ci_low=-0.01, ci_high=0.012, p=0.8)])
    assert answer.outcome == "no_difference"
    assert answer.headline == "No difference was shown, none larger than 0.012."
    assert "within ±0.020" in answer.text


def test_without_a_range_two_per_cent_of_the_baseline_do_not_matter() -> None:
    narrow = replace(FOUND, delta=0.001, ci_low=-0.008, ci_high=0.009, p=0.8)  # the baseline has 0.47
    assert verdict(LOSS, [narrow]).outcome == "no_difference"
    assert verdict(LOSS, [replace(narrow, ci_high=0.012)]).outcome == "cannot_tell"
    assert verdict(LOSS, [narrow], margin=0.005).outcome == "cannot_tell"


def test_a_bound_is_rounded_up_never_down() -> None:
    assert [rounded_up(bound) for bound in (0.0641, 0.012, 1234.0, 0.0999, 3.0)] == [
        "0.065",
        "0.012",
        "1,300",
        "0.10",
        "3.0",
    ]


def test_an_outcome_in_a_table_is_a_few_words() -> None:
    narrow = replace(FOUND, delta=0.001, ci_low=-0.01, ci_high=0.012, p=0.8)
    assert in_words(SCORE, FOUND, "better") == "better"
    assert in_words(SCORE, narrow, "no_difference") == "no difference larger than 0.012"
    assert in_words(SCORE, narrow, "cannot_tell") == "cannot tell"
    assert in_words(Metric("words", "none"), FOUND, "cannot_tell") == ""


def test_few_clusters_are_few_however_many_rows_they_have() -> None:
    told = verdict(SCORE, [replace(FOUND, n=600, units=12)]).text
    assert "With 12 clusters of rows the interval is wide" in told
    assert "interval is wide" not in verdict(SCORE, [replace(FOUND, n=600, units=600)]).text


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


def test_a_loss_against_the_strongest_of_several_has_to_be_surer() -> None:
    loss = replace(FOUND, delta=-0.06, ci_low=-0.11, ci_high=-0.01, p=0.03)
    assert verdict(SCORE, [loss]).outcome == "worse"
    weaker = replace(loss, baseline="base@native-template", baseline_mean=0.40)
    both = verdict(SCORE, [loss, weaker])
    assert both.outcome == "cannot_tell"
    assert "the strongest of 2 was chosen by these rows, p counts 2 times" in both.text
    assert verdict(SCORE, [loss, weaker], baseline="base").outcome == "worse"
    assert verdict(SCORE, [replace(FOUND, p=0.03), weaker]).outcome == "better"
