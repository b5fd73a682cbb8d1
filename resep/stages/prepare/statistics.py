"""What preparation says of the data in numbers. No text of a row stands here, but for the values of small fields."""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resep.errors import ResepError
from resep.formats.mapping import LEFT_OUT
from resep.splits import SPLITS
from resep.splits.place import Placement
from resep.stages.prepare.finish import Shared
from resep.stages.prepare.imbalance import imbalance
from resep.stages.prepare.ledger import counted
from resep.stages.prepare.plan import MIX, READ, SPLIT, Plan
from resep.stages.prepare.reading import BAD_ROW
from resep.stages.prepare.state import Passed

if TYPE_CHECKING:
    from resep.recipe import Recipe


def statistics(plan: Plan, passed: Passed, shared: Shared, recipe: Recipe) -> dict[str, Any]:
    """The content of statistics.json. Raises AssertionError where a row is not accounted for."""
    sources = [_of_source(at, name, passed, plan) for at, name in enumerate(plan.source_names)]
    reasons = _merged(passed.fates.dropped.values())
    stratify_by, slices = recipe["split.stratify_by"], recipe["evaluation.slices"]
    uneven = imbalance(passed.fates.values, shared.values, {stratify_by, *slices})
    found = {
        "rows_in": passed.fates.count,
        "rows_made": shared.made,
        "rows_kept": shared.splits.total(),
        "quarantined": sum(source["quarantined"] for source in sources),
        "dropped": dict(reasons.most_common()),
        "dropped_of_made": dict(shared.made_dropped.most_common()),
        "splits": dict(shared.splits),
        "sources": sources,
        "steps": [_of_step(at, passed) for at in range(len(passed.steps))],
        "placeholders": dict(sorted(shared.placeholders.items())),
        "strata": _by_value(shared, stratify_by) if stratify_by else {},
        **_placed(shared.placement),
        "leakage": shared.leakage,
        "imbalance": uneven,
        "warnings": [
            *_bad_rows(reasons, passed.fates.count),
            *shared.warnings,
            *_unwatched(shared, recipe["split.fractions"] or {}),
            *(warning for entry in uneven for warning in entry["warnings"]),
        ],
        "unicode": unicodedata.unidata_version,
    }
    _close(found, passed, plan)
    return found


def write_statistics(path: Path, found: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def check_dropped(plan: Plan, passed: Passed, max_dropped: float | None) -> None:
    """Raises ResepError where no row is left, or more were dropped than the recipe allows.

    What `where` leaves out and what a step chooses among all rows, such as `sample`, is no loss.
    """
    rows, reasons = passed.fates.count, _merged(passed.fates.dropped.values())
    if reasons.total() == rows:
        raise ResepError(f"no rows are left: all {rows} were dropped ({_in_words(reasons)})")
    choosing = {each.stream.name for each in plan.passes if each.stream}
    lost = _merged(reasons for (_, step), reasons in passed.fates.dropped.items() if step not in choosing)
    for reason in [reason for reason in lost if reason.startswith(LEFT_OUT)]:
        del lost[reason]
    if max_dropped is not None and lost.total() > max_dropped * rows:
        raise ResepError(
            f"{lost.total()} of {rows} rows were dropped ({_in_words(lost)}); "
            f"`data.max_dropped` allows {max_dropped:.0%} of them"
        )


def _in_words(reasons: Counter[str]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in reasons.most_common())


def _placed(placement: Placement | None) -> dict[str, Any]:
    """Classes that have no row in a split, and why; the times that the splits cover, where they go by time."""
    if placement is None:
        return {}
    return {"uncovered": [asdict(each) for each in placement.uncovered], "spans": dict(placement.spans)}


def _by_value(shared: Shared, field: str) -> dict[str, dict[str, int]]:
    counts = shared.values[field]
    values = sorted({value for split in SPLITS for value in counts[split]})
    return {value: {split: counts[split][value] for split in SPLITS} for value in values}


def _bad_rows(reasons: Counter[str], rows: int) -> Iterator[str]:
    """Rows that `data.on_bad_row` left out: a step drops by rule, these are faults of the data."""
    bad = [(count, reason) for reason, count in reasons.most_common() if reason.startswith(BAD_ROW)]
    if bad:
        why = "most often because" if len(bad) > 1 else "because"
        yield (
            f"{sum(count for count, _ in bad)} of {rows} rows could not be used, {why}: "
            f"{bad[0][1].removeprefix(BAD_ROW)}; ledger.jsonl names each with its line"
        )


def _unwatched(shared: Shared, fractions: Mapping[str, float]) -> Iterator[str]:
    if fractions.get("validation") and not shared.splits["validation"]:
        yield "no validation rows: training is watched on nothing; give more rows or a larger `validation` share"


def _of_source(at: int, name: str, passed: Passed, plan: Plan) -> dict[str, Any]:
    counts = _merged(reasons for (source, _), reasons in passed.fates.dropped.items() if source == at)
    bad = sum(count for reason, count in counts.items() if reason.startswith(BAD_ROW))
    quarantined = bad if plan.on_bad_row == "quarantine" else 0
    rows_in = passed.fates.rows_of(at)
    return {
        "name": name,
        "rows_in": rows_in,
        "rows_kept": rows_in - counts.total(),
        "quarantined": quarantined,
        "dropped": dict(counts.most_common()),
    }


def _of_step(at: int, passed: Passed) -> dict[str, Any]:
    done = {key: value for key, value in asdict(passed.steps[at]).items() if value is not None}
    return {**done, "dropped": dict(_dropped_by(passed, done["name"]).most_common())}


def _dropped_by(passed: Passed, step: str) -> Counter[str]:
    return _merged(reasons for (_, by), reasons in passed.fates.dropped.items() if by == step)


def _merged(counters: Any) -> Counter[str]:
    merged: Counter[str] = Counter()
    for reasons in counters:
        for reason, count in reasons.items():
            merged[counted(reason, merged)] += count
    return merged


def _close(found: Mapping[str, Any], passed: Passed, plan: Plan) -> None:
    """The ledger closes: for all rows, for each source, and from step to step."""
    left = found["rows_in"] - _dropped_by(passed, READ).total()
    after = {step.at for step in plan.after_split}
    for at, step in enumerate(found["steps"]):
        dropped = sum(step["dropped"].values())
        made = step["rows_made"] - (sum(found["dropped_of_made"].values()) if at in after else 0)
        if at not in after:
            _agree(step["rows_in"], left, f"rows that reach step {step['name']}")
            left = step["rows_out"]
        if len(after) < 2:
            _agree(step["rows_out"], step["rows_in"] + made - dropped, f"rows after step {step['name']}")
    left -= _dropped_by(passed, MIX).total() + _dropped_by(passed, SPLIT).total()
    made = found["rows_made"] - sum(found["dropped_of_made"].values())
    left += made - sum(_dropped_by(passed, step.name).total() for step in plan.after_split)
    _agree(found["rows_kept"], left, "rows that are kept")
    _agree(sum(source["rows_in"] for source in found["sources"]), found["rows_in"], "rows of all sources")
    _agree(
        sum(source["rows_kept"] for source in found["sources"]) + made, found["rows_kept"], "rows kept of all sources"
    )


def _agree(found: int, expected: int, what: str) -> None:
    if found != expected:
        raise AssertionError(f"the ledger does not close: {found} {what}, where {expected} were counted")
