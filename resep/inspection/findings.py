"""What a step found out about all rows, in one line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_LONGEST = 60  # characters of a text among findings that is worth its place in a line


def finding(found: Mapping[str, Any]) -> str:
    """The findings of a step in words: those of the shipped steps as sentences, of others each number by its name."""
    if found.keys() == {"duplicates"}:
        return ""  # their number is that of the rows dropped
    if "components" in found:
        return _near(found)
    if "coverage" in found or "fitted_rows" in found:
        return _sampled(found)
    if "ratio_before" in found:
        return _balanced(found)
    return ", ".join(_plain(found))


def _near(found: Mapping[str, Any]) -> str:
    begun = f"{found['duplicates']:,} equal rows; "
    if not found["components"]:
        return begun + f"no others are alike to {found['near']} or more"
    largest = found["largest"][0]
    return (
        f"{begun}{found['rows']:,} rows in {found['components']:,} groups are alike to {found['near']} or more "
        f"(action: {found['action']}); the largest has {largest['rows']:,}, such as {' and '.join(largest['examples'])}"
    )


def _sampled(found: Mapping[str, Any]) -> str:
    said = f"{found['rows_out']:,} of {found['rows_in']:,} rows by {found['strategy']}"
    if clusters := found.get("clusters"):
        said += f", from {len(clusters):,} groups of like texts"
    if coverage := found.get("coverage"):
        chosen, lot = coverage["chosen"]["mean"], coverage["random"]["mean"]
        said += f"; a row is {chosen:.3f} from the nearest that is kept, with a draw by lot {lot:.3f}"
    return said


def _balanced(found: Mapping[str, Any]) -> str:
    ratios = (found["ratio_before"], found["ratio_after"])
    before, after = ("unknown" if ratio is None else f"{ratio:,.1f} to 1" for ratio in ratios)
    ends = f"the most frequent value against the rarest {before} before, {after} after"
    return f"{found['by']} by {found['strategy']}: {ends}"


def _plain(found: Mapping[str, Any]) -> Iterator[str]:
    for name, value in found.items():
        if isinstance(value, bool) or value in ("", None):
            continue
        if isinstance(value, int):
            yield f"{name.replace('_', ' ')} {value:,}"
        elif isinstance(value, float):
            yield f"{name.replace('_', ' ')} {value:g}"
        elif isinstance(value, str) and len(value) <= _LONGEST:
            yield f"{name.replace('_', ' ')} {value}"
