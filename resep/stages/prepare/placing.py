"""Which split every row falls into, and what would leak from one into another."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from resep.errors import ResepError
from resep.splits import LEFT_OUT, SPLITS
from resep.splits.columns import Columns
from resep.splits.keys import position
from resep.splits.place import Placement, place
from resep.splits.rule import SplitRule, why_no_rows
from resep.stages.prepare.columns import filled
from resep.stages.prepare.deciding import candidates
from resep.stages.prepare.finish import Shared
from resep.stages.prepare.leakage import find_leakage, looks_for_near
from resep.stages.prepare.plan import SPLIT, Plan
from resep.stages.prepare.prompts import prompt_table
from resep.stages.prepare.shard import Drop
from resep.stages.prepare.state import Passed
from resep.stages.prepare.together import groups_of

if TYPE_CHECKING:
    from resep.recipe import Recipe

Numbers = NDArray[np.int64]
Prompts = NDArray[np.uint8]


def placed(recipe: Recipe, plan: Plan, passed: Passed, shared: Shared, work: Path) -> NDArray[np.int8]:
    """The split of every input row, -1 for none. Raises ResepError where it leaks, or where a split has no rows."""
    rule, near = SplitRule.from_section(recipe["split"]), recipe["split.leakage.near"]
    numbers, columns = candidates(passed)
    prompts = prompt_table(plan, passed, columns.position, work / "prompts", near=looks_for_near(near, len(numbers)))
    _keep_together(recipe, passed, numbers, columns, prompts)
    placement = place(columns, rule)
    shared.placement = placement
    shared.warnings += placement.warnings
    _look_for_leaks(recipe, shared, columns, prompts, placement)
    for code, reason in LEFT_OUT.items():
        passed.fates.drop(Drop(int(number), SPLIT, reason) for number in numbers[placement.codes == code])
    held = [int((placement.codes == code).sum()) for code in range(len(SPLITS))]
    for split in ("train", "test"):
        if not held[SPLITS.index(split)]:
            raise ResepError(why_no_rows(rule, split, sum(held)))
    splits = filled(work / "splits", "int8", passed.fates.count, -1)
    splits[numbers] = np.maximum(placement.codes, -1)
    return splits


def _keep_together(recipe: Recipe, passed: Passed, numbers: Numbers, columns: Columns, prompts: Prompts) -> None:
    """One position for rows that a step put into one group or, where asked for, whose prompts are near."""
    is_near = recipe["split.leakage.near"] == "group"
    if not is_near and not passed.groups:
        return
    groups = {at: passed.groups[int(number)] for at, number in enumerate(numbers) if int(number) in passed.groups}
    threshold = recipe["split.leakage.threshold"] if is_near else None
    for at, group in groups_of(prompts, columns.position, groups, threshold).items():
        columns.position[at] = position(group, recipe["split.salt"])


def _look_for_leaks(recipe: Recipe, shared: Shared, columns: Columns, prompts: Prompts, placement: Placement) -> None:
    near, threshold = recipe["split.leakage.near"], recipe["split.leakage.threshold"]
    codes = placement.codes
    asking = codes if columns.has_question is None else np.where(columns.has_question, codes, -1)
    leakage = find_leakage(prompts, asking, columns.place, near=near, threshold=threshold)
    if refusal := leakage.refusal():
        raise ResepError(refusal)
    shared.leakage = asdict(leakage)
    shared.warnings += leakage.warnings()
