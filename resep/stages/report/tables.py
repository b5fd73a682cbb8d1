"""The page's tables as strings: numbers rounded by their interval, a colour only where a test bears it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from resep.rounding import NOTHING, p_text, places, plain, signed
from resep.stages.report import charts
from resep.statistics.outcome import is_shown

_ARROWS = {"higher": "↑", "lower": "↓", "none": ""}
_DIRECTIONS = {"higher": "higher is better", "lower": "lower is better", "none": "neither good nor bad"}


def metric_rows(results: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A row per metric: its mean for each arm, and its comparisons, that of the verdict first."""
    scale = forest_scale(results)
    return [
        _metric_row(name, metric, results["verdict"]["baseline"], scale) for name, metric in results["metrics"].items()
    ]


def arm_rows(metric: Mapping[str, Any], verdict: Mapping[str, Any]) -> dict[str, Any]:
    """The primary metric's mean of every arm with its interval, on one axis."""
    known = {arm: facts for arm, facts in metric["arms"].items() if facts["mean"] is not None}
    ends = [v for facts in known.values() for v in (facts["ci_low"], facts["mean"], facts["ci_high"]) if v is not None]
    scale, counts = charts.scale_over(ends), {facts["n"] for facts in known.values()}
    rows = []
    for arm, facts in sorted(known.items(), key=lambda item: item[0] == verdict["candidate"]):
        d = places(facts["ci_low"], facts["ci_high"])
        role = "candidate" if arm == verdict["candidate"] else "strongest" if arm == verdict["baseline"] else "other"
        title = f"{arm}: mean {plain(facts['mean'], d)}, 95% interval {range_text(facts, d)}"
        bar = charts.interval(scale, facts["mean"], facts["ci_low"], facts["ci_high"], role, title)
        name = arm if len(counts) == 1 else f"{arm} ({facts['n']} rows)"
        rows.append({"arm": name, "mean": plain(facts["mean"], d), "bar": bar, "role": role})
    return {"rows": rows, "axis": charts.axis(scale)}


def control_tables(results: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What evaluators say beyond their metrics, as tables of one column per arm: chance, thresholds, forms."""
    arms = list(results["arms"])
    tables = []
    for evaluator, extra in results["controls"].items():
        rows = [row for name, value in extra.items() for row in _control_rows(name, value, arms)]
        if rows:
            tables.append({"evaluator": evaluator, "rows": rows})
    return tables


def duration(seconds: float | None) -> str:
    """`4.2 s`, `3 min 05 s`, `2 h 10 min`."""
    if seconds is None:
        return NOTHING
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def training_facts(training: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What the training summary says, as names and values."""
    steps, planned = training.get("steps"), training.get("planned_steps")
    trained, total = training.get("trainable_parameters"), training.get("total_parameters")
    epochs = max((record.get("epoch") or 0 for record in training["curve"]), default=0)
    chosen, billed = training.get("hyperparameters"), training.get("trained_tokens")
    early = ", stopped early as asked" if training.get("stopped_early") else ""
    found = [
        ("method", training.get("method")),
        ("precision", training.get("precision")),
        ("steps", None if steps is None else f"{steps:,} of {planned or steps:,} planned{early}"),
        ("epochs", f"{epochs:.3g}" if epochs else None),
        ("trained weights", f"{trained:,} of {total:,} ({trained / total:.2%})" if trained and total else None),
        ("final training loss", _loss(training.get("final_loss"))),
        ("final validation loss", _loss(training.get("final_eval_loss"))),
        ("job at the service", training.get("job")),
        ("trained with", ", ".join(f"{name} {value}" for name, value in chosen.items()) if chosen else None),
        ("tokens trained on there", f"{billed:,}" if billed else None),
    ]
    return [(name, str(value)) for name, value in found if value is not None]


def _loss(value: float | None) -> str | None:
    return None if value is None else f"{value:.3f}"


def _metric_row(name: str, metric: Mapping[str, Any], baseline: str | None, scale: charts.Scale) -> dict[str, Any]:
    compared = sorted(metric["comparisons"], key=lambda c: c["baseline"] != baseline)
    main = next((c for c in compared if c["baseline"] == baseline), None)
    d = places(main["ci_low"], main["ci_high"]) if main else 3
    return {
        "name": name,
        "help": metric["help"],
        "unit": metric["unit"],
        "primary": metric["primary"],
        "arrow": _ARROWS[metric["direction"]],
        "direction": _DIRECTIONS[metric["direction"]],
        "signature": metric["signature"],
        "arms": {arm: _mean(facts, _common_mean(arm, facts, main), d) for arm, facts in metric["arms"].items()},
        "comparisons": [_comparison(metric, c, scale) for c in compared],
        "drawn": _is_drawn(metric),
    }


def _mean(facts: Mapping[str, Any], common: float | None, d: int) -> dict[str, Any]:
    """`mean` is over the rows of the difference beside it; `all` says that over all rows, where it is another."""
    own, raw = plain(facts["mean"], d), plain(facts["raw_mean"], d)
    mean = own if common is None else plain(common, d)
    return {
        "mean": mean,
        "all": f"{own} over its {facts['n']} rows" if mean != own else None,
        "raw": raw if raw != own else None,
        "n": facts["n"],
        "unscored": facts["unscored"],
    }


def _common_mean(arm: str, facts: Mapping[str, Any], main: Mapping[str, Any] | None) -> float | None:
    """The arm's mean over the rows that both arms of the comparison have, where that is not all it has."""
    if main is None or facts["n"] == main["n"]:
        return None
    means = {main["baseline"]: main["baseline_mean"], main["candidate"]: main["candidate_mean"]}
    found: float | None = means.get(arm)
    return found


def _comparison(metric: Mapping[str, Any], c: Mapping[str, Any], scale: charts.Scale) -> dict[str, Any]:
    d = places(c["ci_low"], c["ci_high"])
    tone, delta, interval = tone_of(metric, c), signed(c["delta"], d), range_text(c, d)
    title = f"{c['candidate']} minus {c['baseline']}: {delta}, 95% interval {interval}"
    return {
        "baseline": c["baseline"],
        "delta": delta,
        "interval": interval,
        "p": p_text(c["p_adjusted"]),
        "n": c["n"],
        "counts": f"{c['wins']} · {c['ties']} · {c['losses']}",
        "mde": NOTHING if c["mde"] is None else plain(c["mde"], d),
        "effect_size": plain(c["effect_size"], 2),
        "unpaired": c["unpaired"],
        "method": c["method"],
        "tone": tone,
        "bar": charts.interval(scale, c["delta"], c["ci_low"], c["ci_high"], tone, title)
        if c["delta"] is not None
        else None,
    }


def tone_of(metric: Mapping[str, Any], c: Mapping[str, Any]) -> str:
    """better or worse only where the interval excludes 0 and the adjusted test agrees."""
    if not is_shown(c["ci_low"], c["ci_high"], c["p_adjusted"]):
        return "even"
    return "better" if (c["ci_low"] > 0) == (metric["direction"] == "higher") else "worse"


def _is_drawn(metric: Mapping[str, Any]) -> bool:
    """Only metrics on a scale of 1 share the forest's axis."""
    return metric["direction"] != "none" and metric["high"] == 1 and (metric["low"] or 0) >= -1


def forest_scale(results: Mapping[str, Any]) -> charts.Scale:
    """The one axis of all drawn differences; zero is always on it."""
    drawn = [c for metric in results["metrics"].values() if _is_drawn(metric) for c in metric["comparisons"]]
    ends = [v for c in drawn for v in (c["delta"], c["ci_low"], c["ci_high"]) if v is not None]
    return charts.scale_over(ends, including=[0.0])


def range_text(facts: Mapping[str, Any], d: int) -> str:
    """The interval as text, a dash where there is none."""
    if facts["ci_low"] is None or facts["ci_high"] is None:
        return NOTHING
    return f"{plain(facts['ci_low'], d)} to {plain(facts['ci_high'], d)}"


def _control_rows(name: str, value: Any, arms: list[str]) -> list[tuple[str, list[str]]]:
    if name == "sweep" and isinstance(value, list):
        return [(f"at threshold {point['threshold']}", _cells(point["arms"], arms)) for point in value]
    if isinstance(value, Mapping) and set(value) <= set(arms) and value:
        label = "against other rows' references (chance)" if name == "chance" else name
        return [(label, _cells(value, arms))]
    return []


def _cells(by_arm: Mapping[str, Any], arms: list[str]) -> list[str]:
    return [_control(by_arm.get(arm)) for arm in arms]


def _control(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{count} {form}" for form, count in sorted(value.items(), key=lambda item: -item[1]))
    return plain(value, 3) if isinstance(value, int | float) or value is None else str(value)
