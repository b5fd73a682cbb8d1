"""What differs between two runs besides the answers: each may be the reason for a difference in the numbers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from resep import plugins
from resep.errors import ResepError
from resep.run_comparison.common_rows import CommonRows
from resep.run_folder import RunFolder, metric_of

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


def not_compared(one: RunFolder, other: RunFolder) -> dict[str, str]:
    """Metric -> why: only one run has it, its evaluator had other options, or it is relative to an arm of its run."""
    before, after = one.results["metrics"], other.results["metrics"]
    found = {name: f"{name} is in one of the runs only" for name in before.keys() ^ after.keys()}
    for name in before.keys() & after.keys():
        evaluator = before[name]["evaluator"]
        apart = _options_apart(one, other, evaluator, before[name]["signature"] == after[name]["signature"])
        if metric_of(name, before[name]).relative or metric_of(name, after[name]).relative:
            found[name] = f"{name} says how an arm fares beside another of its own run, so nothing of another run"
        elif apart or after[name]["evaluator"] != evaluator or before[name]["kind"] != after[name]["kind"]:
            found[name] = f"{name} was computed with other options ({', '.join(apart) or 'another evaluator'})"
    return {name: found[name] for name in [*before, *after] if name in found}


def written(value: Any) -> str:
    """A setting as a recipe would write it; a dash where there is none."""
    if value is None:
        return "-"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _options_apart(one: RunFolder, other: RunFolder, evaluator: str, same_signature: bool) -> list[str]:
    """The options of an evaluator, as keys of a recipe, that differ.

    A run that was made before an option existed does not name it: then nothing differs where the signatures are equal,
    and else the option had its default.
    """
    prefix = f"evaluation.evaluators.{evaluator}."
    settings = [side.results.get("settings", {}) for side in (one, other)]
    keys = sorted({key for each in settings for key in each if key.startswith(prefix)})
    named = [key for key in keys if all(key in each for each in settings)]
    defaults = {} if same_signature else _defaults(one, other, evaluator)
    apart = []
    for key in named if same_signature else keys:
        values = [each.get(key, defaults.get(key.removeprefix(prefix))) for each in settings]
        apart += [key] if values[0] != values[1] else []
    return apart


def _defaults(one: RunFolder, other: RunFolder, evaluator: str) -> dict[str, Any]:
    """What the evaluator's options are where nothing is said; nothing where its file is not here."""
    try:
        path = plugins.find("evaluators", evaluator, one.path / "recipe", other.path / "recipe")
        return plugins.option_values(plugins.describe(path), {})
    except ResepError:
        return {}


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
