"""The whole of preparation, in the order in which it happens."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from resep.formats import FIRST_ROWS, Mapped, announcement, mapping_of
from resep.private_digests import DIGEST_BYTES, FACTS, PRIVATE, write_facts
from resep.sources import Source, open_lookup, open_sources, raw_rows, read_blocks
from resep.splits import SPLITS, TRAIN
from resep.stages.prepare.after_split import rendered, run_after_split
from resep.stages.prepare.columns import distinct
from resep.stages.prepare.finish import Shared, count, enter_numbers, route, write_ledger, write_quarantined
from resep.stages.prepare.made import Made
from resep.stages.prepare.mixing import mix
from resep.stages.prepare.passes import Machine, run_passes
from resep.stages.prepare.placing import placed
from resep.stages.prepare.plan import Plan, plan_of
from resep.stages.prepare.progress import Progress
from resep.stages.prepare.reading import metadata_columns
from resep.stages.prepare.state import Passed
from resep.stages.prepare.statistics import check_dropped, statistics, write_statistics
from resep.store import Emit

if TYPE_CHECKING:
    from resep.recipe import Recipe

_ENOUGH_FOR_MANY = 16_000_000  # bytes of input: below, starting processes takes longer than the work


def prepare_rows(recipe: Recipe, out: Path, work: Path, emit: Emit) -> None:
    """Fill `out` with the splits, the ledger and the statistics; `work` holds what a killed run may go on from."""
    sources = open_sources(recipe, emit)
    plan = plan_of(recipe, _mapped(recipe, sources, emit))
    size = sum(file.path.stat().st_size for source in sources for file in source.files)
    progress = Progress(emit, size)
    limits = [source.get("limit") for source in recipe["data.sources"]]
    blocks = chain.from_iterable(map(read_blocks, sources, limits))
    passed = run_passes(plan, progress.watched(blocks), work, _machine(recipe, size), progress)
    check_dropped(plan, passed, recipe["data.max_dropped"])
    mix(passed, [source.get("weight") for source in recipe["data.sources"]])
    shared = Shared()
    splits = placed(recipe, plan, passed, shared, work)
    made = _routed(plan, passed, splits, shared, out, work)
    quarantine = plan.on_bad_row == "quarantine"
    write_ledger(passed.first, passed, splits, made, out / "ledger.jsonl", quarantine=quarantine)
    if plan.private:  # not declared: who has another key must not prepare again
        with (out / PRIVATE).open("wb") as file:
            file.writelines(distinct(passed.private.array(), DIGEST_BYTES))
        write_facts(out / FACTS, *plan.private)
    if quarantine:
        write_quarantined(passed.first, out / "quarantined.jsonl")
    found = statistics(plan, passed, shared, recipe)
    for warning in found["warnings"]:
        emit({"event": "warning", "message": warning})
    write_statistics(out / "statistics.json", found)


def _mapped(recipe: Recipe, sources: Sequence[Source], emit: Emit) -> list[Mapped]:
    mapped = []
    for source in sources:
        table = open_lookup(recipe, source.index)
        each = mapping_of(recipe["data.sources"][source.index], partial(_first_rows, source), table)
        if said := announcement(each, source.name):
            emit({"event": "note", "message": said})
        mapped.append(each)
    return mapped


def _first_rows(source: Source) -> list[Mapping[str, Any]]:
    rows = chain.from_iterable(map(raw_rows, read_blocks(source, FIRST_ROWS)))
    return [raw.values for raw in islice(rows, FIRST_ROWS) if not raw.problem]


def _machine(recipe: Recipe, size: int) -> Machine:
    """One process for little data. How many there are never changes a result: the machine's person decides."""
    cores = int(os.environ.get("RESEP_WORKERS", "0")) or os.cpu_count() or 1
    return Machine(cores if size >= _ENOUGH_FOR_MANY else 1, recipe["compute.data_engine"])


def _routed(plan: Plan, passed: Passed, splits: NDArray[np.int8], shared: Shared, out: Path, work: Path) -> Made:
    """Write the splits; the training rows go through the steps that are for them alone."""
    made = Made()
    enter_numbers(passed, splits)
    if plan.after_split:
        rows, made = run_after_split(plan, passed, splits, work)
    route(plan, passed, splits, out, shared)
    if plan.after_split:
        with (out / f"{SPLITS[TRAIN]}.jsonl").open("wb") as file:
            file.writelines(rendered(rows, plan))
        shared.made = len(made.kept) + len(made.dropped)
        shared.made_dropped.update(reason for _, _, reason in made.dropped)
        fields = [row.fields for row in made.kept.values()]
        training = np.full(len(fields), TRAIN, np.int8)
        count(shared, training, {"values": metadata_columns(fields), "placeholders": ()})
    return made
