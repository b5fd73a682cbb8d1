"""The steps that look at one row at a time, on a batch of rows.

Neighbouring text steps run as one; rows between any two other steps carry plain text, placeholders written out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import groupby

from resep.plugins.source import TEXT_SHAPES
from resep.records import Row
from resep.stages.prepare.batch import Batch
from resep.stages.prepare.failures import guarded
from resep.stages.prepare.plan import Planned
from resep.stages.prepare.shard import Digest, Drop, Seen, Tally
from resep.stages.prepare.text import open_step
from resep.stages.prepare.text_run import run_text_steps, text_step

Apply = Callable[[Batch, Tally], Batch]


def local_steps(steps: Sequence[Planned], digest: Digest | None = None) -> list[Apply]:
    """The steps as functions, their options understood. Raises ResepError where these are wrong.

    `digest` makes digests of the personal data that is replaced; without it none are kept.
    """
    return list(_applied(steps, digest))


def _applied(steps: Sequence[Planned], digest: Digest | None) -> Iterator[Apply]:
    for is_text, group in groupby(steps, key=lambda step: step.shape in TEXT_SHAPES):
        if is_text:
            yield partial(run_text_steps, run=[text_step(step) for step in group], digest=digest)
        else:
            for step in group:
                check = partial(open_step(step.spec).check_row, **step.spec.options)
                yield partial(_check, step=step, check=check)


def _check(batch: Batch, tally: Tally, *, step: Planned, check: Callable[[Row], str | None]) -> Batch:
    with guarded(step.name):
        reasons = [check(row) for row in batch.rows()]
    dropped = [(number, reason) for number, reason in zip(batch.numbers, reasons, strict=True) if reason]
    tally.drops += [Drop(number, step.name, reason) for number, reason in dropped]
    count = tally.seen.setdefault(step.at, Seen())
    count.rows_in += len(batch)
    count.rows_out += len(batch) - len(dropped)
    return batch.keep([not reason for reason in reasons])
