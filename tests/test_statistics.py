import math
import random
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from resep.records import Metric
from resep.statistics import RESAMPLES, Comparison, clustered_interval, compare, holm, mean_interval, pair, unit_sums
from resep.statistics.outcome import judge
from resep.statistics.quantiles import mcnemar_p, t_quantile, wilson_interval
from resep.statistics.resampling import resampled_sums
from resep.statistics.verdict import verdict
from resep.visible import visible_errors

SCORE = Metric("score", "higher", low=0.0, high=1.0)
LOSS = Metric("loss", "lower")
HIT = Metric("hit", "higher", low=0.0, high=1.0, kind="binary")
FEW = 400  # resamples: the laws hold for any number
numbers = st.floats(-100, 100).map(lambda x: round(x, 3))
rows_of_two_arms = st.lists(st.tuples(numbers, numbers), min_size=2, max_size=60)


def against(
    baseline: Sequence[float | None],
    candidate: Sequence[float | None],
    metric: Metric = SCORE,
    resamples: int = FEW,
    clusters: dict[str, str] | None = None,
) -> Comparison:
    before, after = ({f"row-{i:04d}": value for i, value in enumerate(values)} for values in (baseline, candidate))
    paired = pair(metric, before, after)
    return compare([paired], "base", "tuned", primary=metric.name, resamples=resamples, clusters=clusters)[metric.name]


def noisy(n: int, shift: float, seed: int = 0) -> tuple[list[float | None], list[float | None]]:
    rng = random.Random(seed)
    before = [rng.random() for _ in range(n)]
    return [*before], [b + shift + rng.gauss(0, 0.2) for b in before]


@given(rows_of_two_arms)
def test_swapping_the_arms_negates_the_difference_and_mirrors_its_interval(rows: list[tuple[float, float]]) -> None:
    there = against([b for b, _ in rows], [c for _, c in rows])
    back = against([c for _, c in rows], [b for b, _ in rows])
    assert there.delta == pytest.approx(-(back.delta or 0.0), abs=1e-9)
    assert (there.wins, there.losses, there.p) == (back.losses, back.wins, back.p)
    assert (there.ci_low is None) == (back.ci_high is None)
    if there.ci_low is not None and back.ci_high is not None:
        assert there.ci_low == pytest.approx(-back.ci_high, abs=1e-9)


@given(rows_of_two_arms, st.integers(-50, 50))
def test_adding_a_constant_moves_the_interval_by_it(rows: list[tuple[float, float]], constant: int) -> None:
    before, after = [b for b, _ in rows], [c for _, c in rows]
    assume(np.std(np.array(after) - np.array(before)) > 1e-3)
    plain, moved = against([*before], [*after], LOSS), against([*before], [c + constant for c in after], LOSS)
    assert plain.ci_low is not None
    assert moved.ci_low == pytest.approx(plain.ci_low + constant, abs=1e-7)
    assert moved.mde == pytest.approx(plain.mde, rel=1e-6)


@given(rows_of_two_arms, st.randoms())
def test_the_order_of_the_rows_does_not_matter(rows: list[tuple[float, float]], rng: random.Random) -> None:
    ids = [f"row-{i}" for i in range(len(rows))]
    shuffled = rng.sample(ids, len(ids))
    values = dict(zip(ids, rows, strict=True))

    def run(order: list[str]) -> Comparison:
        paired = pair(SCORE, {i: values[i][0] for i in order}, {i: values[i][1] for i in order})
        return compare([paired], "base", "tuned", resamples=FEW)["score"]

    assert run(ids) == run(shuffled)


@given(st.lists(st.tuples(st.none() | numbers, st.none() | numbers), max_size=60), st.sampled_from([SCORE, LOSS, HIT]))
def test_no_input_gives_nan_and_every_row_is_counted(rows: list[tuple[float | None, float | None]], m: Metric) -> None:
    found = against([b for b, _ in rows], [c for _, c in rows], m)
    values = (found.delta, found.ci_low, found.ci_high, found.p, found.mde, found.effect_size)
    assert all(value is None or math.isfinite(value) for value in values)
    assert found.wins + found.losses + found.ties == found.n
    assert found.n + found.unpaired == len(rows)
    if found.ci_low is not None and found.ci_high is not None and found.delta is not None:
        assert found.ci_low <= found.ci_high
        assert found.delta == pytest.approx((found.candidate_mean or 0) - (found.baseline_mean or 0), abs=1e-9)


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_never_lowers_a_p_value_and_keeps_their_order(p_values: list[float]) -> None:
    adjusted = holm(p_values)
    assert all(p <= a <= 1 for p, a in zip(p_values, adjusted, strict=True))
    ranked = [a for _, a in sorted(zip(p_values, adjusted, strict=True))]
    assert ranked == sorted(ranked)


def test_holm_on_the_worked_example() -> None:
    assert holm([0.01, 0.04, 0.03, 0.2]) == pytest.approx([0.04, 0.09, 0.09, 0.2])


def test_the_primary_metric_stands_outside_the_family_and_descriptions_are_not_tested() -> None:
    before, after = noisy(60, 0.1)
    metrics = [SCORE, Metric("other", "higher"), Metric("third", "lower"), Metric("words", "none")]
    before_by_id, after_by_id = ({str(i): v for i, v in enumerate(values)} for values in (before, after))
    found = compare(
        [pair(m, before_by_id, after_by_id) for m in metrics], "base", "tuned", primary="score", resamples=FEW
    )
    assert found["score"].p_adjusted == found["score"].p
    assert found["other"].p_adjusted == pytest.approx(2 * (found["other"].p or 0))
    assert found["words"].p_adjusted is None


def test_mcnemar_is_exact() -> None:
    assert mcnemar_p(18, 6) == pytest.approx(0.0227, abs=5e-5)
    assert mcnemar_p(0, 0) == 1.0
    assert mcnemar_p(5000, 5000) == 1.0
    before, after = [0.0] * 18 + [1.0] * 6 + [1.0] * 30, [1.0] * 18 + [0.0] * 6 + [1.0] * 30
    assert against([*before], [*after], HIT).p == mcnemar_p(18, 6)


def test_small_samples_use_every_sign_pattern() -> None:
    found = against([0.0, 0.0, 0.0, 0.0], [0.1, 0.2, 0.3, 0.4])
    assert found.p == 2 / 2**4


def test_t_quantiles_are_those_of_the_tables() -> None:
    known = {1: 12.7062047, 2: 4.3026527, 5: 2.5705818, 10: 2.2281389, 44: 2.0153676, 48: 2.0106348}
    assert {df: round(t_quantile(0.975, df), 7) for df in known} == known


def test_wilson_interval_of_no_success_is_not_a_point() -> None:
    low, high = wilson_interval(0, 45)
    assert low == 0.0
    assert high == pytest.approx(0.0787, abs=1e-4)


@pytest.mark.parametrize("n", [0, 1, 2])
def test_too_few_rows_have_a_stated_answer(n: int) -> None:
    found = against([0.1] * n, [0.4, 0.2][:n])
    assert found.n == n
    assert (found.delta is None) == (n == 0)
    assert (found.ci_low is None) == (n < 2)
    assert verdict(SCORE, [found]).outcome == "cannot_tell"


def test_equal_answers_on_all_rows_are_bounded_by_the_rule_of_three() -> None:
    found = against([0.5] * 60, [0.5] * 60)
    assert (found.delta, found.p, found.mde, found.ties) == (0.0, 1.0, None, 60)
    assert found.ci_high == pytest.approx(1 - 0.05 ** (1 / 60))  # at most so many rows differ, by the whole range
    assert found.ci_high == pytest.approx(3 / 60, rel=0.03)
    assert found.ci_low == -(found.ci_high or 0)
    answer = verdict(SCORE, [found])
    assert answer.outcome == "no_difference"
    assert answer.headline == "No difference was shown, none larger than 0.049."


def test_equal_answers_without_a_range_have_no_bound_but_say_how_many_rows_may_differ() -> None:
    found = against([1.0, 2.0] * 50, [1.0, 2.0] * 50, LOSS)
    assert (found.ci_low, found.ci_high, found.relative, found.relative_high) == (0.0, 0.0, 0.0, 0.0)
    answer = verdict(LOSS, [found])
    assert answer.headline == "No difference was shown."
    assert "at most 3.0% of all such rows have another (rule of three), by how much nothing here can say" in answer.text


def test_few_equal_gains_are_no_proof_but_many_are() -> None:
    assert against([0.0] * 5, [0.5] * 5).ci_low is None
    six, ten = against([0.0] * 6, [0.5] * 6), against([0.0] * 10, [0.5] * 10)
    assert verdict(SCORE, [six]).outcome == "cannot_tell"  # of rows unseen up to 39 % may lose as much as is possible
    assert (ten.ci_low or 0) > 0
    assert verdict(SCORE, [ten]).outcome == "better"


def test_rounding_noise_is_a_tie() -> None:
    found = against([0.3] * 10, [0.1 + 0.2] * 10)
    assert (found.ties, found.delta) == (10, 0.0)


def test_scores_that_are_not_finite_leave_their_row_unpaired() -> None:
    found = against([0.1, math.nan, 0.3, None], [0.2, 0.2, math.inf, 0.1])
    assert (found.n, found.unpaired) == (1, 3)


def test_rows_pair_by_id_not_by_place() -> None:
    paired = pair(SCORE, {"a": 0.1, "b": 0.9}, {"b": 0.9, "a": 0.1, "c": 0.5})
    assert paired.differences.tolist() == [0.0, 0.0]
    assert paired.unpaired == 1


def test_wins_follow_the_direction_of_the_metric() -> None:
    found = against([3.0, 2.0, 1.0], [1.0, 1.0, 2.0], LOSS)
    assert (found.wins, found.losses) == (2, 1)


def test_the_smallest_detectable_effect_is_that_of_the_table() -> None:
    found = against([0.0] * 100, [0.2, -0.2] * 50, LOSS)
    assert found.mde == pytest.approx(2.80 * 0.2 / 10, rel=0.01)


def test_whole_clusters_are_drawn_so_that_copies_add_no_evidence() -> None:
    before, after = noisy(60, 0.05)
    copies = 10
    rows = against(before * copies, after * copies, resamples=2000)
    clusters = {f"row-{i:04d}": str(i % 60) for i in range(60 * copies)}
    clustered = against(before * copies, after * copies, resamples=2000, clusters=clusters)
    single = against(before, after, resamples=2000)

    def width(c: Comparison) -> float:
        assert c.ci_low is not None
        assert c.ci_high is not None
        return c.ci_high - c.ci_low

    assert width(rows) < 0.5 * width(single)
    assert width(clustered) == pytest.approx(width(single), rel=0.1)


def test_metrics_with_equally_many_rows_share_their_resamples() -> None:
    sums = np.random.default_rng(3).random((80, 2))
    both, alone = resampled_sums(sums, 500, 0), resampled_sums(sums[:, :1].copy(), 500, 0)
    assert both.shape == (500, 2)
    assert np.allclose(both[:, :1], alone)


@pytest.mark.parametrize("n", [20, 80])
def test_intervals_cover_the_truth_about_as_often_as_they_say(n: int) -> None:
    covered, rng = 0, np.random.default_rng(11)
    for _ in range(200):
        differences = np.where(rng.random(n) < 0.3, 0.0, rng.normal(0.1, 0.3, n))  # zero-inflated, true mean 0.07
        found = against([0.0] * n, differences.tolist(), LOSS, resamples=500)
        covered += found.ci_low is not None and found.ci_high is not None and found.ci_low <= 0.07 <= found.ci_high
    assert 0.89 <= covered / 200 <= 0.99


def test_ten_thousand_resamples_are_the_default() -> None:
    before, after = noisy(60, 0.3)
    found = against(before, after, resamples=RESAMPLES)
    assert found.p == 1 / (1 + 10_000)


def test_a_mean_has_an_interval_of_its_own() -> None:
    assert mean_interval([]) is None
    assert mean_interval([0.5]) is None
    low, high = mean_interval([0.4, 0.5, 0.6]) or (0.0, 0.0)
    assert low < 0.5 < high
    assert mean_interval([0.0] * 45, "binary") == wilson_interval(0, 45)


def test_a_relative_difference_knows_that_the_baseline_is_uncertain_too() -> None:
    rng = np.random.default_rng(5)
    before = rng.normal(1.0, 0.6, 200)
    after = before * 1.1
    found = against(before.tolist(), after.tolist(), LOSS, resamples=2000)
    assert found.relative == pytest.approx(0.1)
    assert found.relative_low == pytest.approx(0.1)  # 10 % in every resample, though delta and baseline vary
    assert found.relative_high == pytest.approx(0.1)
    assert found.ci_low is not None
    assert found.ci_low < 0.095


@given(rows_of_two_arms, st.sampled_from([0.5, 3.0, 10.0]))
def test_a_relative_difference_has_no_unit(rows: list[tuple[float, float]], factor: float) -> None:
    assume(np.std([c - b for b, c in rows]) > 1e-3)
    here = against([b for b, _ in rows], [c for _, c in rows])
    there = against([factor * b for b, _ in rows], [factor * c for _, c in rows])
    assert (here.relative is None) == (there.relative is None)
    if here.relative is not None:
        assert there.relative == pytest.approx(here.relative)
        assert there.relative_low == pytest.approx(here.relative_low)


def test_nothing_is_a_per_cent_of_a_baseline_that_may_be_zero() -> None:
    assert against([-1.0, 1.0] * 30, [0.0, 1.5] * 30).relative is None
    assert against([0.0] * 20, [0.1, 0.2] * 10).relative is None
    assert against([0.0] * 60, [0.1, 0.2] * 30).relative is None


def test_a_cluster_may_have_the_name_of_another_row() -> None:
    before, after = noisy(60, 0.1)
    clusters = {f"row-{i:04d}": "row-0059" for i in range(10)}
    assert against(before, after, clusters=clusters).units == 51


def test_the_seed_changes_the_resamples_and_nothing_else() -> None:
    before, after = noisy(80, 0.02)
    paired = pair(SCORE, dict(enumerate_ids(before)), dict(enumerate_ids(after)))
    one, other = (compare([paired], "base", "tuned", resamples=FEW, seed=seed)["score"] for seed in (1, 2))
    assert one.delta == other.delta
    assert one.ci_low != other.ci_low
    assert one == compare([paired], "base", "tuned", resamples=FEW, seed=1)["score"]


def enumerate_ids(values: list[float | None]) -> list[tuple[str, float | None]]:
    return [(f"row-{i}", value) for i, value in enumerate(values)]


def test_one_arm_alike_in_all_rows_is_not_certain_either() -> None:
    low, high = mean_interval([1.0] * 45, "continuous", 0.0, 1.0) or (0.0, 0.0)
    assert low == pytest.approx(0.05 ** (1 / 45))
    assert high == 1.0
    assert mean_interval([1.0] * 5, "continuous", 0.0, 1.0) is None


@pytest.mark.slow
@pytest.mark.parametrize(("n", "kind"), [(12, "continuous"), (30, "ordinal"), (60, "continuous"), (80, "binary")])
def test_a_gain_that_is_not_there_is_seen_in_about_one_of_forty_data_sets(n: int, kind: str) -> None:
    """Two-sided at 5 %: about 2.5 % on either side; 2,000 data sets have a standard error of 0.35 %."""
    metric = Metric("m", "higher", low=0.0, high=5.0, kind=kind)  # type: ignore[arg-type]
    rng, found = np.random.default_rng(17), []
    for _ in range(2000):
        if kind == "binary":
            before, after = (rng.random((2, n)) < 0.4).astype(float)
        elif kind == "ordinal":
            before, after = rng.integers(1, 6, (2, n)).astype(float)
        else:  # most rows equal, the others heavily tailed
            before = rng.random(n)
            after = before + np.where(rng.random(n) < 0.5, 0.0, 0.1 * rng.standard_t(4, n))
        answer = verdict(metric, [against(before.tolist(), after.tolist(), metric, resamples=400)])
        found.append(answer.outcome)
    assert found.count("better") / len(found) <= 0.04
    assert (found.count("better") + found.count("worse")) / len(found) <= 0.06
    assert found.count("cannot_tell") + found.count("no_difference") >= 0.94 * len(found)


@pytest.mark.parametrize("rows", [6, 8, 20])
def test_what_could_be_seen_is_seen_in_four_experiments_of_five(rows: int) -> None:
    random, shift = np.random.default_rng(rows), (visible_errors(rows) or 0) / math.sqrt(rows)
    metrics = [Metric(f"m{number}", "higher") for number in range(400)]
    before = {str(row): 0.0 for row in range(rows)}
    drawn = [dict(zip(before, one, strict=True)) for one in random.normal(shift, 1, (400, rows)).tolist()]
    pairs = [pair(metric, before, after) for metric, after in zip(metrics, drawn, strict=True)]
    found = compare(pairs, "base", "tuned", resamples=1000)
    seen = sum(judge(metric, found[metric.name]) == "better" for metric in metrics) / 400
    assert 0.75 < seen < 0.85


def test_an_interval_ends_where_the_metric_does() -> None:
    before = [float(row == 0) for row in range(12)]
    assert against([*before], [1 - value for value in before]).ci_high == 1
    outside = against([0.0] * 12, [5.0 + row for row in range(12)])  # its range is not what the metric said
    assert outside.ci_low is not None
    assert outside.ci_high is not None
    assert outside.ci_low < 10.5 < outside.ci_high


def test_below_six_rows_nothing_can_be_seen_and_the_verdict_says_so() -> None:
    metric = Metric("m", "higher")
    rows = {str(i): 0.9 + i / 100 for i in range(6)}
    for count, smallest in ((5, False), (6, True)):
        kept = dict(list(rows.items())[:count])
        found = compare([pair(metric, dict.fromkeys(kept, 0.0), kept)], "base", "tuned")["m"]
        assert (found.mde is not None) == smallest
        said = verdict(metric, [found])
        assert said.outcome == ("better" if smallest else "cannot_tell")
        assert ("With fewer than 6 rows no difference, however large, can reach p < 0.05." in said.text) != smallest


def test_the_interval_of_a_mean_over_clusters_is_that_of_their_means() -> None:
    answers = [0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0, 1.0]
    rows = {f"{cluster}-{row}": answer for cluster, answer in enumerate(answers) for row in range(20)}
    sums = unit_sums(np.array([(v, 1.0) for v in rows.values()]), list(rows), {row: row.split("-")[0] for row in rows})
    assert sums.tolist() == [[20 * answer, 20.0] for answer in answers]
    assert clustered_interval(sums, 0.0, 1.0) == pytest.approx(mean_interval(answers))
    assert clustered_interval(sums[:1]) is None
    low, high = clustered_interval(np.array([[10.0, 20.0]] * 8), 0.0, 1.0) or (0.0, 0.0)
    assert low < 0.5 < high  # all clusters are alike, of which the rule of three speaks
