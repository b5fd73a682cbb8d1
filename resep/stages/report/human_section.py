"""What people say of the run, as strings for the page and the terminal: from the summary in ratings.json alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from resep.rounding import NOTHING, p_text, places, plain, signed
from resep.stages.report import charts
from resep.stages.report.tables import tone_of
from resep.statistics.outcome import ALPHA

_POINTS = {"direction": "higher"}
_SCALE = charts.Scale(1, 5, 3, 97)
_ENOUGH = 50  # rated rows from which on a metric may be called validated
_SEEN = {"higher": None, "lower": "turned round: less is better", "none": "neither good nor bad: as it is"}


def human_section(results: Mapping[str, Any], summary: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The section's strings; one with `waiting` where the recipe wants people and none has rated; None without both."""
    if summary is None:
        wanted = results["controls"].get("human", {}).get("human")
        return {"waiting": True, "criteria": ", ".join(wanted["criteria"])} if wanted else None
    preference = summary["preference"]
    return {
        "waiting": False,
        "headline": headline(summary),
        "facts": list(_facts(summary)),
        "candidate": summary["arms"][1],
        "baseline": summary["arms"][0],
        "preference": preference,
        "tally": charts.tally(preference["wins"], preference["ties"], preference["losses"]),
        "criteria": [_criterion(name, found, summary["arms"]) for name, found in summary["criteria"].items()],
        "axis": charts.axis(_SCALE),
        "agreement": [_agreement(entry) for entry in summary["agreement"] if entry["answers"]],
        "names": [name for name in summary["criteria"] if name != "overall"],
        "few": summary["rows"] < _ENOUGH,
    }


def headline(summary: Mapping[str, Any]) -> str:
    """One sentence on the preference, with its test."""
    baseline, candidate = summary["arms"]
    said = summary["preference"]
    wins, losses, p = said["wins"], said["losses"], said["p"]
    if p is None:
        return "Nobody said which answer they prefer."
    counts = f"{candidate} in {wins} rows, {baseline} in {losses}, neither in {said['ties']}"
    test = f"exact sign test, p {p_text(p) if p < 0.001 else '= ' + p_text(p)}"
    if p >= ALPHA:
        return f"People show no preference: {counts} ({test})."
    return f"People prefer {candidate if wins > losses else baseline}: {counts} ({test})."


def human_lines(summary: Mapping[str, Any]) -> Iterator[str]:
    """The same for a terminal, a line per criterion."""
    yield headline(summary)
    for name, found in summary["criteria"].items():
        row = _criterion(name, found, summary["arms"])
        means = ", ".join(f"{cell['arm']} {cell['mean']}" for cell in row["arms"])
        agree = f"; raters agree: alpha {row['alpha']}" if found["alpha"] else ""
        yield f"{name}: {means}, difference {row['delta']} (95% interval {row['interval']}){agree}"
    yield from _facts(summary)


def _facts(summary: Mapping[str, Any]) -> Iterator[str]:
    """What a reader has to know of how this was rated."""
    raters, rows = summary["raters"], summary["rows"]
    yield f"{_count(raters, 'rater')}, {_count(rows, 'row')}, blind: which side was whose stood in no sheet."
    if summary["empty_cells"]:
        yield f"{_count(summary['empty_cells'], 'cell')} left empty: not rated, counted nowhere."
    if summary["cannot_judge"] or summary["preference"]["cannot_judge"]:
        yield (
            f'"Cannot judge" was said of {_count(summary["cannot_judge"], "rating")} and '
            f"{_count(summary['preference']['cannot_judge'], 'preference')}."
        )
    yield from _votes(summary)
    sides = summary["preference"]["sides"]
    if sides["A"] + sides["B"]:
        yield f"Side A was preferred {sides['A']} times, side B {sides['B']} times."
    if raters < 2:
        yield "One rater alone: how far people agree cannot be told."
    if summary["comments"]:
        yield f"{_count(summary['comments'], 'comment')} in ratings.json."


def _votes(summary: Mapping[str, Any]) -> Iterator[str]:
    """The single votes behind the rows, and how far the raters agree on them."""
    (baseline, candidate), said = summary["arms"], summary["preference"]
    votes = said["votes"]
    if not sum(votes.values()):
        return
    counts = f"{votes['candidate']} for {candidate}, {votes['tie']} for neither, {votes['baseline']} for {baseline}"
    agree = "" if said["alpha"]["alpha"] is None else f"; raters agree: alpha {_alpha(said['alpha'])}"
    reading = f", {said['alpha']['reading']}" if agree else ""
    yield f"Votes: {counts}. A row prefers what has most of its votes, ties included{agree}{reading}."


def _criterion(name: str, found: Mapping[str, Any], arms: list[str]) -> dict[str, Any]:
    c = found["comparison"]
    d = places(c["ci_low"], c["ci_high"])
    cells = [_arm(arm, found["arms"][arm], d, arm == arms[1]) for arm in arms]
    alpha = found["alpha"]
    return {
        "name": name,
        "question": found["question"],
        "arms": cells,
        "delta": signed(c["delta"], d),
        "interval": _range(c["ci_low"], c["ci_high"], d),
        "p": p_text(c["p_adjusted"]),
        "rows": c["n"],
        "tone": tone_of(_POINTS, c),
        "alpha": NOTHING if alpha is None else _alpha(alpha),
        "reading": "" if alpha is None else alpha["reading"],
    }


def _arm(arm: str, facts: Mapping[str, Any], d: int, is_candidate: bool) -> dict[str, Any]:
    mean = plain(facts["mean"], d)
    title = f"{arm}: mean {mean}, 95% interval {_range(facts['ci_low'], facts['ci_high'], d)}"
    role = "candidate" if is_candidate else "strongest"
    drawn = facts["mean"] is not None
    return {
        "arm": arm,
        "mean": mean,
        "interval": _range(facts["ci_low"], facts["ci_high"], d),
        "bar": charts.interval(_SCALE, facts["mean"], facts["ci_low"], facts["ci_high"], role, title) if drawn else "",
        "counts": facts["counts"],
        "cannot_judge": facts["cannot_judge"],
    }


def _alpha(found: Mapping[str, Any]) -> str:
    if found["alpha"] is None:
        return NOTHING
    interval = "" if found["ci_low"] is None else f" ({plain(found['ci_low'], 2)} to {plain(found['ci_high'], 2)})"
    return f"{plain(found['alpha'], 2)}{interval}"


def _agreement(entry: Mapping[str, Any]) -> dict[str, Any]:
    decided = entry["agrees"] + entry["differs"]
    share = NOTHING if entry["share"] is None else f"{entry['share']:.0%} of {decided}"
    within = "" if entry["share"] is None else f"{entry['share_low']:.0%} to {entry['share_high']:.0%}"
    return {
        "metric": entry["metric"],
        "note": _SEEN[entry["direction"]] if entry["bias"] is None else _bias(entry["bias"]),
        "answers": entry["answers"],
        "spearman": signed(entry["spearman"], 2),
        "interval": _range(entry["ci_low"], entry["ci_high"], 2),
        "shown": entry["ci_low"] is not None and entry["ci_low"] * entry["ci_high"] > 0,
        "kendall": signed(entry["kendall"], 2),
        "pooled": signed(entry.get("pooled"), 2),
        "criteria": [signed(rho, 2) for rho in entry["criteria"].values()],
        "share": share,
        "within": within,
        "ties": entry["ties"],
    }


def _bias(points: float) -> str:
    """How a judge's points for a criterion lie beside those of people."""
    more = "more" if points > 0 else "less"
    return f"gives {plain(abs(points), 2)} points {more} than people"


def _range(low: float | None, high: float | None, d: int) -> str:
    return NOTHING if low is None or high is None else f"{plain(low, d)} to {plain(high, d)}"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
