"""Steps that see all rows before they say anything of one: from their digests, or as a stream from disk."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from numpy.typing import NDArray

from resep.errors import ResepError
from resep.judging import Digests, Judgement
from resep.records import Row
from resep.stages.prepare.batch import Batch, Kept, kept_row
from resep.stages.prepare.columns import Column, chosen_rows
from resep.stages.prepare.failures import guarded
from resep.stages.prepare.plan import Planned
from resep.stages.prepare.shard import Drop, Shard, packed, save
from resep.stages.prepare.state import Left, Passed, StepDone, open_lines
from resep.stages.prepare.text import open_step

_ROWS_PER_SHARD = 5_000
Value = TypeVar("Value")


@dataclass(frozen=True)
class AllRows:
    """The rows that are left, from disk: to be gone through as often as a step likes."""

    passed: Passed

    def __len__(self) -> int:
        return sum(1 for _ in self._lines())

    def __iter__(self) -> Iterator[Kept]:
        for offset, line in self._lines():
            yield kept_row(line, offset, self.passed.fates.name)

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        for offset, shard in self.passed.left.shards():
            for line in open_lines(self.passed.fates, offset, shard):
                yield offset, line


def judge(step: Planned, digests: Column, numbers: NDArray[Any], passed: Passed) -> None:
    """Let a step judge the rows that are still there from the digests that it made of them."""
    fates, done = passed.fates, passed.steps[step.at]
    there = fates.open_among(numbers, digests.path.with_suffix(".open"))
    table = chosen_rows(digests.table(len(numbers)), there, digests.path.with_suffix(".chosen"))
    alive = chosen_rows(numbers, there, digests.path.with_suffix(".alive"))
    done.rows_in = done.rows_out = len(alive)
    if not done.rows_in:
        return
    judged = open_step(step.spec).judge_rows(
        Digests(table, lambda index: fates.place(int(alive[index]))), **step.spec.options
    )
    for said in finding(judged, done):
        if not isinstance(said, Judgement):
            raise ResepError(f"preprocessing step '{step.name}': judge_rows yields Judgement, not {type(said)}")
        number = int(alive[said.index])
        if said.dropped:
            done.rows_out -= fates.drop([Drop(number, step.name, said.dropped)])
        elif said.group:
            passed.groups[number] = said.group


def stream(step: Planned, passed: Passed, folder: Path) -> Left:
    """Let a step go through all rows, and keep those that it returns, in its order."""
    done = passed.steps[step.at]
    rows = AllRows(passed)
    done.rows_in = len(rows)
    returned = finding(open_step(step.spec).process_rows(rows, **step.spec.options), done)
    left = Left(folder)
    folder.mkdir(parents=True, exist_ok=True)
    kept = _kept(returned, step, passed)
    while batch := list(islice(kept, _ROWS_PER_SHARD)):
        save(_shard(batch), folder / f"{len(left.offsets):06}")
        left.offsets.append(0)
        done.rows_out += len(batch)
    return left


def _kept(rows: Iterable[Row], step: Planned, passed: Passed) -> Iterator[Kept]:
    name, done, returned = step.name, passed.steps[step.at], 0
    for row in rows:
        returned += 1
        if not isinstance(row, Kept):
            what = "that it was not given" if isinstance(row, Row) else f"of another kind: {type(row).__name__}"
            raise ResepError(
                f"preprocessing step '{name}' returned a row {what}: return the rows as they came, or with "
                "dataclasses.replace"
            )
        if row.dropped:
            passed.fates.drop([Drop(row.number, name, row.dropped)])
        else:
            done.changed += row.fields != row.given
            yield row
    if returned != done.rows_in:
        raise ResepError(
            f"preprocessing step '{name}' was given {done.rows_in} rows and returned {returned}: "
            "a row that shall not go on is yielded with `dropped` set to the reason"
        )


def _shard(rows: list[Kept]) -> Shard:
    batch = Batch(
        [row.number for row in rows],
        [row.own_id for row in rows],
        [row.origin.file for row in rows],
        [row.origin.line for row in rows],
        [row.source for row in rows],
        [dict(row.fields) for row in rows],
        [dict(row.own) for row in rows],
    )
    return Shard(batch.lines(), packed(numbers=batch.numbers), [], {})


def finding(rows: Iterable[Value], done: StepDone) -> Iterator[Value]:
    """What a step yields; what it returns at its end are its findings."""
    with guarded(done.name):
        findings = yield from _with_result(rows)
    if isinstance(findings, Mapping):
        done.findings = findings


def _with_result(rows: Iterable[Value]) -> Generator[Value, None, Any]:
    return (yield from rows)
