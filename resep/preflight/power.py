"""Whether the test rows can show anything: the smallest difference that as many paired rows make visible.

How many standard errors are seen in 80 % of experiments says resep/visible.py, of which resep.statistics makes use,
too; this light module does not import that. Before the first run the standard deviation of the
differences is not known and is the unit; after it, the measured one is taken.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resep.errors import ResepError
from resep.expectations import parse
from resep.recipe.draft import Finding
from resep.rounding import two_digits
from resep.sources import local_source, read_rows
from resep.visible import FEWEST, SMALL, VISIBLE, visible_errors

if TYPE_CHECKING:
    from resep.recipe import Recipe

_LARGEST_COUNTED = 4_000_000  # bytes of a source: larger ones have rows enough


@dataclass(frozen=True)
class Spread:
    """What an earlier run measured: the standard deviation of the primary metric's differences, over `rows` rows."""

    metric: str
    deviation: float
    rows: int


@dataclass(frozen=True)
class Rows:
    """How many test rows there are or, before preparation, how many there will be about."""

    count: int
    is_estimate: bool = False

    def __str__(self) -> str:
        return f"{'about ' * self.is_estimate}{self.count} test row{'s' * (self.count != 1)}"


def power_findings(recipe: Recipe, rows: Rows, spread: Spread | None) -> Iterator[Finding]:
    """What the number of test rows says against the recipe."""
    yield from shows_little(rows, recipe["split.fractions.test"], spread)
    yield from shows_what_is_expected(rows, recipe["expect"], spread)


def visible(rows: int, deviation: float = 1.0) -> float | None:
    """The smallest true difference that so many paired rows show in 80 % of experiments; None: they can show none."""
    errors = visible_errors(rows)
    return None if errors is None else errors * deviation / math.sqrt(rows)


def shows_little(rows: Rows, fraction: float | None, spread: Spread | None) -> Iterator[Finding]:
    """Fewer rows than an interval can be trusted with, and what they would and would not show."""
    if not 0 < rows.count < SMALL:
        return
    unit, deviation = _unit(spread)
    few, enough = visible(rows.count, deviation), visible(SMALL, deviation) or 0.0
    source = f" (its spread as in the last run, over {spread.rows} rows)" if spread else ""
    shows = f"show{'s' * (rows.count == 1)}"
    what = f"{shows} only differences above {two_digits(few)}{unit}" if few else f"{shows} no difference, however large"
    how = "raise split.fractions.test, or add rows" if fraction is not None and fraction < 0.5 else "add rows"
    more = f"{SMALL} show {two_digits(enough)}{'' if few else unit}"
    yield Finding(("split", "fractions", "test"), f"{rows} {what}{source if few else ''}; {more}: {how}", "warning")


def shows_what_is_expected(rows: Rows, expected: Mapping[str, str], spread: Spread | None) -> Iterator[Finding]:
    """An expectation is judged on the interval: the model has to be better by what is expected and what is visible."""
    if spread is None or not rows.count:
        return
    key = f"{spread.metric}.delta"
    try:
        wanted = parse(key, expected[key]) if key in expected else None
    except ResepError:
        return
    needed = visible(rows.count, spread.deviation)
    if needed is None or wanted is None or wanted.relative or not 0 < abs(wanted.limit) < needed:
        return
    beyond = wanted.limit + needed if wanted.operator.startswith(">") else wanted.limit - needed
    message = (
        f"{rows} show differences above {two_digits(needed)} (spread as in the last run), and the whole "
        f"interval has to be {wanted.condition}: this is met four times of five only by a true {two_digits(beyond)}"
    )
    yield Finding(("expect", key), message, "warning")


def sentence(rows: Rows, spread: Spread | None) -> str:
    """What the test rows show, for a plan: `51 test rows, which show differences above 0.11 in order_accuracy`."""
    unit, deviation = _unit(spread)
    smallest = visible(rows.count, deviation)
    if smallest is None:
        return f"{rows}, which show no difference: {FEWEST} are the fewest that can"
    return f"{rows}, which show differences above {two_digits(smallest)}{unit}"


def prepared_rows(prepared: Path) -> Rows | None:
    """The test rows in prepare's folder; None where they cannot be told."""
    count = _read(prepared / "statistics.json").get("splits", {}).get("test")
    return Rows(count) if isinstance(count, int) and count else None


def estimated_rows(recipe: Recipe) -> Rows | None:
    """About how many test rows preparation will leave: none dropped, but by `sample`. None where a source is too large
    to count here, and where the data says itself which of its rows they are.
    """
    if recipe["split.fractions.test"] is None:
        return None
    total = 0
    for index, source in enumerate(recipe["data.sources"]):
        counted = _counted(recipe, index, source)
        if counted is None:
            return None
        total += counted
    for step in recipe.steps:
        if step.name == "sample":
            rows, share = step.options.get("rows"), step.options.get("share")
            total = min(total, rows or total, round(total * (share or 1)))
    test = round(total * recipe["split.fractions.test"])
    return Rows(min(test, recipe["split.max_rows.test"] or test), is_estimate=True) if test else None


def last_spread(recipe: Recipe, runs: Path) -> Spread | None:
    """How the primary metric spread in the last run, from its smallest visible difference; None: not known."""
    primary = recipe["evaluation.primary"]
    last = _read(runs / str(recipe["name"]) / "latest" / "results.json")
    verdict, metric = last.get("verdict", {}), last.get("metrics", {}).get(primary, {})
    for comparison in metric.get("comparisons", []):
        same = all(comparison.get(side) == verdict.get(side) for side in ("baseline", "candidate"))
        rows, smallest = comparison.get("n"), comparison.get("mde")
        if same and rows and smallest:
            errors = visible_errors(comparison.get("units") or rows) or VISIBLE
            return Spread(primary, smallest * math.sqrt(rows) / errors, rows)
    return None


def _unit(spread: Spread | None) -> tuple[str, float]:
    return (f" in {spread.metric}", spread.deviation) if spread else (" standard deviations", 1.0)


def _counted(recipe: Recipe, index: int, source: Mapping[str, Any]) -> int | None:
    """The rows of a source; None where it is not on this machine, or not small."""
    try:
        found = local_source(recipe, index)
        if found is None or sum(file.path.stat().st_size for file in found.files) > _LARGEST_COUNTED:
            return None
        count = sum(1 for _ in read_rows(found))
    except (ResepError, OSError):  # the findings about data say what is wrong with it
        return None
    return min(count, source["limit"] or count)


def _read(file: Path) -> dict[str, Any]:
    """The JSON object in a file of ours; empty where it is not there, or was cut by a full disk."""
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}
