"""What a worker does: a batch through one pass. The same function runs here, in another process, on another machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from resep import plugins
from resep.errors import ResepError
from resep.formats import Rows, example_lines, has_questions, texts_of_rows
from resep.numbering import without_number
from resep.private_digests import digests_of
from resep.records import Row
from resep.sources import Block
from resep.splits.given import given_split
from resep.splits.keys import positions, split_keys
from resep.splits.moments import moment_of
from resep.stages.prepare.batch import Batch, from_lines
from resep.stages.prepare.failures import guarded
from resep.stages.prepare.local import Apply, local_steps
from resep.stages.prepare.plan import Pass, Plan
from resep.stages.prepare.reading import metadata_columns, read_block
from resep.stages.prepare.shard import Shard, Tally, packed
from resep.stages.prepare.text import PLACEHOLDER, open_step

OTHER = "other"  # placeholders that stood in the data already


@dataclass(frozen=True)
class Job:
    """One batch to work on: a block of a source, or the lines that an earlier pass left."""

    shard: int
    block: Block | None = None
    lines: tuple[bytes, ...] = ()


def worker(plan: Plan, number: int) -> Callable[[Job], Shard]:
    """The function that takes batches through pass `number`; the steps are opened and understood once, here."""
    plugins.pin({Path(file): sha256 for file, sha256 in plan.pinned.items()})
    each = plan.passes[number]
    digest = partial(digests_of, key=plan.private[0], salt=plan.private[1]) if plan.private else None
    steps = local_steps(each.steps, digest)
    judges = [partial(open_step(step.spec).digest_rows, **step.spec.options) for step in each.judges]
    is_last = number == len(plan.passes) - 1
    return partial(_work, plan=plan, each=each, steps=steps, judges=judges, is_last=is_last)


def _work(
    job: Job,
    *,
    plan: Plan,
    each: Pass,
    steps: Sequence[Apply],
    judges: Sequence[Callable[[Sequence[Row]], Sequence[bytes]]],
    is_last: bool,
) -> Shard:
    tally, quarantined = Tally(), bytearray()
    read: dict[str, Any] = {}
    if job.block is not None:
        batch, read = read_block(job.block, plan, tally.drops, quarantined)
    else:
        batch = from_lines(job.lines)
    for step in steps:
        batch = step(batch, tally)
    rows = batch.rows()
    digests = [_digests(judge, rows, step.name) for judge, step in zip(judges, each.judges, strict=True)]
    columns = _columns(batch, plan) if is_last else {}
    arrays = packed(numbers=batch.numbers, lines=read.pop("lines", None), **(_decisive(batch, plan) if is_last else {}))
    lines = _rendered(batch, plan) if is_last and plan.renders_early else batch.lines()
    private = b"".join(sorted(tally.private))
    return Shard(lines, arrays, tally.drops, tally.seen, read, columns, bytes(quarantined), digests, private)


def _digests(judge: Callable[[Sequence[Row]], Sequence[bytes]], rows: Sequence[Row], name: str) -> bytes:
    with guarded(name):
        digests = judge(rows)
    if len(digests) != len(rows) or len({len(digest) for digest in digests}) > 1:
        raise ResepError(f"preprocessing step '{name}': digest_rows gives one digest of the same length for every row")
    return b"".join(digests)


def _rendered(batch: Batch, plan: Plan) -> bytes:
    return b"".join(example_lines(batch.ids, batch.fields, plan.system, plan.response_format))


def _columns(batch: Batch, plan: Plan) -> dict[str, Any]:
    """What is said of each row in the statistics."""
    columns: dict[str, Any] = {
        "placeholders": list(_placeholders(batch.fields, plan.placeholder_names)),
        "values": metadata_columns(batch.fields),
        "own": [[at, own] for at, own in enumerate(batch.own) if own],
    }
    if field := plan.keys.stratify_by:
        columns["stratum"] = [stratum(row, field) for row in batch.rows()]
    return columns


def _decisive(batch: Batch, plan: Plan) -> dict[str, Sequence[Any] | NDArray[Any] | None]:
    """What decides the split of each row once all are known."""
    keys, time, given = plan.keys, None, None
    if keys.by == "time":
        time = [moment_of(row) for row in batch.rows()]
    if keys.by == "split":
        given = [given_split(row) for row in batch.rows()]
    elif keys.files:
        places = zip(batch.sources, batch.files, strict=True)
        given = [keys.files.split_of(plan.source_names[at], file) for at, file in places]
    position = positions(split_keys(batch.fields, keys.group_by), keys.salt)
    question = has_questions(batch.fields)
    return {"source": batch.sources, "position": position, "question": question, "time": time, "given": given}


def stratum(row: Row, field: str) -> str:
    """The class of a row. Raises ResepError where the field holds no single value."""
    value = row.fields.get(field)
    if isinstance(value, list | Mapping):
        raise ResepError(f"{row.origin}: `split.stratify_by: {field}` wants one value per row, not a list or an object")
    return "" if value is None else str(value)


def _placeholders(rows: Rows, names: frozenset[str]) -> Iterator[tuple[int, dict[str, int]]]:
    """(position, {name: count}) of rows that hold placeholders; `other` counts those that are no step's."""
    asked, answered = texts_of_rows(rows, "prompt"), texts_of_rows(rows, "response")
    for at, said in enumerate(["\n".join(a + b) for a, b in zip(asked, answered, strict=True)]):
        if "[" in said or "{{" in said:
            counts: dict[str, int] = {}
            for found in PLACEHOLDER.findall(said):
                name = own if (own := without_number(found)) in names else OTHER
                counts[name] = counts.get(name, 0) + 1
            if counts:
                yield at, counts
