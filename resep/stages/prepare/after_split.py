"""Steps that see the training rows only, after the split: they drop rows, copy them, or make new ones from them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from resep.errors import ResepError
from resep.formats import to_example
from resep.records import Row, to_bytes
from resep.splits import SPLITS, TRAIN
from resep.stages.prepare.batch import Batch, Kept, kept_row
from resep.stages.prepare.finish import numbered_alike
from resep.stages.prepare.judge import finding
from resep.stages.prepare.local import Apply, local_steps
from resep.stages.prepare.made import Made
from resep.stages.prepare.plan import Plan, Planned
from resep.stages.prepare.shard import Drop, Tally
from resep.stages.prepare.state import Passed, StepDone, open_lines
from resep.stages.prepare.text import open_step


@dataclass(frozen=True)
class RowFile:
    """Rows on disk, to be gone through as often as a step likes."""

    path: Path

    def __iter__(self) -> Iterator[Kept]:
        with self.path.open("rb") as file:
            yield from map(kept_row, file)

    def __len__(self) -> int:
        with self.path.open("rb") as file:
            return sum(1 for _ in file)

    def write(self, rows: Iterable[Kept]) -> None:
        with self.path.open("wb") as file:
            file.writelines(row.line() for row in rows)


@dataclass(frozen=True)
class TrainingRows:
    """What a step after the split receives: the training rows, and in `held_out` those of the other splits."""

    rows: RowFile
    held_out: RowFile
    again: Sequence[Apply] = ()

    def __iter__(self) -> Iterator[Kept]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def cleaned(self, row: Row) -> Row:
        """A row that a step made as the recipe's own steps leave it; `dropped` says why they do not."""
        own = Kept(row.id, row.fields, row.origin, None, row.parent)  # known again, so that it is cleaned once
        dropped, fields = _cleaned(own, self.again)
        return replace(own, fields=fields or row.fields, dropped=dropped)


def run_after_split(plan: Plan, passed: Passed, splits: NDArray[np.int8], folder: Path) -> tuple[RowFile, Made]:
    """The training rows after these steps, in their order, and what was made; a dropped row leaves `splits`."""
    held_out, rows = RowFile(folder / "held-out"), RowFile(folder / "train-0")
    held_out.write(_rows_of(passed, splits, [at for at in range(len(SPLITS)) if at != TRAIN]))
    rows.write(_rows_of(passed, splits, [TRAIN]))
    again = local_steps([step for each in plan.passes for step in each.steps])
    made = Made()
    for at, step in enumerate(plan.after_split, 1):
        after = RowFile(folder / f"train-{at}")
        after.write(_after(step, TrainingRows(rows, held_out, again), passed, splits, again, made))
        rows = after
    return rows, made


def rendered(rows: Iterable[Kept], plan: Plan) -> Iterator[bytes]:
    """The lines of examples."""
    for row in rows:
        yield to_bytes(to_example(row, plan.system, plan.response_format))


def _rows_of(passed: Passed, splits: NDArray[np.int8], wanted: Sequence[int]) -> Iterator[Kept]:
    for offset, shard in passed.left.shards():
        for line in open_lines(passed.fates, offset, shard):
            row = kept_row(line, offset, passed.fates.name)
            if splits[row.number] in wanted:
                yield numbered_alike(row, passed.book)


def _after(
    step: Planned,
    rows: TrainingRows,
    passed: Passed,
    splits: NDArray[np.int8],
    again: Sequence[Apply],
    made: Made,
) -> Iterator[Kept]:
    done, name, returned = passed.steps[step.at], step.name, 0
    done.rows_in = len(rows)
    by_id = _Places(rows)
    for row in finding(open_step(step.spec).process_rows(rows, **step.spec.options), done):
        kept: Kept | None
        if row.parent is not None and row.id not in by_id:
            kept = _made(row, by_id, done, again, made)
        elif isinstance(row, Kept):
            returned += 1
            kept = _returned(row, name, passed, splits, made)
        else:
            raise ResepError(f"preprocessing step '{name}': a new row names the row that it was made from: parent=...")
        if kept is not None:
            done.rows_out += 1
            yield kept
    if returned != done.rows_in:
        raise ResepError(
            f"preprocessing step '{name}' was given {done.rows_in} rows and returned {returned} of them: "
            "a row that shall not go on is yielded with `dropped` set to the reason"
        )


class _Places(dict[str, tuple[int, int]]):
    """id -> (number, source) of the rows that a step was given."""

    def __init__(self, rows: Iterable[Kept]) -> None:
        super().__init__((row.id, (row.number, row.source)) for row in rows)


def _returned(row: Kept, name: str, passed: Passed, splits: NDArray[np.int8], made: Made) -> Kept | None:
    if not row.dropped:
        return row
    if row.id in made.kept:
        made.dropped.append((made.kept.pop(row.id), name, row.dropped))
    else:
        passed.fates.drop([Drop(row.number, name, row.dropped)])
        splits[row.number] = -1
    return None


def _made(row: Row, given: _Places, done: StepDone, again: Sequence[Apply], made: Made) -> Kept | None:
    """A row that was made: a copy stays as it is, a new text goes through the recipe's steps like any other."""
    assert row.parent is not None
    if row.parent not in given:
        raise ResepError(f"preprocessing step '{done.name}' made a row from '{row.parent}', which it was not given")
    if row.id in made.kept:
        raise ResepError(f"preprocessing step '{done.name}' made two rows with the id '{row.id}'")
    done.rows_made += 1
    number, source = given[row.parent]
    is_copy = isinstance(row, Kept)
    own = Kept(row.id, row.fields, row.origin, None, row.parent, number, source, row.id)
    dropped, fields = (row.dropped, row.fields) if is_copy else _cleaned(own, again)
    if dropped:
        made.dropped.append((own, done.name, dropped))
        return None
    made.kept[row.id] = replace(own, fields=fields)
    return made.kept[row.id]


def _cleaned(row: Kept, again: Sequence[Apply]) -> tuple[str | None, Mapping[str, object]]:
    tally = Tally()
    place = [row.origin.file], [row.origin.line]
    batch = Batch([0], [row.id], *place, [row.source], [dict(row.fields)], [{}])
    for step in again:
        batch = step(batch, tally)
    return next((drop.reason for drop in tally.drops), None), next(iter(batch.fields), {})
