"""Metrics that are no mean over rows, through the one resampler that serves every metric."""

import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from resep import plugins
from resep.errors import ResepError
from resep.plugins.trust import trust
from resep.records import Metric, Sample, Score
from resep.stages.evaluate.aggregates import aggregates_of, total, totals
from resep.stages.evaluate.contract import Evaluator, score
from resep.stages.evaluate.score_file import score_file
from resep.statistics import Comparison, compare, corpus_interval, pair, pair_corpus
from resep.statistics.verdict import verdict
from tests.finished_run import CORPUS_PLUGIN
from tests.test_house import CHILDREN_ONLY, ROOT

MEAN = Metric("mean", "higher", low=0.0, high=1.0)
POOLED = Metric("pooled", "higher", low=0.0, high=1.0, kind="corpus")
F1 = Metric("macro_f1", "higher", low=0.0, high=1.0, kind="corpus")
FEW = 400
rates = st.floats(0, 1).map(lambda x: round(x, 3))


def ratio(sums: Any) -> Any:
    return sums[..., 0] / sums[..., 1]


def macro_f1(sums: Any) -> Any:
    """Of sums (..., 3 * classes): hits, predicted and true rows per class."""
    hits, predicted, true = np.split(sums, 3, axis=-1)
    both = predicted + true
    return np.where(both > 0, 2 * hits / np.where(both > 0, both, 1), 0.0).mean(axis=-1)


def rows(stats: Any) -> dict[str, tuple[float, ...]]:
    return {f"row-{i:04d}": tuple(float(x) for x in row) for i, row in enumerate(stats)}


def classified(true: Any, predicted: Any, classes: int = 3) -> dict[str, tuple[float, ...]]:
    one = np.eye(classes)
    return rows(np.concatenate([one[true] * (true == predicted)[:, None], one[predicted], one[true]], axis=1))


def against(before: Any, after: Any, aggregate: Any, metric: Metric = F1, **options: Any) -> Comparison:
    paired = pair_corpus(metric, before, after, aggregate)
    return compare([paired], "base", "tuned", primary=metric.name, resamples=options.pop("resamples", FEW), **options)[
        metric.name
    ]


@given(st.lists(st.tuples(rates, rates), min_size=2, max_size=70))
def test_a_mean_as_a_corpus_metric_is_the_mean(values: list[tuple[float, float]]) -> None:
    assume(np.std([c - b for b, c in values]) > 1e-3)
    before, after = ([[v, 1.0] for v in side] for side in zip(*values, strict=True))
    corpus = against(rows(before), rows(after), ratio, POOLED)
    plain = [{f"row-{i:04d}": v for i, v in enumerate(side)} for side in zip(*values, strict=True)]
    mean = compare([pair(MEAN, plain[0], plain[1])], "base", "tuned", resamples=FEW)["mean"]
    for field in ("delta", "ci_low", "ci_high", "mde", "effect_size", "baseline_mean", "relative_low"):
        assert getattr(corpus, field) == pytest.approx(getattr(mean, field), rel=1e-6, abs=1e-9), field
    assert corpus.p == mean.p


def test_the_difference_is_that_of_the_aggregates_not_of_rows() -> None:
    before, after = rows([[1, 1], [0, 9]]), rows([[0, 1], [9, 9]])
    found = against(before, after, ratio, POOLED)
    assert (found.baseline_mean, found.candidate_mean) == (0.1, 0.9)
    assert found.delta == pytest.approx(0.8)
    assert (found.wins, found.losses, found.ties, found.n) == (0, 0, 0, 2)


def test_wins_and_losses_count_the_rows_own_scores() -> None:
    before, after = rows([[1, 1], [0, 9], [1, 2]]), rows([[0, 1], [9, 9], [1, 2]])
    values: list[dict[str, float | None]]
    values = [{"row-0000": 1.0, "row-0001": 0.0, "row-0002": None}, {"row-0000": 0.0, "row-0001": 1.0, "row-0002": 0.5}]
    found = compare([pair_corpus(POOLED, before, after, ratio, (values[0], values[1]))], "base", "tuned")["pooled"]
    assert (found.wins, found.losses, found.ties, found.n) == (1, 1, 0, 3)


def test_swapping_the_arms_negates_a_corpus_difference() -> None:
    rng = np.random.default_rng(1)
    true, one, other = rng.integers(0, 3, (3, 80))
    there = against(classified(true, one), classified(true, other), macro_f1)
    back = against(classified(true, other), classified(true, one), macro_f1)
    assert there.delta == pytest.approx(-(back.delta or 0))
    assert there.ci_low == pytest.approx(-(back.ci_high or 0))
    assert there.p == back.p


def test_a_better_classifier_is_seen_and_equal_ones_are_not() -> None:
    rng = np.random.default_rng(2)
    true = rng.integers(0, 3, 200)
    poor = np.where(rng.random(200) < 0.5, true, rng.integers(0, 3, 200))
    good = np.where(rng.random(200) < 0.9, true, rng.integers(0, 3, 200))
    found = against(classified(true, poor), classified(true, good), macro_f1)
    assert verdict(F1, [found]).outcome == "better"
    assert found.p == pytest.approx(1 / (FEW + 1))
    same = against(classified(true, poor), classified(true, poor), macro_f1)
    assert (same.delta, same.p) == (0.0, 1.0)
    assert verdict(F1, [same]).outcome == "no_difference"


def test_copies_in_one_cluster_add_no_evidence_to_a_corpus_metric() -> None:
    rng = np.random.default_rng(3)
    true, one, other = rng.integers(0, 3, (3, 60))
    single = against(classified(true, one), classified(true, other), macro_f1, resamples=2000)
    true, one, other = (np.tile(labels, 8) for labels in (true, one, other))
    before, after = classified(true, one), classified(true, other)
    clusters = {row: str(i % 60) for i, row in enumerate(before)}
    clustered = against(before, after, macro_f1, resamples=2000, clusters=clusters)
    loose = against(before, after, macro_f1, resamples=2000)

    def width(c: Comparison) -> float:
        return (c.ci_high or 0) - (c.ci_low or 0)

    assert width(clustered) == pytest.approx(width(single), rel=0.1)
    assert width(loose) < 0.5 * width(single)
    assert "by cluster" in clustered.method


def test_few_rows_have_a_jackknife_t_interval() -> None:
    rng = np.random.default_rng(4)
    true, one, other = rng.integers(0, 3, (3, 20))
    found = against(classified(true, one), classified(true, other), macro_f1)
    assert found.method.startswith("t interval; approximate randomisation")
    assert found.ci_low is not None
    assert found.ci_low < (found.delta or 0) < (found.ci_high or 0)


@pytest.mark.parametrize("n", [0, 1])
def test_one_row_or_none_has_a_stated_answer(n: int) -> None:
    found = against(rows([[1, 2]] * n), rows([[2, 2]] * n), ratio, POOLED)
    assert (found.n, found.ci_low, found.ci_high) == (n, None, None)
    assert found.delta == (0.5 if n else None)
    assert verdict(POOLED, [found]).outcome == "cannot_tell"


def test_a_metric_that_cannot_be_told_is_none_and_never_nan() -> None:
    empty = against(rows([[0, 0]] * 60), rows([[0, 0]] * 60), ratio, POOLED)
    assert (empty.delta, empty.ci_low, empty.p, empty.baseline_mean) == (None, None, None, None)
    rare = rows([[1, 1] if i == 0 else [0, 0] for i in range(60)])  # most resamples have nothing to divide by
    assert against(rare, rows([[0, 1]] * 60), ratio, POOLED).ci_low is None


def test_rows_without_statistics_are_unpaired() -> None:
    before, after = rows([[1, 2]] * 5), rows([[2, 2]] * 5)
    del before["row-0001"], after["row-0003"]
    found = against(before, after, ratio, POOLED)
    assert (found.n, found.unpaired) == (3, 2)


@pytest.mark.parametrize("n", [20, 80])
def test_one_arms_corpus_metric_has_an_interval(n: int) -> None:
    rng = np.random.default_rng(6)
    stats = np.column_stack([rng.integers(0, 5, n), np.full(n, 4)]).astype(float)
    low, high = corpus_interval(stats, ratio, FEW, 0) or (0.0, 0.0)
    assert low < 0.5 < high
    assert corpus_interval(stats[:1], ratio, FEW, 0) is None


@pytest.mark.slow
def test_a_corpus_gain_that_is_not_there_is_hardly_ever_seen() -> None:
    rng, found = np.random.default_rng(8), []
    for _ in range(600):
        true, one, other = rng.integers(0, 3, (3, 60))
        found.append(verdict(F1, [against(classified(true, one), classified(true, other), macro_f1)]).outcome)
    assert found.count("better") / len(found) <= 0.045
    assert found.count("worse") / len(found) <= 0.045


def evaluator(stats: Mapping[str, Any], **module: Any) -> Evaluator:
    """An evaluator of one corpus metric that gives these statistics by row id."""
    plugin = ModuleType("made_up")
    given = {"METRICS": (POOLED,), "AGGREGATES": {"pooled": ratio}} | module

    def evaluate(samples: Iterable[Sample], context: object) -> Iterator[Score]:  # noqa: ARG001
        for s in samples:
            yield Score(s.id, s.arm, {"pooled": None}, {"pooled": stats[s.id]} if s.id in stats else {})

    vars(plugin).update(given | {"evaluate": evaluate})
    return Evaluator("made_up", plugin, {})


def scored(made: Evaluator, ids: str) -> list[Score]:
    samples = [Sample(row, "base", "t", "o") for row in ids]
    return list(score(made, samples, None))  # type: ignore[arg-type]


def test_statistics_that_are_no_numbers_are_an_error_of_the_row() -> None:
    given = scored(evaluator({"a": (1.0, 2.0), "b": (float("nan"), 1.0), "c": ()}), "abc")
    assert [g.error for g in given] == [None, *["not a number in the stats of pooled"] * 2]
    assert [dict(g.stats) for g in given] == [{"pooled": (1.0, 2.0)}, {}, {}]


def test_statistics_of_different_lengths_break_the_contract() -> None:
    made = evaluator({"a": (1.0, 2.0), "b": (1.0, 2.0, 3.0)})
    with pytest.raises(ResepError, match=r"the stats of pooled have 3 numbers for 'b' and 2 for 'a'"):
        totals(made.name, scored(made, "ab"), made.metrics, made.aggregates)


def test_a_corpus_metric_without_its_function_is_refused() -> None:
    with pytest.raises(ResepError, match="AGGREGATES must map it to a function"):
        aggregates_of("made_up", evaluator({}, AGGREGATES={}).module, [POOLED])


def test_a_function_that_crashes_or_gives_another_shape_is_named() -> None:
    for function, message in ((lambda s: s, "made the shape"), (lambda s: s[..., 7], "failed: IndexError")):
        aggregate = aggregates_of("made_up", evaluator({}, AGGREGATES={"pooled": function}).module, [POOLED])["pooled"]
        with pytest.raises(ResepError, match=message):
            total({"a": (1.0, 2.0)}, aggregate)


def test_resep_score_gives_the_aggregate_not_the_mean(tmp_path: Path) -> None:
    (tmp_path / "evaluators").mkdir()
    (tmp_path / "evaluators" / "word_recall.py").write_text(CORPUS_PLUGIN, encoding="utf-8")
    trust(tmp_path / "evaluators" / "word_recall.py")
    file = tmp_path / "samples.jsonl"
    file.write_text(
        '{"id": "1", "output": "a", "target": "a"}\n{"id": "2", "output": "", "target": "b c d"}\n', encoding="utf-8"
    )
    found = score_file(file, {"word_recall": {}}, folder=tmp_path)
    assert found["metrics"]["word_recall"]["mean"] == 0.25
    assert [row["values"]["word_recall"] for row in found["scores"]] == [1.0, 0.0]


def test_the_report_opens_no_plug_in_that_brings_what_belongs_in_a_child() -> None:
    metrics = {name: plugins.describe(plugins.find("evaluators", name)).metrics for name in plugins.names("evaluators")}
    corpus = [name for name, given in metrics.items() if any(metric.kind == "corpus" for metric in given or ())]
    code = (
        "import sys; from resep import plugins;"
        f"[plugins.open_plugin(plugins.find('evaluators', name)) for name in {corpus}]; print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not CHILDREN_ONLY & {name.partition(".")[0] for name in done.stdout.split()}
