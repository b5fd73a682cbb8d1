"""The first pass: the rows of every source through the steps into one file of examples; the dropped into the ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from resep.errors import ResepError
from resep.records import Row, to_line
from resep.stages.prepare.apply import StepCount, apply_steps
from resep.stages.prepare.ledger import Ledger
from resep.stages.prepare.render import to_example
from resep.stages.prepare.rows import Mapped, Names, to_row
from resep.stages.prepare.sources import read_source
from resep.stages.prepare.split import position, split_key
from resep.store import Emit

if TYPE_CHECKING:
    from resep.recipe import Recipe, StepSpec

EXAMPLES, LEDGER = "examples.partial", "ledger.partial"  # in the stage's folder, gone when it is complete
_PROGRESS_EVERY = 5_000


@dataclass(frozen=True)
class Cleaned:
    """What the first pass leaves besides its files: per kept row a position, and a class where asked for; counts."""

    rows_in: int
    positions: list[float]
    strata: list[str] | None
    dropped: Counter[str]
    steps: list[StepCount]
    placeholder_names: frozenset[str]


def clean_rows(recipe: Recipe, out: Path, emit: Emit) -> Cleaned:
    """Write EXAMPLES (one line per kept row) and LEDGER (one per input row, kept ones open) into `out`."""
    salt, group_by, stratify_by = (recipe[f"split.{key}"] for key in ("salt", "group_by", "stratify_by"))
    system, response_format = recipe["prompt.system"], recipe["prompt.response_format"]
    positions: list[float] = []
    strata: list[str] | None = [] if stratify_by else None
    with (out / EXAMPLES).open("w", encoding="utf-8") as examples, (out / LEDGER).open("w", encoding="utf-8") as file:
        ledger = Ledger(file)
        read = _Read()
        rows = _without_dropped(_rows(recipe, read, emit), ledger)
        left, steps = apply_steps(rows, recipe.steps, ledger.drop)
        for row in left:
            examples.write(to_line(to_example(row, system, response_format)))
            ledger.keep(row)
            positions.append(position(split_key(row, group_by), salt))
            if strata is not None:
                strata.append(_stratum(row, stratify_by))
    assert ledger.rows == read.rows, f"{read.rows} rows were read, {ledger.rows} are in the ledger"
    return Cleaned(read.rows, positions, strata, ledger.dropped, steps, _placeholder_names(recipe.steps))


@dataclass
class _Read:
    rows: int = 0


def _rows(recipe: Recipe, read: _Read, emit: Emit) -> Iterator[Row]:
    names = Names()
    for index, source in enumerate(recipe["data.sources"]):
        mapped = Mapped.from_source(source)
        raw_rows = read_source(recipe.locate(f"data.sources[{index}].path"), source["path"])
        for raw in islice(raw_rows, source.get("limit")):
            read.rows += 1
            if read.rows % _PROGRESS_EVERY == 0:
                emit({"event": "progress", "done": read.rows, "unit": "rows"})
            yield to_row(raw, mapped, names, recipe["data.on_bad_row"])


def _without_dropped(rows: Iterator[Row], ledger: Ledger) -> Iterator[Row]:
    for row in rows:
        if row.dropped:
            ledger.drop(row)
        else:
            yield row


def _stratum(row: Row, field: str) -> str:
    value = row.fields.get(field)
    if isinstance(value, list | Mapping):
        raise ResepError(f"{row.origin}: `split.stratify_by: {field}` wants one value per row, not a list or an object")
    return "" if value is None else str(value)


def _placeholder_names(steps: tuple[StepSpec, ...]) -> frozenset[str]:
    """The names that the steps may write. Others stand in the data itself, and could be anything, even a person."""
    detectors = {name.upper() for step in steps for name in step.options.get("detectors", ())}
    patterns = {name for step in steps for name in step.options.get("patterns", {})}
    words = {name for step in steps for name in step.options.get("words", {})}
    return frozenset(f"[{name}]" for name in detectors | patterns | words)
