"""The prompts of the rows that are left, each as the bytes by which it is compared with others, on disk."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from resep.splits.keys import split_key
from resep.stages.prepare.batch import kept_row
from resep.stages.prepare.columns import Column, in_pieces
from resep.stages.prepare.leakage import prompt_signatures
from resep.stages.prepare.plan import Plan
from resep.stages.prepare.state import Passed, open_lines

_AT_ONCE = 2_000


def prompt_table(
    plan: Plan, passed: Passed, positions: NDArray[np.float64], path: Path, *, near: bool
) -> NDArray[np.uint8]:
    """A row of bytes for each row that is left, in its order; with `near` also what finds those that are alike.

    Where nobody looks for near ones, and rows are placed by their prompts, their positions tell equal ones.
    """
    column, rows = Column(path, "uint8"), 0
    if not near and not plan.keys.group_by:
        for piece in in_pieces(positions):
            column.extend(piece.astype(">f8").view(np.uint8))
        return column.table(len(positions))
    prompts = _prompts(plan, passed)
    while some := list(islice(prompts, _AT_ONCE)):
        column.write(b"".join(prompt_signatures(some, near=near)))
        rows += len(some)
    return column.table(rows)


def _prompts(plan: Plan, passed: Passed) -> Iterator[str]:
    for offset, shard in passed.left.shards():
        for line in open_lines(passed.fates, offset, shard):
            yield _asked(orjson.loads(line)) if plan.renders_early else split_key(kept_row(line, offset))


def _asked(example: dict[str, Any]) -> str:
    """What the user of a conversation says, all of it; of a text without a question, the text."""
    said = [message["content"] for message in example["messages"] if message["role"] == "user"]
    return "\n".join(said) if said else str(example["messages"][-1]["content"])
