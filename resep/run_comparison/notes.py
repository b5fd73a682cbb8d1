"""What differs between two runs besides the answers: each may be the reason for a difference in the numbers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from resep.run_comparison.common_rows import CommonRows
from resep.run_folder import RunFolder

if TYPE_CHECKING:
    from resep.run_comparison import Side

_FACTS = ("model", "precision", "template", "decoding")
_NOT_THE_RUN = (
    "expect",
    "evaluation.slices",
    "evaluation.evaluators.",
)  # what is asked of the answers, not who gave them


def notes(one: Side, other: Side, rows: CommonRows, metrics: Sequence[str]) -> Iterator[str]:
    """A line per difference: arms, system texts, settings, and how a metric was computed."""
    first, second = (side.run.results["arms"][side.arm] for side in (one, other))
    for fact in _FACTS:
        if first.get(fact) != second.get(fact):
            yield f"{fact}: {written(first.get(fact))} -> {written(second.get(fact))}"
    if rows.other_system:
        yield f"the system text differs in {rows.other_system} of the common rows"
    before, after = (side.run.results.get("settings", {}) for side in (one, other))
    for key in [*before, *(key for key in after if key not in before)]:
        if before.get(key) != after.get(key) and not key.startswith(_NOT_THE_RUN):
            yield f"{key}: {written(before.get(key))} -> {written(after.get(key))}"
    yield from _signatures(one.run, other.run, metrics)


def differing_options(one: RunFolder, other: RunFolder) -> dict[str, str]:
    """Metric -> why it is not compared: only one run has it, or its evaluator had other options."""
    before, after = one.results["metrics"], other.results["metrics"]
    found = {name: f"{name} is in one of the runs only" for name in before.keys() ^ after.keys()}
    for name in before.keys() & after.keys():
        evaluator = before[name]["evaluator"]
        options = [_options(run, evaluator) for run in (one, other)]
        apart = [key for key in options[0].keys() | options[1].keys() if options[0].get(key) != options[1].get(key)]
        if apart or after[name]["evaluator"] != evaluator or before[name]["kind"] != after[name]["kind"]:
            found[name] = f"{name} was computed with other options ({', '.join(sorted(apart)) or 'another evaluator'})"
    return {name: found[name] for name in [*before, *after] if name in found}


def written(value: Any) -> str:
    """A setting as a recipe would write it; a dash where there is none."""
    if value is None:
        return "-"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _options(run: RunFolder, evaluator: str) -> Mapping[str, Any]:
    prefix = f"evaluation.evaluators.{evaluator}."
    return {key: value for key, value in run.results.get("settings", {}).items() if key.startswith(prefix)}


def _signatures(one: RunFolder, other: RunFolder, metrics: Sequence[str]) -> Iterator[str]:
    pairs = {
        one.results["metrics"][name]["evaluator"]: (
            one.results["metrics"][name]["signature"],
            other.results["metrics"][name]["signature"],
        )
        for name in metrics
    }
    for evaluator, (first, second) in pairs.items():
        if first != second:
            yield f"{evaluator} was computed otherwise: {first} -> {second}"
