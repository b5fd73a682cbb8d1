"""What follows from the scores alone: metrics, comparisons, the verdict, expectations, slices.

`resep verify` draws the same conclusions again from the scores that a run left, so nothing here looks elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from resep import expectations
from resep.recipe.arms import candidate_of
from resep.records import Example, Metric, Sample
from resep.stages.report.described import describe
from resep.stages.report.metrics import Scored, compare_arms
from resep.stages.report.slices import Question, slice_rows
from resep.statistics import Comparison
from resep.statistics.verdict import Verdict, is_base, verdict

Config = Mapping[str, Any]  # dotted keys of the recipe: evaluation.primary, expect.<metric>.<stat> ..., and seed


def conclude(
    scored: Sequence[Scored], arms: Mapping[str, Mapping[str, Any]], rows: Iterable[Example | Sample], config: Config
) -> dict[str, Any]:
    """`verdict`, `metrics`, `expectations` and `slices` of results.json.

    `arms`: name -> facts, of which `rows` counts. `rows`: the test rows, for their metadata.
    """
    rows = list(rows)
    primary, seed = config["evaluation.primary"], config.get("seed") or 0
    candidate = candidate_of(list(arms))
    clusters = _clusters(rows, config.get("evaluation.cluster_by"))
    compared = compare_arms(scored, [a for a in arms if a != candidate], candidate, primary, clusters, seed)
    metrics = describe(scored, arms, compared, primary, clusters, seed)
    bases = [arm for arm, facts in arms.items() if facts.get("weights", "base" if is_base(arm) else "") == "base"]
    answer = _verdict(scored, compared, primary, config.get("evaluation.baseline"), bases)
    wanted = {key.removeprefix("expect."): value for key, value in config.items() if key.startswith("expect.")}
    slices: list[dict[str, Any]] = []
    if answer.metric in metrics and answer.baseline is not None and answer.candidate is not None:
        question = Question(answer.baseline, answer.candidate, primary, clusters, seed)
        slices = slice_rows(rows, config.get("evaluation.slices") or (), scored, question)
    return {
        "verdict": asdict(answer) | {"text": answer.text},
        "metrics": metrics,
        "expectations": expectations.judge(wanted, metrics, answer.baseline, candidate),
        "slices": slices,
    }


def _clusters(rows: Iterable[Example | Sample], field: str | None) -> dict[str, str] | None:
    if not field:
        return None
    return {row.id: str(value) for row in rows if (value := row.metadata.get(field)) is not None}  # others: alone


def _verdict(
    scored: Sequence[Scored],
    compared: Mapping[str, list[Comparison]],
    primary: str,
    baseline: str | None,
    bases: Sequence[str],
) -> Verdict:
    metrics = {metric.name: metric for s in scored for metric in s.metrics}
    metric = metrics.get(primary, Metric(primary, "higher"))
    return verdict(metric, compared.get(primary, []), baseline, bases=bases)
