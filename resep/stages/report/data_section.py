"""The section on the data, as strings for the templates: where rows went, what the splits hold, how even they are.

Made from results.json's `data`, which is prepare's statistics.json: an older one lacks parts, and shows fewer tables.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from resep.rounding import MINUS, NOTHING
from resep.stages.report.data_charts import share_bar
from resep.stages.report.sampling_section import balancing, samplings

_MOST_REASONS = 6
_FAULT = "bad row: "  # how prepare's reasons begin where a row could not be read
_LABELS = {"train": "training", "validation": "validation", "test": "test"}


def data_section(data: Mapping[str, Any], said: Sequence[str] = ()) -> dict[str, Any]:
    """All that `data.html.jinja` and `data.md.jinja` show; `said` are warnings that the page gives elsewhere."""
    steps = list(data.get("steps") or ())
    uneven = list(data.get("imbalance") or ())
    warnings = [
        w for part in (*uneven, *(step.get("findings") or {} for step in steps)) for w in part.get("warnings", ())
    ]
    return {
        "funnel": funnel(data),
        "sources": _sources(data.get("sources") or ()),
        "placeholders": list((data.get("placeholders") or {}).items()),
        "splits": _splits(data),
        "changed": [(step["name"], _count(step["changed"])) for step in steps if step.get("changed")],
        "imbalance": [row for entry in uneven for row in _uneven(entry)],
        "leakage": _leakage(data.get("leakage")),
        "samplings": samplings(steps),
        "balancings": balancing(steps),
        "warnings": [warning for warning in warnings if warning not in said],
    }


def funnel(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """From the rows that were read to those that are kept: a line for each place where rows went or came.

    The lines close: each one's rows are those of the line before, less what went, plus what was made. What no step
    dropped went when rows were read, or at the end: when they were split, or turned out too long.
    """
    whole, steps = data["rows_in"], data.get("steps") or ()
    unowned = Counter(data.get("dropped") or {})
    for step in steps:
        unowned.subtract(step.get("dropped") or {})
    faulty = {reason.removeprefix(_FAULT): n for reason, n in unowned.items() if reason.startswith(_FAULT) and n > 0}
    late = {reason: n for reason, n in unowned.items() if not reason.startswith(_FAULT) and n > 0}
    left = whole - sum(faulty.values())
    lines = [_line("read", whole, 0, 0, {}, whole)]
    if faulty:
        lines.append(_line("faulty rows", left, whole - left, 0, faulty, whole))
    for step in steps:
        made = step.get("rows_made") or 0
        lost = step["rows_in"] + made - step["rows_out"]
        if lost or made:
            left += made - lost
            lines.append(_line(step["name"], left, lost, made, step.get("dropped") or {}, whole))
    if left > data["rows_kept"]:
        lines.append(_line("at the end", data["rows_kept"], left - data["rows_kept"], 0, late, whole))
    return [*lines, _line("kept", data["rows_kept"], 0, 0, {}, whole)]


def _line(name: str, left: int, lost: int, made: int, reasons: Mapping[str, int], whole: int) -> dict[str, Any]:
    ordered = sorted(reasons.items(), key=lambda item: -item[1])
    told = [f"{reason}: {count:,}" for reason, count in ordered[:_MOST_REASONS]]
    if len(ordered) > _MOST_REASONS:
        told.append(f"{len(ordered) - _MOST_REASONS} more reasons: {sum(n for _, n in ordered[_MOST_REASONS:]):,}")
    change = " ".join(filter(None, [f"+{made:,}" if made else "", f"{MINUS}{lost:,}" if lost > 0 else ""]))
    title = f"{name}: {left:,} rows left" + (f", {lost:,} went" if lost else "")
    return {
        "name": name,
        "left": f"{left:,}",
        "change": change,
        "reasons": told,
        "bar": share_bar(left, max(0, lost), max(whole, left + max(0, lost)), title),
    }


def _sources(sources: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A row per source, where there are several or rows were quarantined."""
    if len(sources) < 2 and not any(source.get("quarantined") for source in sources):
        return []
    return [
        {
            "name": source["name"],
            "rows_in": _count(source["rows_in"]),
            "kept": _count(source["rows_kept"]),
            "quarantined": _count(source.get("quarantined") or 0),
            "dropped": _count(sum(source["dropped"].values()) - (source.get("quarantined") or 0)),
        }
        for source in sources
    ]


def _splits(data: Mapping[str, Any]) -> list[dict[str, str]]:
    """A row per split: rows, share, and what the tokens were, where they were counted."""
    kept = sum(data["splits"].values()) or 1
    counted = (data.get("tokens") or {}).get("splits") or {}
    return [
        {
            "name": _LABELS.get(split, split),
            "rows": _count(rows),
            "share": f"{rows / kept:.1%}",
            **_tokens(counted.get(split) or {}),
        }
        for split, rows in data["splits"].items()
    ]


def _tokens(counts: Mapping[str, Any]) -> dict[str, str]:
    rows, tokens, trained = counts.get("rows") or 0, counts.get("tokens"), counts.get("trained_tokens")
    return {
        "tokens": _count(tokens),
        "mean": f"{tokens / rows:,.0f}" if tokens is not None and rows else NOTHING,
        "longest": _count(counts.get("longest")),
        "trained": f"{trained / tokens:.0%}" if trained is not None and tokens else NOTHING,
        "over": _count(counts.get("over_limit")),
    }


def _uneven(entry: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """A line for all rows as they were read, and one for each split."""
    parts = [("all rows read", entry["before"]), *((_LABELS.get(s, s), p) for s, p in entry["splits"].items())]
    for at, (name, part) in enumerate(parts):
        most, least = _ends(part["counts"])
        yield {
            "field": entry["field"] if not at else "",
            "part": name,
            "rows": _count(part["rows"]),
            "distinct": _count(part["values"]),
            "most": most,
            "least": least,
            "ratio": NOTHING if part["ratio"] is None else f"{part['ratio']:,.1f}",
            "bits": f"{part['entropy_bits']:.2f}",
            "evenness": NOTHING if part["evenness"] is None else f"{part['evenness']:.2f}",
        }


def _ends(counts: Mapping[str, int]) -> tuple[str, str]:
    if not counts:
        return NOTHING, NOTHING
    most, least = max(counts, key=lambda value: counts[value]), min(counts, key=lambda value: counts[value])
    return f"{most[:40]} ({counts[most]:,})", f"{least[:40]} ({counts[least]:,})"


def _leakage(found: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Of each held-out split: rows that ask what a training row asks, word for word and to each degree of likeness."""
    if not found or not found.get("rows"):
        return None
    near = found.get("near") or {}
    degrees = sorted({degree for counts in near.values() for degree in counts}, key=float, reverse=True)
    return {
        "degrees": degrees,
        "not_looked_for": found.get("not_looked_for"),
        "rows": [
            {
                "name": _LABELS.get(split, split),
                "rows": _count(rows),
                "exact": _count(found["exact"].get(split)),
                "near": [_with_share(near.get(split, {}).get(degree), rows) for degree in degrees],
            }
            for split, rows in found["rows"].items()
        ],
    }


def _with_share(count: int | None, rows: int) -> str:
    return NOTHING if count is None or not rows else f"{count:,} ({count / rows:.1%})"


def _count(value: int | None) -> str:
    return NOTHING if value is None else f"{value:,}"
