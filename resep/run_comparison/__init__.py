"""Runs side by side: the first is the baseline, every other is compared with it on the rows that both were tested on.

Rows are paired by id, and only where both were asked the same question with the same target. Whatever else differs
(other test rows, decoding, base model, settings) is told, because it may be what made the difference. Metrics whose
options differ are left out: their numbers would not mean the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from resep.errors import ResepError
from resep.records import Metric, Sample
from resep.run_comparison.common_rows import CommonRows, common_rows
from resep.run_comparison.notes import differing_options, notes
from resep.run_folder import RunFolder, metric_of
from resep.stages.evaluate.aggregates import open_aggregates
from resep.stages.report.conclusions import CANDIDATE
from resep.stages.report.metrics import Scored, tabulate, tabulate_stats
from resep.statistics import Comparison, compare
from resep.statistics.outcome import Outcome, judge, margin_of
from resep.suggest import did_you_mean, listed

__all__ = ["Compared", "Side", "compare_runs", "side_of"]


@dataclass(frozen=True)
class Side:
    """An arm of a run."""

    run: RunFolder
    arm: str

    @property
    def name(self) -> str:
        return f"{self.run.name} ({self.arm})"


@dataclass(frozen=True)
class Compared:
    """A run against the baseline. `left_out`: metric -> why it was not compared. `notes` says what else differs."""

    baseline: str
    candidate: str
    rows: CommonRows
    notes: tuple[str, ...]
    left_out: Mapping[str, str]
    metrics: Mapping[str, Metric]
    comparisons: Mapping[str, Comparison]
    primary: str

    def outcome(self, name: str) -> Outcome:
        """better, worse, no_difference or cannot_tell, by the adjusted p-value."""
        metric, c = self.metrics[name], self.comparisons[name]
        return judge(metric, replace(c, p=c.p_adjusted), margin_of(metric, c))


def side_of(run: RunFolder, arm: str | None = None) -> Side:
    """The named arm of a run, by default the tuned one. Raises ResepError, with the nearest name, for no such arm."""
    arms = list(run.results["arms"])
    if arm is None:
        return Side(run, CANDIDATE if CANDIDATE in arms else arms[-1])
    if arm not in arms:
        raise ResepError(f"{run.name} has no arm '{arm}'{did_you_mean(arm, arms) or f'; it has {listed(arms)}'}")
    return Side(run, arm)


def compare_runs(sides: Sequence[Side]) -> list[Compared]:
    """Every further side against the first. Raises ResepError where two runs have no row or no metric in common."""
    return [_compare(sides[0], side) for side in sides[1:]]


def _compare(one: Side, other: Side) -> Compared:
    rows = common_rows(_answers(one), _answers(other))
    if not rows.ids:
        raise ResepError(
            f"{one.name} and {other.name} have no test row in common: {rows.in_words()}. Runs are comparable when "
            "their recipes draw the same test rows (data, split, preprocessing)"
        )
    left_out = differing_options(one.run, other.run)
    both = [
        name for name in one.run.results["metrics"] if name in other.run.results["metrics"] and name not in left_out
    ]
    if not both:
        raise ResepError(f"{one.name} and {other.name} have no metric in common: {'; '.join(left_out.values())}")
    scored = _scored((one, other), both)
    settings = one.run.results.get("settings", {})
    primary = one.run.results["verdict"]["metric"]
    pairs = [s.pair(metric, one.name, other.name, rows.ids) for s in scored for metric in s.metrics]
    clusters = rows.clusters(settings.get("evaluation.cluster_by"))
    found = compare(pairs, one.name, other.name, primary=primary, clusters=clusters, seed=settings.get("seed") or 0)
    order = sorted(found, key=lambda name: (name != primary, both.index(name)))
    return Compared(
        baseline=one.name,
        candidate=other.name,
        rows=rows,
        notes=tuple(notes(one, other, rows, both)),
        left_out=left_out,
        metrics={metric.name: metric for s in scored for metric in s.metrics},
        comparisons={name: found[name] for name in order},
        primary=primary,
    )


def _answers(side: Side) -> dict[str, Sample]:
    return {sample.id: sample for sample in side.run.samples() if sample.arm == side.arm}


def _scored(sides: tuple[Side, Side], names: Sequence[str]) -> list[Scored]:
    """The scores of both sides as if they were two arms of one run, by evaluator."""
    run = sides[0].run
    told = {name: run.results["metrics"][name] for name in names}
    scores = [replace(score, arm=side.name) for side in sides for score in side.run.scores() if score.arm == side.arm]
    arms = [side.name for side in sides]
    found = []
    for evaluator in dict.fromkeys(m["evaluator"] for m in told.values()):
        own = {name: m for name, m in told.items() if m["evaluator"] == evaluator}
        metrics = tuple(metric_of(name, m) for name, m in own.items())
        beside = run.path / "recipe" / "evaluators" / f"{evaluator}.py"
        aggregates = open_aggregates(evaluator, beside if beside.is_file() else None, metrics)
        values, stats = tabulate(scores, own, arms), tabulate_stats(scores, aggregates, arms)
        signature = next(iter(own.values()))["signature"]
        found.append(Scored(evaluator, signature, metrics, values, {}, {}, (), stats, {}, aggregates))
    return found
