"""What preparation did, as lines: the ledger that closes, steps, splits, what was found. From statistics.json."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from resep.inspection.findings import finding
from resep.inspection.table import aligned, number

_MOST_REASONS = 8  # of a source or a step, the most frequent first
_LABELS = {"train": "training"}


@dataclass(frozen=True)
class Section:
    """A title and the lines under it, aligned."""

    title: str
    lines: Sequence[str]


def account(found: Mapping[str, Any]) -> Iterator[Section]:
    """The sections that have something to say. `found` is the content of statistics.json."""
    yield Section("rows", [*aligned(_sources(found["sources"])), closing(found)])
    if found["steps"]:
        yield Section("steps", aligned(_steps(found["steps"])))
    yield Section("splits", aligned(_splits(found["splits"])))
    for title, lines in (
        ("placeholders", _placeholders(found["placeholders"])),
        ("leakage", _leakage(found["leakage"])),
        ("balance of values", aligned(_uneven(found["imbalance"]))),
        ("findings", aligned(_findings(found["steps"]))),
        ("warnings", warnings_of(found)),
    ):
        if lines:
            yield Section(title, lines)


def files(folder: Path) -> Section:
    """Where to look further. `folder` is that of the prepared rows."""
    lines = [("what became of every row", str(folder / "ledger.jsonl"))]
    quarantined = folder / "quarantined.jsonl"
    if quarantined.is_file() and quarantined.stat().st_size:
        lines.append(("rows to mend in a copy, which is then a source", str(quarantined)))
    return Section("files", aligned(lines))


def closing(found: Mapping[str, Any]) -> str:
    """`1,000 read + 20 made = 950 kept + 60 dropped + 10 quarantined`: every row is accounted for."""
    dropped = sum(found["dropped"].values()) + sum(found["dropped_of_made"].values()) - found["quarantined"]
    came = {"read": found["rows_in"], "made": found["rows_made"]}
    went = {"kept": found["rows_kept"], "dropped": dropped, "quarantined": found["quarantined"]}
    sides = [" + ".join(f"{n:,} {what}" for what, n in side.items() if n) or "0" for side in (came, went)]
    return f"{sides[0]} {'=' if sum(came.values()) == sum(went.values()) else 'but'} {sides[1]}"


def warnings_of(found: Mapping[str, Any]) -> list[str]:
    """Every warning once: those of the stage and those of its steps."""
    of_steps = (warning for step in found["steps"] for warning in (step.get("findings") or {}).get("warnings", ()))
    return list(dict.fromkeys([*found["warnings"], *of_steps]))


def _sources(sources: Sequence[Mapping[str, Any]]) -> Iterator[Sequence[str]]:
    yield "", "read", "kept", "dropped", "quarantined"
    for source in sources:
        gone = sum(source["dropped"].values())
        counts = (source["rows_kept"], gone - source["quarantined"], source["quarantined"])
        yield source["name"], f"{source['rows_in']:,}", *map(number, counts)
        is_quarantine = bool(source["quarantined"])
        for reason, count in _most(source["dropped"]):
            is_bad = is_quarantine and reason.startswith("bad row: ")
            yield f"  {reason}", "", "", *(("", number(count)) if is_bad else (number(count), ""))


def _steps(steps: Sequence[Mapping[str, Any]]) -> Iterator[Sequence[str]]:
    yield "", "in", "out", "changed", "dropped", "made", ""
    for step in steps:
        lost = step["rows_in"] + step["rows_made"] - step["rows_out"]
        counts = (step["changed"], lost, step["rows_made"])
        said = [f"{count:,} {reason}" for reason, count in _most(step["dropped"])]
        replaced = sorted((step.get("replaced") or {}).items(), key=lambda item: -item[1])
        said += [f"{count:,} [{kind}]" for kind, count in replaced]
        yield step["name"], f"{step['rows_in']:,}", f"{step['rows_out']:,}", *map(number, counts), ", ".join(said)


def _splits(splits: Mapping[str, int]) -> Iterator[Sequence[str]]:
    kept = sum(splits.values()) or 1
    yield "", "rows", "share"
    for split, rows in splits.items():
        yield split, f"{rows:,}", f"{rows / kept:.1%}"


def _placeholders(counts: Mapping[str, int]) -> list[str]:
    """How many stand in the rows that are kept."""
    said = [f"{count:,} {name}" for name, count in counts.items() if name != "other"]
    if other := counts.get("other"):
        said.append(f"{other:,} that stood in the data already")
    return [", ".join(said)] if said else []


def _leakage(found: Mapping[str, Any] | None) -> list[str]:
    """Of each held-out split, how many prompts training has as well: word for word, and nearly."""
    if not found or not found["rows"]:
        return []
    near = found["near"] or {}
    degrees = sorted({degree for counts in near.values() for degree in counts}, key=float)
    rows = [("", "prompts", "word for word", *(f"alike to {degree}" for degree in degrees))]
    for split, count in found["rows"].items():
        nearly = (f"{near[split][degree]:,}" for degree in degrees) if split in near else ()
        rows.append((split, f"{count:,}", f"{found['exact'][split]:,}", *nearly))
    said = found["not_looked_for"]
    return [*aligned(rows), *([f"near ones were not looked for: {said}"] if said else [])]


def _uneven(entries: Sequence[Mapping[str, Any]]) -> Iterator[Sequence[str]]:
    """The values of each field that sorts rows: all rows read, then training."""
    if entries:
        yield "", "", "values", "most frequent", "rows", "rarest", "rows", "ratio", "evenness"
    for entry in entries:
        for name, part in (("read", entry["before"]), ("training", entry["splits"].get("train"))):
            if part and part["counts"]:
                yield entry["field"] if name == "read" else "", name, *_spread(part)


def _spread(part: Mapping[str, Any]) -> Sequence[str]:
    counts: Mapping[str, int] = part["counts"]
    most, least = max(counts, key=lambda value: counts[value]), min(counts, key=lambda value: counts[value])
    ratio = "" if part["ratio"] is None else f"{part['ratio']:,.1f}"
    evenness = "" if part["evenness"] is None else f"{part['evenness']:.2f}"
    return f"{part['values']:,}", most[:30], f"{counts[most]:,}", least[:30], f"{counts[least]:,}", ratio, evenness


def _findings(steps: Iterable[Mapping[str, Any]]) -> Iterator[Sequence[str]]:
    for step in steps:
        if said := finding(step.get("findings") or {}):
            yield step["name"], said


def _most(reasons: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    ordered = sorted(reasons.items(), key=lambda item: -item[1])
    yield from ordered[:_MOST_REASONS]
    if rest := ordered[_MOST_REASONS:]:
        yield f"{len(rest)} more reason{'s' * (len(rest) > 1)}", sum(count for _, count in rest)
