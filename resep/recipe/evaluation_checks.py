"""Checks across keys that concern arms, metrics and expectations."""

from __future__ import annotations

from collections.abc import Iterator

from resep.expectations import STATS
from resep.recipe.draft import Check, Draft, Finding
from resep.suggest import did_you_mean, listed

BASE_ARMS = ("base", "base@native-template")
ARMS = (*BASE_ARMS, "tuned")


def arms_can_be_compared(draft: Draft) -> Iterator[Finding]:
    arms = draft.value("generation.arms", list) or []
    for index, arm in enumerate(arms):
        if isinstance(arm, str) and arm not in ARMS:
            hint = did_you_mean(arm, ARMS) or f"; this version knows {', '.join(ARMS)}; other models come later"
            yield Finding(("generation", "arms", index), f"'{arm}' is not an arm{hint}")
    if not all(arm in ARMS for arm in arms):
        return
    if arms and "tuned" not in arms:
        yield Finding(("generation", "arms"), "'tuned' is missing: the verdict is about the tuned model")
    if arms and not set(BASE_ARMS) & set(arms):
        yield Finding(("generation", "arms"), f"{listed(BASE_ARMS)} is missing: the tuned model is compared with it")


def baseline_is_an_arm(draft: Draft) -> Iterator[Finding]:
    baseline, arms = draft.value("evaluation.baseline", str), draft.value("generation.arms", list) or []
    opponents = [arm for arm in arms if isinstance(arm, str) and arm != "tuned"]
    if baseline is not None and opponents and baseline not in opponents:
        message = f"'{baseline}' is not an arm to compare with; generation.arms has {listed(opponents)}"
        yield Finding(("evaluation", "baseline"), message)


def primary_is_measured(draft: Draft) -> Iterator[Finding]:
    primary, metrics = draft.value("evaluation.primary", str), _metrics(draft)
    if primary is not None and metrics is not None and primary not in metrics:
        yield Finding(("evaluation", "primary"), _not_measured(primary, metrics))


def expectations_can_be_judged(draft: Draft) -> Iterator[Finding]:
    metrics = _metrics(draft)
    for key in draft.value("expect", dict) or {}:
        metric, dot, statistic = key.rpartition(".")
        if not dot:
            message = f"an expectation names a metric and a statistic, for example {key}.delta"
            yield Finding(("expect", key), message, of_key=True)
            continue
        if statistic not in STATS:
            hint = did_you_mean(statistic, STATS) or f"; statistics are {' and '.join(STATS)}"
            yield Finding(("expect", key), f"'{statistic}' is not a statistic{hint}", of_key=True)
        if metrics is not None and metric not in metrics:
            yield Finding(("expect", key), _not_measured(metric, metrics), of_key=True)


def _metrics(draft: Draft) -> dict[str, str] | None:
    """Metric -> the evaluator that gives it; None where one of the recipe's evaluators does not say, or is unknown."""
    named = draft.value("evaluation.evaluators", dict)
    found = [plugin for plugin in draft.plugins if plugin.kind == "evaluators"]
    if not named or len(found) != len(named) or any(plugin.metrics is None for plugin in found):
        return None
    return {metric.name: plugin.name for plugin in found for metric in plugin.metrics or ()}


def _not_measured(metric: str, metrics: dict[str, str]) -> str:
    hint = did_you_mean(metric, metrics) or f"; they give {', '.join(metrics) or 'none'}"
    return f"none of the evaluators listed gives the metric '{metric}'{hint}"


CHECKS: tuple[Check, ...] = (
    arms_can_be_compared,
    baseline_is_an_arm,
    primary_is_measured,
    expectations_can_be_judged,
)
