"""Runs side by side: the first is the baseline, every other is compared with it on the rows that both were tested on.

Rows are paired by id, and only where both were asked the same question with the same target; metrics of rows of their
own (general texts) are paired on those. Whatever else differs (other test rows, decoding, base model, settings) is
told, because it may be what made the difference. Metrics whose options differ, and those that compare an arm with
another of its own run, are left out: their numbers would not mean the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from resep.errors import ResepError
from resep.recipe.arms import candidate_of
from resep.records import Metric, Sample
from resep.run_comparison.common_rows import CommonRows, common_rows
from resep.run_comparison.notes import not_compared, notes
from resep.run_folder import RunFolder, metric_of
from resep.stages.evaluate.aggregates import open_aggregates
from resep.stages.report.metrics import Scored, tabulate, tabulate_stats
from resep.statistics import Comparison, compare
from resep.statistics.outcome import Outcome, judge, margin_of
from resep.suggest import did_you_mean, listed

__all__ = ["Compared", "Side", "compare_runs", "side_of"]


_ARMS = ("first", "second")  # the sides, as if they were two arms of one run


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
    """A run against the baseline. `left_out`: metric -> why it was not compared. `notes` says what else differs.

    `own_rows`: evaluator -> how many rows of its own both have scored.
    """

    baseline: str
    candidate: str
    rows: CommonRows
    notes: tuple[str, ...]
    left_out: Mapping[str, str]
    metrics: Mapping[str, Metric]
    comparisons: Mapping[str, Comparison]
    primary: str
    own_rows: Mapping[str, int]

    def outcome(self, name: str) -> Outcome:
        """better, worse, no_difference or cannot_tell, by the adjusted p-value."""
        metric, c = self.metrics[name], self.comparisons[name]
        return judge(metric, replace(c, p=c.p_adjusted), margin_of(metric, c))


def side_of(run: RunFolder, arm: str | None = None) -> Side:
    """The named arm of a run, by default the tuned one. Raises ResepError, with the nearest name, for no such arm."""
    arms = list(run.results["arms"])
    if arm is None:
        return Side(run, candidate_of(arms))
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
    left_out = not_compared(one.run, other.run)
    both = [
        name for name in one.run.results["metrics"] if name in other.run.results["metrics"] and name not in left_out
    ]
    if not both:
        raise ResepError(f"{one.name} and {other.name} have no metric in common: {'; '.join(left_out.values())}")
    scored = _scored((one, other), both)
    settings = one.run.results.get("settings", {})
    primary = one.run.results["verdict"]["metric"]
    tested = {sample.id for side in (one, other) for sample in side.run.samples()}
    own = {s.evaluator: ids for s in scored if not (ids := _common_ids(s)) & tested and ids}
    pairs = [s.pair(metric, *_ARMS, own.get(s.evaluator, rows.ids)) for s in scored for metric in s.metrics]
    clusters = rows.clusters(settings.get("evaluation.cluster_by"))
    names = _names(one, other)
    found = compare(pairs, *names, primary=primary, clusters=clusters, seed=settings.get("seed") or 0)
    order = sorted(found, key=lambda name: (name != primary, both.index(name)))
    return Compared(
        baseline=names[0],
        candidate=names[1],
        rows=rows,
        notes=tuple(notes(one, other, rows, both)),
        left_out=left_out,
        metrics={metric.name: metric for s in scored for metric in s.metrics},
        comparisons={name: found[name] for name in order},
        primary=primary,
        own_rows={evaluator: len(ids) for evaluator, ids in own.items()},
    )


def _common_ids(scored: Scored) -> set[str]:
    """The rows that an evaluator has scored on both sides, by any of its metrics."""
    found: set[str] = set()
    for name in (metric.name for metric in scored.metrics):
        one, other = (scored.values[name][arm] for arm in _ARMS)
        found |= one.keys() & other.keys()
    return found


def _names(one: Side, other: Side) -> tuple[str, str]:
    """What the sides are called: copies of a run have the same name, and another folder."""
    if one.name != other.name or one.run.path == other.run.path:
        return one.name, other.name
    return f"{one.run.path} ({one.arm})", f"{other.run.path} ({other.arm})"


def _answers(side: Side) -> dict[str, Sample]:
    return {sample.id: sample for sample in side.run.samples() if sample.arm == side.arm}


def _scored(sides: tuple[Side, Side], names: Sequence[str]) -> list[Scored]:
    """The scores of both sides as if they were two arms of one run, by evaluator."""
    run = sides[0].run
    told = {name: run.results["metrics"][name] for name in names}
    scores = [
        replace(score, arm=arm)
        for arm, side in zip(_ARMS, sides, strict=True)
        for score in side.run.scores()
        if score.arm == side.arm
    ]
    found = []
    for evaluator in dict.fromkeys(m["evaluator"] for m in told.values()):
        own = {name: m for name, m in told.items() if m["evaluator"] == evaluator}
        metrics = tuple(metric_of(name, m) for name, m in own.items())
        beside = run.path / "recipe" / "evaluators" / f"{evaluator}.py"
        aggregates = open_aggregates(evaluator, beside if beside.is_file() else None, metrics)
        values, stats = tabulate(scores, own, _ARMS), tabulate_stats(scores, aggregates, _ARMS)
        signature = next(iter(own.values()))["signature"]
        found.append(Scored(evaluator, signature, metrics, values, {}, {}, (), stats, {}, aggregates))
    return found
