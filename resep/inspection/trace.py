"""Rows on their way through the steps, one step after another, as the engine runs them.

Only the first rows of each source are read. What a step does with one row alone is done again here, with the engine's
own functions. What became of a row in a step that sees all of them is looked up in the ledger; what such a step made of
its texts, in the prepared rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain, groupby, islice
from typing import TYPE_CHECKING, Any

from resep.formats import FIRST_ROWS, mapping_of
from resep.inspection.prepared import Prepared
from resep.inspection.states import State, state_of, state_of_example
from resep.plugins.source import TEXT_SHAPES
from resep.sources import Source, open_lookup, open_sources, raw_rows, read_blocks
from resep.stages.prepare.batch import Batch
from resep.stages.prepare.local import Apply, local_steps
from resep.stages.prepare.plan import READ, Plan, Planned, plan_of
from resep.stages.prepare.reading import read_block
from resep.stages.prepare.shard import Tally
from resep.stages.prepare.text_run import TextStep, run_text_steps, text_step

if TYPE_CHECKING:
    from resep.recipe import Recipe

ROWS_LOOKED_AT = 1000  # of all sources together

AS_PREPARED = "as prepared"


@dataclass(frozen=True)
class Moment:
    """A row after a step: what it says then, None where that was not looked at, and what there is to say of it."""

    step: str
    state: State | None
    said: str = ""
    is_end: bool = False  # the row went no further


@dataclass
class Traced:
    """A row: its `entry` in the ledger, what it said when it was read (nothing, where it could not be), its moments."""

    entry: Mapping[str, Any]
    read: State
    moments: list[Moment] = field(default_factory=list)

    @property
    def last(self) -> State:
        """What the row says by now."""
        return next((moment.state for moment in reversed(self.moments) if moment.state is not None), self.read)

    @property
    def has_ended(self) -> bool:
        return bool(self.moments) and self.moments[-1].is_end


Rows = Mapping[int, Traced]  # by their numbers in a block
Walk = Callable[[Batch, Rows], Batch]  # a batch through one or several steps, noted in its rows


def plan_for(recipe: Recipe) -> tuple[Plan, list[Source]]:
    """How the engine prepares the recipe, and its sources, all on this machine."""
    sources = open_sources(recipe, lambda event: None)  # noqa: ARG005 - they were announced when they were prepared
    mapped = [
        mapping_of(recipe["data.sources"][each.index], partial(_values_of_first, each), open_lookup(recipe, each.index))
        for each in sources
    ]
    plan = plan_of(recipe, mapped)
    return plan, sources


def traced_rows(recipe: Recipe, plan: Plan, sources: Sequence[Source], prepared: Prepared) -> list[Traced]:
    """The first rows of the sources, in their order, with all that became of them."""
    named = {name for step in recipe.steps for name in step.fields}
    walks = list(_walks(plan, named))
    most = max(1, ROWS_LOOKED_AT // len(sources))
    traced: list[Traced] = []
    for source in sources:
        limit = recipe["data.sources"][source.index].get("limit")
        for block in read_blocks(source, most if limit is None else min(most, limit)):
            batch, read = read_block(block, plan, [], bytearray())
            if read["lines"]:
                entries = prepared.entries(block.file, read["lines"][0], block.source, len(read["lines"]))
                traced += _of_block(batch, entries, walks, named)
    return traced


def finish(row: Traced, plan: Plan, prepared: Prepared) -> Traced:
    """The row with its last moments: the steps for training rows alone, and how it stands in its split."""
    moments, entry = list(row.moments), row.entry
    if entry["split"] == "train":
        moments += [Moment(step.name, None, _after_split(entry["id"], prepared)) for step in plan.after_split]
    if entry["status"] == "kept":
        state = state_of_example(prepared.example(entry["split"], entry["id"]), row.last)
        moments.append(Moment(AS_PREPARED, state, f"in {entry['split']}"))
    return replace(row, moments=moments)


def _values_of_first(source: Source) -> list[Mapping[str, Any]]:
    rows = chain.from_iterable(map(raw_rows, read_blocks(source, FIRST_ROWS)))
    return [raw.values for raw in islice(rows, FIRST_ROWS) if not raw.problem]


def _of_block(
    batch: Batch, entries: Sequence[Mapping[str, Any]], walks: Sequence[Walk], named: set[str]
) -> Iterator[Traced]:
    fields = dict(zip(batch.numbers, batch.fields, strict=True))
    rows = {
        number: Traced(entry, state_of(fields[number], named) if number in fields else ())
        for number, entry in enumerate(entries)
    }
    for row in rows.values():
        if row.entry["step"] == READ:
            row.moments.append(Moment(READ, None, row.entry["reason"], is_end=True))
    batch = batch.keep([not rows[number].has_ended for number in batch.numbers])
    for walk in walks:
        batch = walk(batch, rows)
    for row in rows.values():
        if row.entry["step"] and not row.has_ended:
            row.moments.append(Moment(row.entry["step"], None, row.entry["reason"], is_end=True))
    return iter(rows.values())


def _walks(plan: Plan, named: set[str]) -> Iterator[Walk]:
    """The steps of the plan up to the first that may change what it is not seen to change."""
    for each in plan.passes:
        for is_text, group in groupby(each.steps, key=lambda step: step.shape in TEXT_SHAPES):
            if is_text:
                yield partial(_texts, run=[text_step(step) for step in group], named=named)
            else:
                yield from (partial(_check, step=step, apply=local_steps([step])[0], named=named) for step in group)
        yield from (partial(_judged, step=step) for step in each.judges)
        if each.stream:
            yield partial(_judged, step=each.stream)
            return


def _texts(batch: Batch, rows: Rows, *, run: Sequence[TextStep], named: set[str]) -> Batch:
    """Neighbouring text steps, which hide placeholders from one another: the first alone, the first two, and so on."""
    for length in range(1, len(run) + 1):
        tally, step = Tally(), run[length - 1].step
        after = run_text_steps(batch, tally, run=run[:length], digest=None)
        _note(after, rows, step.name, named)
        is_last = length == len(run)
        for drop in tally.drops:
            said = drop.reason if is_last else f"{drop.reason.removesuffix(_EMPTIED)}, which is empty now"
            rows[drop.number].moments.append(Moment(step.name, None, said, is_end=is_last))
    return after


_EMPTIED = " is empty after preprocessing"


def _check(batch: Batch, rows: Rows, *, step: Planned, apply: Apply, named: set[str]) -> Batch:
    tally = Tally()
    after = apply(batch, tally)
    _note(after, rows, step.name, named)
    for drop in tally.drops:
        rows[drop.number].moments.append(Moment(step.name, None, drop.reason, is_end=True))
    return after


def _judged(batch: Batch, rows: Rows, *, step: Planned) -> Batch:
    """A step that sees all rows: the ledger knows what became of these."""
    for number in batch.numbers:
        is_end = rows[number].entry["step"] == step.name
        said = rows[number].entry["reason"] if is_end else "saw all rows; this one goes on"
        rows[number].moments.append(Moment(step.name, None, said, is_end=is_end))
    return batch.keep([not rows[number].has_ended for number in batch.numbers])


def _note(batch: Batch, rows: Rows, step: str, named: set[str]) -> None:
    for number, fields in zip(batch.numbers, batch.fields, strict=True):
        rows[number].moments.append(Moment(step, state_of(fields, named)))


def _after_split(name: str, prepared: Prepared) -> str:
    made = prepared.rows_made_from(name)
    return f"saw the training rows; {made} made from this one" if made else "saw the training rows; this one goes on"
