"""The slices as tables of strings: the primary metric as bars on one axis, the others as numbers beside each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from resep.rounding import p_text, places, plain, signed
from resep.stages.report import charts
from resep.stages.report.tables import range_text, tone_of

Part = Mapping[str, Any]  # one entry of `slices` in results.json


def slice_tables(results: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A table per field: each value with the means of both arms, the difference and its interval, on one axis.

    `others` are the differences of the other metrics, a list of {value, few, n, cells}, one cell per name in `names`.
    """
    slices = results["slices"]
    primary = results["metrics"].get(results["verdict"]["metric"], {"direction": "none"})
    ends = [v for s in slices for v in (s["comparison"][k] for k in ("delta", "ci_low", "ci_high")) if v is not None]
    scale = charts.scale_over(ends, including=[0.0])
    tables = []
    for field in dict.fromkeys(s["field"] for s in slices):
        parts = [s for s in slices if s["field"] == field]
        names = list(dict.fromkeys(name for s in parts for name in s.get("metrics", {})))
        rows = [_row(s, primary, scale) for s in parts]
        others = [_others(s, names, results["metrics"]) for s in parts] if names else []
        tables.append({"field": field, "axis": charts.axis(scale), "rows": rows, "names": names, "others": others})
    return tables


def _row(part: Part, metric: Mapping[str, Any], scale: charts.Scale) -> dict[str, Any]:
    c = part["comparison"]
    d = places(c["ci_low"], c["ci_high"])
    tone = tone_of(metric, c)
    title = f"{part['value']}: {signed(c['delta'], d)}, 95% interval {range_text(c, d)}"
    drawn = c["delta"] is not None
    return {
        "value": part["value"],
        "n": c["n"],
        "few": part["few"],
        "baseline": plain(c["baseline_mean"], d),
        "candidate": plain(c["candidate_mean"], d),
        "delta": signed(c["delta"], d),
        "interval": range_text(c, d),
        "p": p_text(c["p_adjusted"]),
        "tone": tone,
        "bar": charts.interval(scale, c["delta"], c["ci_low"], c["ci_high"], tone, title) if drawn else None,
    }


def _others(part: Part, names: Sequence[str], metrics: Mapping[str, Any]) -> dict[str, Any]:
    cells = [_cell(metrics[name], part["metrics"].get(name)) for name in names]
    return {"value": part["value"], "n": part["comparison"]["n"], "few": part["few"], "cells": cells}


def _cell(metric: Mapping[str, Any], c: Mapping[str, Any] | None) -> dict[str, str]:
    if c is None:
        return {"delta": plain(None, 0), "interval": "", "tone": "even"}
    d = places(c["ci_low"], c["ci_high"])
    return {"delta": signed(c["delta"], d), "interval": range_text(c, d), "tone": tone_of(metric, c)}
