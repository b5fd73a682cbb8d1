"""`expect:`: what a recipe demands of its results, judged on the interval, never on the number alone.

`order_accuracy.delta: "> 0"` holds if the whole 95 % interval of the difference lies above 0; `< x` if it lies below x.
A per cent sign on a delta means per cent of the baseline (`bits_per_byte.delta: "< 2%"`), judged on the interval of the
relative difference, in which the baseline is as uncertain as the rest; on a mean it means hundredths. Stats that have
no interval (p, wins, ...) are judged as they stand. Reading a condition needs the standard library only, so that a
recipe's check can do it.
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

WITH_INTERVAL: Mapping[str, str] = {
    "delta": "candidate minus baseline, over the rows that both have a score for",
    "mean": "the candidate's own number",
}
AS_THEY_STAND: Mapping[str, str] = {
    "baseline_mean": "the baseline's number over the common rows",
    "ci_low": "the lower end of the difference's 95 % interval",
    "ci_high": "its upper end",
    "p": "the p-value",
    "p_adjusted": "the p-value, adjusted for being one of many metrics",
    "effect_size": "the difference in standard deviations of the rows' differences (ratings: rank-biserial)",
    "mde": "the smallest difference that these rows show in four experiments of five",
    "n": "rows with a score from both arms",
    "wins": "rows in which the candidate is better",
    "losses": "rows in which it is worse",
    "ties": "rows in which both are equal",
    "unscored": "rows of the candidate without a score",
}
STATS = (*WITH_INTERVAL, *AS_THEY_STAND)
SAYS_NOTHING = "the candidate's own number is the same by definition; delta compares it with the baseline"
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
        hint = (dot and did_you_mean(stat, STATS)) or f"; the stats are {and_listed()}"
        raise ResepError(f"expect.{key}: '{key}' is not <metric>.<stat>, such as order_accuracy.delta{hint}")
    found = _CONDITION.fullmatch(str(condition))
    if not found:
        raise ResepError(
            f'expect.{key}: \'{condition}\' is no condition; write >, >=, < or <= and a number: "> 0.05", "< 2%"'
        )
    sign, number, percent = found.groups()
    if percent and stat not in WITH_INTERVAL:
        raise ResepError(f"expect.{key}: a per cent sign has a meaning for delta and mean only, not for {stat}")
    limit = float(number) / (100 if percent else 1)
    return Expectation(metric, stat, sign, limit, bool(percent), f"{sign} {number}{percent}")


def and_listed() -> str:
    """The stats as a message lists them: `delta, mean ... and unscored`."""
    return f"{', '.join(STATS[:-1])} and {STATS[-1]}"


def says_nothing(stat: str, is_relative: bool) -> bool:
    """Whether a stat is the same whatever the arms wrote: the candidate is not preferred to itself."""
    return is_relative and stat == "mean"


def never_told(stat: str, metric: Mapping[str, Any]) -> str | None:
    """Why no run can tell this stat of a metric, or None. `metric`: its `name`, `direction`, and whether `relative`."""
    if says_nothing(stat, metric.get("relative", False)):
        return SAYS_NOTHING
    if stat == "p_adjusted" and metric.get("direction") == "none":
        return "what is neither good nor bad is not among the metrics that p-values are adjusted for"
    return None


def instead_of(stat: str) -> str:
    """The stat that a person may have meant by one that no run can tell."""
    return {"mean": "delta", "p_adjusted": "p"}[stat]


def judge(
    expected: Mapping[str, str], metrics: Mapping[str, Any], baseline: str | None, candidate: str | None
) -> list[dict[str, Any]]:
    """Judge every line of `expect:` on the `metrics` of results.json; a line that cannot be judged does not hold."""
    return [_judge(parse(key, condition), metrics, baseline, candidate) for key, condition in expected.items()]


@dataclass(frozen=True)
class _Measured:
    """A number with the interval it is judged on; both ends are the number itself where it has none."""

    value: float | None
    low: float | None
    high: float | None


def _judge(
    wanted: Expectation, metrics: Mapping[str, Any], baseline: str | None, candidate: str | None
) -> dict[str, Any]:
    found = _measured(wanted, metrics.get(wanted.metric), baseline, candidate)
    edge = found.low if wanted.operator.startswith(">") else found.high
    holds = edge is not None and _OPERATORS[wanted.operator](edge, wanted.limit)
    if wanted.metric not in metrics:
        because = f"because no evaluator gives the metric '{wanted.metric}'{did_you_mean(wanted.metric, metrics)}"
    elif found.value is None or found.low is None or found.high is None:
        because = f"because {_missing(wanted, metrics[wanted.metric], baseline, candidate)}"
    else:
        because = _because(wanted, found, baseline)
    return {
        "metric": wanted.metric,
        "stat": wanted.stat,
        "condition": wanted.condition,
        "holds": holds,
        "value": found.value,
        "ci_low": found.low,
        "ci_high": found.high,
        "text": f"{wanted.metric}.{wanted.stat} {wanted.condition}: {'holds' if holds else 'does not hold'}, {because}",
    }


def _measured(
    wanted: Expectation, metric: Mapping[str, Any] | None, baseline: str | None, candidate: str | None
) -> _Measured:
    if metric is None or says_nothing(wanted.stat, metric.get("relative", False)):
        return _Measured(None, None, None)
    arm = metric["arms"].get(candidate, {})
    if wanted.stat == "mean":
        return _Measured(arm.get("mean"), arm.get("ci_low"), arm.get("ci_high"))
    if wanted.stat == "unscored":
        return _as_it_stands(arm.get("unscored"))
    pair = (baseline, candidate)
    nothing: Mapping[str, Any] = {}
    c = next((c for c in metric["comparisons"] if (c["baseline"], c["candidate"]) == pair), nothing)
    if wanted.stat != "delta":
        return _as_it_stands(c.get(wanted.stat))
    if wanted.relative:
        return _Measured(c.get("relative"), c.get("relative_low"), c.get("relative_high"))
    return _Measured(c.get("delta"), c.get("ci_low"), c.get("ci_high"))


def _as_it_stands(value: float | None) -> _Measured:
    return _Measured(value, value, value)


def _missing(wanted: Expectation, metric: Mapping[str, Any], baseline: str | None, candidate: str | None) -> str:
    """Why there is no number, or no interval, to judge."""
    if reason := never_told(wanted.stat, metric):
        return reason
    if wanted.stat in ("mean", "unscored"):
        return _too_few(metric["arms"].get(candidate, {}), f"of {candidate}")
    pair = (baseline, candidate)
    compared = next((c for c in metric["comparisons"] if (c["baseline"], c["candidate"]) == pair), None)
    if compared is None:
        return f"{candidate} was not compared with {baseline or 'any arm'}"
    few = _too_few(compared, f"from both {baseline} and {candidate}")
    if _is_share(wanted) and compared.get("delta") is not None:
        return f"{baseline} may be 0, of which nothing is a per cent, or {few}"
    if wanted.stat == "effect_size" and compared.get("ci_low") is not None:
        return "all rows differ by the same, so there is no deviation to measure by"
    return few


def _too_few(counted: Mapping[str, Any], whose: str) -> str:
    rows = counted.get("n")
    if rows == 0:
        return f"no row has a score {whose}"
    return "there are too few scored rows to tell" if rows is None else f"too few rows have a score to tell: {rows}"


def _because(wanted: Expectation, found: _Measured, baseline: str | None) -> str:
    """What was measured; `found` has a number and its interval."""
    value, low, high = found.value or 0.0, found.low or 0.0, found.high or 0.0
    if wanted.stat not in WITH_INTERVAL:
        return f"measured {value:,.4g}"
    scale, unit = (100, "%") if _is_share(wanted) else (1, "")
    value, low, high = scale * value, scale * low, scale * high
    d = places(low, high)
    show = signed if wanted.stat == "delta" else plain
    of = " of" if _is_share(wanted) else " against"
    against = f"{of} {baseline}" if wanted.stat == "delta" else ""
    return f"measured {show(value, d)}{unit}, 95% interval {show(low, d)}{unit} to {show(high, d)}{unit}{against}"


def _is_share(wanted: Expectation) -> bool:
    return wanted.relative and wanted.stat == "delta"
