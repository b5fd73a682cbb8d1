"""The rows through all steps of the recipe: pass after pass, judged in between, everything on disk.

Memory holds one batch per worker and a few numbers per row; a pass that was interrupted goes on after its last shard.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import numpy as np

from resep.errors import ResepError
from resep.sources import Block
from resep.stages.prepare.columns import Column
from resep.stages.prepare.deciding import Deciding
from resep.stages.prepare.fates import Fates
from resep.stages.prepare.judge import judge, stream
from resep.stages.prepare.plan import READ, Plan
from resep.stages.prepare.progress import Progress
from resep.stages.prepare.reading import BAD_ROW
from resep.stages.prepare.shard import Drop, Seen, Shard, add_counts, load, save
from resep.stages.prepare.state import Left, Passed, StepDone, open_lines
from resep.stages.prepare.work import Job
from resep.stages.prepare.workers import in_order


@dataclass(frozen=True)
class Machine:
    """Where the work is done: on `cores` of this machine, or (`engine: ray`) on a cluster."""

    cores: int = 1
    engine: str = "local"


def run_passes(plan: Plan, blocks: Iterable[Block], folder: Path, machine: Machine, progress: Progress) -> Passed:
    """Every row through every step. Raises ResepError for a row or a step that cannot go on."""
    fates = Fates(folder)
    steps, private = [StepDone(name) for name in plan.step_names], Column(folder / "private", "uint8")
    passed = Passed(Left(folder), Left(folder), fates, steps, Deciding(folder), private)
    jobs: Iterator[Job] = (Job(at, block) for at, block in enumerate(blocks))
    for number, each in enumerate(plan.passes):
        digests = [Column(folder / f"digests-{number}-{at}", "uint8") for at in range(len(each.judges))]
        numbers = Column(folder / f"numbers-{number}", "int64")
        left = Left(folder / f"pass-{number}")
        for shard in _shards(plan, number, jobs, left.folder, machine):
            offset = fates.add(shard) if number == 0 else passed.left.offsets[len(left.offsets)]
            if number:
                fates.drop(shard.drops, offset)
            left.offsets.append(offset)
            _add_up(passed.steps, shard.seen)
            passed.private.write(shard.private)
            numbers.extend(shard.numbers + offset)
            if each is plan.passes[-1]:
                passed.deciding.add(shard, offset)
                passed.shares_numbers |= bool(shard.columns["own"])
            for column, raw in zip(digests, shard.digests, strict=True):
                column.write(raw)
            if number == 0:
                progress.advance(len(shard.read["ids"]))
        if number == 0:
            passed.first = left
            fates.close()
            _drop_repeated_ids(plan, passed)
        passed.left = left
        for step, column in zip(each.judges, digests, strict=True):
            judge(step, column, numbers.array(), passed)
        if each.stream:
            passed.left = stream(each.stream, passed, folder / f"stream-{number}")
        jobs = _jobs(passed)
    return passed


def _shards(plan: Plan, number: int, jobs: Iterable[Job], folder: Path, machine: Machine) -> Iterator[Shard]:
    """The shards of a pass in order: from their files as far as an earlier run came, then made and saved."""
    folder.mkdir(parents=True, exist_ok=True)
    files = (folder / f"{at:06}" for at in count())
    jobs = iter(jobs)
    made = None
    for job, file in zip(jobs, files, strict=False):
        if file.exists():
            yield load(file)
            continue
        made = in_order(plan, number, _chained(job, jobs), machine.cores, machine.engine)
        for shard in made:
            save(shard, file)
            yield shard
            file = next(files)


def _chained(first: Job, rest: Iterator[Job]) -> Iterator[Job]:
    yield first
    yield from rest


def _jobs(passed: Passed) -> Iterator[Job]:
    """The rows that are left, for the next pass."""
    for at, (offset, shard) in enumerate(passed.left.shards()):
        yield Job(at, None, tuple(open_lines(passed.fates, offset, shard)))


def _add_up(steps: list[StepDone], seen: Mapping[int, Seen]) -> None:
    for at, part in seen.items():
        steps[at].rows_in += part.rows_in
        steps[at].rows_out += part.rows_out
        steps[at].changed += part.changed
        add_counts(steps[at].replaced, part.replaced)


def _drop_repeated_ids(plan: Plan, passed: Passed) -> None:
    """A mapped id may stand only once: every further row that bears it is a bad row."""
    fates = passed.fates
    for number in map(int, np.flatnonzero(fates.repeats)):
        if fates.fates[number] or "id" not in plan.mapped[fates.source(number)].fields:
            continue
        reason = "another row has the same id"
        if plan.on_bad_row == "fail":
            advice = "leave `id` out of `fields` to name rows by their content"
            first = int(np.flatnonzero(fates.ids == fates.ids[number])[0])
            raise ResepError(f"{fates.place(number)}: {reason}, {fates.place(first)}; {advice}")
        fates.drop([Drop(number, READ, BAD_ROW + reason)])
        for step in plan.passes[0].steps:
            passed.steps[step.at].rows_in -= 1
            passed.steps[step.at].rows_out -= 1
