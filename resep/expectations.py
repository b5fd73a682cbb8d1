"""`expect:`: what a recipe demands of its results, judged on the interval, never on the mean alone.

`order_accuracy.delta: "> 0"` holds if the whole 95 % interval of the difference lies above 0; `< x` if it lies below x.
A per cent sign on a delta means per cent of the baseline's mean (`bits_per_byte.delta: "< 2%"`), on a mean hundredths.
Reading a condition needs the standard library only, so that a recipe's check can do it.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from resep.errors import ResepError
from resep.rounding import places, plain, signed
from resep.suggest import did_you_mean

STATS = ("delta", "mean")
_CONDITION = re.compile(r"\s*(>=|<=|>|<)\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(%?)\s*")
_OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


@dataclass(frozen=True)
class Expectation:
    """One line of `expect:`. `limit` is in the metric's unit, or a share (0.02 for 2 %) where `relative`."""

    metric: str
    stat: str
    operator: str
    limit: float
    relative: bool
    condition: str


def parse(key: str, condition: str) -> Expectation:
    """Read `<metric>.<stat>` and its condition. Raises ResepError that says what may stand there."""
    metric, dot, stat = key.rpartition(".")
    if not dot or not metric or stat not in STATS:
        hint = did_you_mean(stat, STATS) or f"; the stats are {' and '.join(STATS)}"
        raise ResepError(f"expect.{key}: '{key}' is not <metric>.<stat>, such as order_accuracy.delta{hint}")
    found = _CONDITION.fullmatch(str(condition))
    if not found:
        raise ResepError(
            f'expect.{key}: \'{condition}\' is no condition; write >, >=, < or <= and a number: "> 0.05", "< 2%"'
        )
    sign, number, percent = found.groups()
    limit = float(number) / (100 if percent else 1)
    return Expectation(metric, stat, sign, limit, bool(percent), f"{sign} {number}{percent}")


def judge(
    expected: Mapping[str, str], metrics: Mapping[str, Any], baseline: str | None, candidate: str | None
) -> list[dict[str, Any]]:
    """Judge every line of `expect:` on the `metrics` of results.json; a line that cannot be judged does not hold."""
    return [_judge(parse(key, condition), metrics, baseline, candidate) for key, condition in expected.items()]


def _judge(
    wanted: Expectation, metrics: Mapping[str, Any], baseline: str | None, candidate: str | None
) -> dict[str, Any]:
    value, low, high, reference = _measured(wanted, metrics, baseline, candidate)
    limit = wanted.limit * abs(reference or 0.0) if wanted.relative and wanted.stat == "delta" else wanted.limit
    edge = low if wanted.operator.startswith(">") else high
    known = edge is not None and not (wanted.relative and wanted.stat == "delta" and reference is None)
    holds = known and _OPERATORS[wanted.operator](edge or 0.0, limit)
    return {
        "metric": wanted.metric,
        "stat": wanted.stat,
        "condition": wanted.condition,
        "holds": holds,
        "value": value,
        "ci_low": low,
        "ci_high": high,
        "text": f"{wanted.metric}.{wanted.stat} {wanted.condition}: {'holds' if holds else 'does not hold'}, "
        + _because(wanted, metrics, (value, low, high), limit, baseline),
    }


def _measured(
    wanted: Expectation, metrics: Mapping[str, Any], baseline: str | None, candidate: str | None
) -> tuple[float | None, float | None, float | None, float | None]:
    """The value, its interval, and for a delta the mean that a per cent sign refers to."""
    metric = metrics.get(wanted.metric, {"arms": {}, "comparisons": []})
    if wanted.stat == "mean":
        arm = metric["arms"].get(candidate, {})
        return arm.get("mean"), arm.get("ci_low"), arm.get("ci_high"), None
    for c in metric["comparisons"]:
        if (c["baseline"], c["candidate"]) == (baseline, candidate):
            return c["delta"], c["ci_low"], c["ci_high"], c["baseline_mean"]
    return None, None, None, None


def _because(
    wanted: Expectation,
    metrics: Mapping[str, Any],
    measured: tuple[float | None, float | None, float | None],
    limit: float,
    baseline: str | None,
) -> str:
    value, low, high = measured
    if wanted.metric not in metrics:
        return f"because no evaluator gives the metric '{wanted.metric}'{did_you_mean(wanted.metric, metrics)}"
    if value is None or low is None or high is None:
        return "because there are too few scored rows to tell"
    d = places(low, high)
    show = signed if wanted.stat == "delta" else plain
    against = f" against {baseline}" if wanted.stat == "delta" else ""
    scaled = (
        f"; {wanted.condition.split()[-1]} of the mean of {baseline} is {plain(limit, d)}"
        if against and wanted.relative
        else ""
    )
    return f"measured {show(value, d)}, 95% interval {show(low, d)} to {show(high, d)}{against}{scaled}"
