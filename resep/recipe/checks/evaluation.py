"""Checks across keys that concern evaluators, metrics and expectations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from resep import plugins
from resep.errors import ResepError
from resep.expectations import STATS, WITH_INTERVAL, Expectation, and_listed, instead_of, never_told, parse
from resep.plugins.metrics import metrics_of
from resep.recipe.draft import Check, Draft, Finding, Number
from resep.recipe.paths import is_hub_id
from resep.records import Metric
from resep.suggest import did_you_mean, listed, nearest

ENCODERS = {"all-minilm-l6-v2": 6, "lexical": 0}  # embedded -> layers


@dataclass(frozen=True)
class _Given:
    """A metric of the recipe, and the evaluator that gives it."""

    metric: Metric
    evaluator: str


def primary_is_measured(draft: Draft) -> Iterator[Finding]:
    primary, metrics = draft.value("evaluation.primary", str), _metrics(draft)
    if primary is None or metrics is None:
        return
    path = ("evaluation", "primary")
    if primary not in metrics:
        yield Finding(path, _not_measured(draft, primary, metrics))
    elif metrics[primary].metric.direction == "none":
        judged = [name for name, given in metrics.items() if given.metric.direction != "none"]
        message = f"'{primary}' describes an answer and is neither good nor bad, so no verdict can speak of it"
        yield Finding(path, f"{message}; choose {listed(judged)}" if judged else message)


def expectations_can_be_judged(draft: Draft) -> Iterator[Finding]:
    metrics = _metrics(draft)
    for key, condition in (draft.value("expect", dict) or {}).items():
        metric, dot, statistic = key.rpartition(".")
        if not dot:
            message = f"an expectation names a metric and a statistic, for example {key}.delta"
            yield Finding(("expect", key), message, of_key=True)
            continue
        if statistic not in STATS:
            hint = did_you_mean(statistic, STATS) or f"; statistics are {and_listed()}"
            yield Finding(("expect", key), f"'{statistic}' is not a statistic{hint}", of_key=True)
        elif metrics and metric in metrics and (reason := never_told(statistic, vars(metrics[metric].metric))):
            yield Finding(("expect", key), f"{reason}: write {metric}.{instead_of(statistic)}", of_key=True)
        elif statistic not in WITH_INTERVAL:
            yield from _without_percent(key, statistic, condition)
        elif metrics is not None and metric in metrics and isinstance(condition, str):
            yield from _can_be_met(key, condition, metrics[metric].metric)
        if metrics is not None and metric not in metrics:
            yield Finding(("expect", key), _not_measured(draft, metric, metrics), of_key=True)


def _without_percent(key: str, statistic: str, condition: object) -> Iterator[Finding]:
    if isinstance(condition, str) and condition.rstrip().endswith("%"):
        yield Finding(("expect", key), f"a per cent sign has a meaning for delta and mean only, not for {statistic}")


def _can_be_met(key: str, condition: str, metric: Metric) -> Iterator[Finding]:
    """A condition that no result can meet is an error; one that asks the tuned model to be worse, a warning."""
    try:
        wanted = parse(key, condition)
    except ResepError:  # the schema has said so
        return
    if reason := _out_of_range(wanted, metric):
        yield Finding(("expect", key), reason)
        return
    worse = {"higher": "<", "lower": ">"}.get(metric.direction)
    beyond = wanted.limit <= 0 if worse == "<" else wanted.limit >= 0
    if wanted.stat == "delta" and worse and wanted.operator.startswith(worse) and beyond:
        other = ">" if worse == "<" else "<"
        message = (
            f"{metric.name} is better when {metric.direction}, so this asks for a tuned model that is worse; "
            f'did you mean "{other} {abs(wanted.limit):g}"?'
        )
        yield Finding(("expect", key), message, "warning")


def _out_of_range(wanted: Expectation, metric: Metric) -> str | None:
    if metric.low is None or metric.high is None or (wanted.relative and wanted.stat == "delta"):
        return None
    span = metric.high - metric.low
    low, high = (-span, span) if wanted.stat == "delta" else (metric.low, metric.high)
    can = wanted.limit < high if wanted.operator.startswith(">") else wanted.limit > low
    if can or (wanted.operator.endswith("=") and wanted.limit in (low, high)):
        return None
    share = f'; did you mean "{wanted.operator} {wanted.limit / 100:g}"?' if 1 < abs(wanted.limit) <= 100 else ""
    what = f"a difference lies between {low:g} and {high:g}" if wanted.stat == "delta" else f"{low:g} to {high:g}"
    return f"no result can meet this: {metric.name} goes from {metric.low:g} to {metric.high:g}" + (
        f", so {what}{share}" if wanted.stat == "delta" else share
    )


def encoders_are_known(draft: Draft) -> Iterator[Finding]:
    for name, options in (draft.value("evaluation.evaluators", dict) or {}).items():
        encoder = options.get("encoder") if isinstance(options, dict) else None
        path = ("evaluation", "evaluators", name)
        if not isinstance(encoder, str):
            continue
        near = nearest(encoder.rpartition("/")[2], ENCODERS)
        if encoder in ENCODERS or draft.is_folder((*path, "encoder")):
            pass
        elif is_hub_id(encoder):
            embedded = f", or take the embedded '{near}'" if near else ""
            message = f"'{encoder}' is a hub id: write its commit behind it, '{encoder}@...'{embedded}"
            yield Finding((*path, "encoder"), message)
        elif near and "/" not in encoder:
            message = (
                f"no embedded encoder has this name; did you mean '{near}'? (a local folder is written './{encoder}')"
            )
            yield Finding((*path, "encoder"), message)
        layer, layers = options.get("layer"), ENCODERS.get(encoder)
        if layers and isinstance(layer, int) and not 0 <= layer <= layers:
            yield Finding((*path, "layer"), f"{encoder} has layers 0 to {layers}, not {layer}; {layers} is usual")


def thresholds_are_cosines(draft: Draft) -> Iterator[Finding]:
    threshold = draft.value("evaluation.evaluators.order_accuracy.threshold", Number)
    if threshold is not None and not -1 <= threshold <= 1:
        share = f"; did you mean {threshold / 100:g}?" if 1 < threshold <= 100 else ""
        message = f"a cosine similarity lies between -1 and 1, so no step can reach {threshold:g}{share}"
        yield Finding(("evaluation", "evaluators", "order_accuracy", "threshold"), message)


def _metrics(draft: Draft) -> dict[str, _Given] | None:
    """Metric -> who gives it; None where one of the recipe's evaluators does not say, or is unknown."""
    named = draft.value("evaluation.evaluators", dict)
    found = [plugin for plugin in draft.plugins if plugin.kind == "evaluators"]
    if not named or len(found) != len(named):
        return None
    given = {plugin.name: metrics_of(plugin, _options(named[plugin.name])) for plugin in found}
    if any(metrics is None for metrics in given.values()):
        return None
    return {metric.name: _Given(metric, name) for name, metrics in given.items() for metric in metrics or ()}


def _options(given: object) -> Mapping[str, Any]:
    return given if isinstance(given, dict) else {}


def _not_measured(draft: Draft, metric: str, metrics: Mapping[str, _Given]) -> str:
    """Where the metric comes from, if an evaluator of ours gives it; the metrics of an evaluator that was named."""
    own = [name for name, given in metrics.items() if given.evaluator == metric]
    if own:
        return f"'{metric}' is an evaluator; the metrics that it gives are {listed(own).replace(' or ', ' and ')}"
    for name in plugins.names("evaluators"):
        given = plugins.describe(plugins.find("evaluators", name)).metrics or ()
        if metric in {name, *(one.name for one in given)}:
            if name in (draft.value("evaluation.evaluators", dict) or {}):
                return f"the evaluator {name} does not give '{metric}' with the options that it has here"
            return f"the evaluator that gives '{metric}' is not listed; add '{name}: {{}}' to evaluation.evaluators"
    hint = did_you_mean(metric, metrics) or f"; they give {', '.join(metrics) or 'none'}"
    return f"none of the evaluators listed gives the metric '{metric}'{hint}"


CHECKS: tuple[Check, ...] = (
    primary_is_measured,
    expectations_can_be_judged,
)
OPTION_CHECKS: tuple[Check, ...] = (encoders_are_known, thresholds_are_cosines)
