"""The page as a value: every string that the templates show, made from results.json, samples.jsonl and scores.jsonl."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from functools import cache, partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resep.rating.store import read_summary
from resep.records import Sample, Score, read_jsonl
from resep.rounding import MINUS, NOTHING, places, plain, signed
from resep.stages.report import charts
from resep.stages.report.data_section import data_section
from resep.stages.report.examples import Group, choose
from resep.stages.report.extra_tables import extra_tables
from resep.stages.report.forgetting_section import forgetting_section
from resep.stages.report.honesty import arm_table, assurances
from resep.stages.report.human_section import human_section
from resep.stages.report.judge_section import judge_section
from resep.stages.report.slice_tables import slice_tables
from resep.stages.report.tables import (
    arm_rows,
    control_tables,
    duration,
    forest_scale,
    metric_rows,
    training_facts,
)
from resep.stages.report.text import cell, fenced, shown

if TYPE_CHECKING:
    from jinja2 import Environment

_TEMPLATES = Path(__file__).parent / "templates"
_SYMBOLS = {"better": "▲", "worse": "▼", "no_difference": "＝", "cannot_tell": "?"}  # noqa: RUF001 (a wide sign is wanted)


def view(folder: Path) -> dict[str, Any]:
    """Everything that both templates show, from a report's three files, and ratings.json where people have rated."""
    results = _candidate_last(json.loads((folder / "results.json").read_text(encoding="utf-8")))
    primary = results["verdict"]["metric"]
    metric = results["metrics"].get(primary)
    lower = bool(metric) and metric["direction"] == "lower"
    arms = _compared_arms(results)
    scores = list(read_jsonl(folder / "scores.jsonl", Score))
    groups = choose(read_jsonl(folder / "samples.jsonl", Sample), scores, primary, arms, lower)
    comparison = _main_comparison(results)
    ratings = read_summary(folder)  # people rate when a run has ended
    return {
        "results": results,
        "verdict": _verdict(results),
        "rehearsal": results.get("rehearsal", []),
        "primary": primary,
        "figures": _figures(comparison),
        "means": arm_rows(metric, results["verdict"]) if metric else None,
        "table": metric_rows(results),
        "forest_axis": charts.axis(forest_scale(results)),
        "others": len(results["arms"]) > 2,
        "comparison": comparison,
        "tally": charts.tally(comparison["wins"], comparison["ties"], comparison["losses"]) if comparison else None,
        "histogram": _histogram(scores, primary, arms, lower) if comparison and comparison["n"] else None,
        "groups": groups,
        "example_places": _example_places(groups),
        "aligned": any(side.alignment for group in groups for e in group.examples for side in e.sides),
        "tone_of": partial(_tone_of, lower),
        "slices": slice_tables(results),
        "arms": arm_table(results),
        "assurances": assurances(results),
        "controls": control_tables(results),
        "extra_tables": extra_tables(results),
        "judge": judge_section(results, ratings),
        "people": human_section(results, ratings),
        "forgetting": forgetting_section(results),
        "loss": charts.loss_curve(results["training"]["curve"]),
        "training": training_facts(results["training"]),
        "data": data_section(results["data"], results["warnings"]),
        "signatures": list(dict.fromkeys(m["signature"] for m in results["metrics"].values())),
        "minus": MINUS,
        "settings": _settings(results["settings"]),
        "seconds": [(name, duration(s)) for name, s in results["seconds"].items() if s is not None],
        "total_seconds": duration(sum(s or 0 for s in results["seconds"].values())),
    }


def render_html(page: Mapping[str, Any]) -> str:
    """The whole page in one file: style and charts inline, nothing fetched, everything escaped."""
    return _environment(escaping=True).get_template("report.html.jinja").render(page)


def render_markdown(page: Mapping[str, Any]) -> str:
    """The same, shorter, for a pull request."""
    return _environment(escaping=False).get_template("report.md.jinja").render(page)


@cache
def _environment(escaping: bool) -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=escaping,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_harmless,
    )
    environment.filters |= {"shown": shown, "cell": cell, "fenced": fenced, "plain": plain, "signed": signed}
    environment.globals |= {"alignment": charts.alignment}
    return environment


def _harmless(value: Any) -> Any:
    """Every text that a template puts out, whoever wrote it; our own markup stays as it is."""
    return shown(value, limit=sys.maxsize) if type(value) is str else value


def _verdict(results: Mapping[str, Any]) -> dict[str, Any]:
    """Of a rehearsal: that it says nothing."""
    found = dict(results["verdict"])
    if "rehearsal" in results:
        details = "A tiny random model, a few rows and two steps: this page shows what a run looks like, and no result."
        found |= {"outcome": "cannot_tell", "headline": "Rehearsal: the numbers mean nothing", "details": details}
    return found | {"symbol": _SYMBOLS[found["outcome"]]}


def _candidate_last(results: dict[str, Any]) -> dict[str, Any]:
    """Columns in the order in which a reader compares: the baselines, then the candidate."""
    candidate = results["verdict"]["candidate"]
    order = sorted(results["arms"], key=lambda arm: arm == candidate)
    metrics = {
        name: metric | {"arms": {arm: metric["arms"][arm] for arm in order}}
        for name, metric in results["metrics"].items()
    }
    return results | {"arms": {arm: results["arms"][arm] for arm in order}, "metrics": metrics}


def _compared_arms(results: Mapping[str, Any]) -> list[str]:
    """Baseline and candidate of the verdict; the only arm twice where nothing was compared is left out."""
    named = [results["verdict"]["baseline"], results["verdict"]["candidate"]]
    return [arm for arm in named if arm] or list(results["arms"])[:1]


def _main_comparison(results: Mapping[str, Any]) -> Mapping[str, Any] | None:
    metric = results["metrics"].get(results["verdict"]["metric"], {"comparisons": []})
    matching = (c for c in metric["comparisons"] if c["baseline"] == results["verdict"]["baseline"])
    return next(matching, None)


def _figures(c: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """The few numbers beside the verdict."""
    if c is None or c["delta"] is None:
        return []
    d = places(c["ci_low"], c["ci_high"])
    interval = NOTHING if c["ci_low"] is None else f"{plain(c['ci_low'], d)} to {plain(c['ci_high'], d)}"
    return [
        ("difference", signed(c["delta"], d)),
        ("95% interval", interval),
        ("better · equal · worse", f"{c['wins']} · {c['ties']} · {c['losses']}"),
        ("paired rows", f"{c['n']:,}"),
    ]


def _histogram(scores: list[Score], primary: str, arms: list[str], lower: bool) -> Any:
    values: dict[str, dict[str, float]] = {arm: {} for arm in arms}
    for score in scores:
        value = score.values.get(primary)
        if score.arm in values and value is not None:
            values[score.arm][score.id] = value
    before, after = values[arms[0]], values[arms[-1]]
    return charts.histogram([after[row] - before[row] for row in sorted(before.keys() & after.keys())], lower)


def _tone_of(lower_is_better: bool, difference: float | None) -> str:
    if not difference:
        return "even"
    return "better" if (difference < 0) == lower_is_better else "worse"


def _example_places(groups: list[Group]) -> int:
    values = [side.value for group in groups for example in group.examples for side in example.sides]
    return 2 if all(value is None or abs(value) <= 1 for value in values) else 1


def _settings(settings: Mapping[str, Any]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Sections with their keys; values as they would be written in a recipe."""
    shown_values = [(key, value) for key, value in settings.items() if value not in ({}, [])]
    ordered = sorted(shown_values, key=lambda item: ("." in item[0], item[0].partition(".")[0]))
    sections = groupby(ordered, key=lambda item: item[0].partition(".")[0] if "." in item[0] else "recipe")
    return [(name, [(k.partition(".")[2] or k, _written(v)) for k, v in keys]) for name, keys in sections]


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
