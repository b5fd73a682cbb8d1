"""The stage `prepare`: sources -> rows -> steps -> splits of examples, and a ledger of what became of every row.

    sources   blocks of raw rows, cut the same way everywhere                         (resep/sources)
    passes    row by row in parallel; then judged, all at once, from digests on disk  (passes, work, judge)
    finish    sources mixed, splits drawn, leakage looked for, lines routed           (finish, after_split)

Memory holds a batch per worker and a few numbers per row. A run that was killed goes on after its last finished batch.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from resep.digests import digest_json
from resep.errors import ResepError
from resep.sources import identities, local_source, lookup_file, reads
from resep.sources.found import check_file
from resep.splits import SPLITS
from resep.stages.prepare.step_files import model_identities, step_files
from resep.stages.prepare.text import text_pipeline
from resep.store import Emit, Stage, Task
from resep.suggest import did_you_mean

if TYPE_CHECKING:
    from resep.recipe import Recipe

__all__ = ["outline", "run", "stage", "text_pipeline"]

QUARANTINED = "quarantined.jsonl"
OUTPUTS = (*(f"{split}.jsonl" for split in SPLITS), "ledger.jsonl", "statistics.json")
WORK = "work"  # in the folder of the stage, while it runs
REVISION = 2  # raised with every change in what rows become, in resep/detectors/ as well


def stage(recipe: Recipe) -> Stage:
    """The stage as a recipe asks for it. Raises ResepError where a source is not there or a field is not mapped."""
    for index in range(len(recipe["data.sources"])):
        if source := local_source(recipe, index):
            for file in source.files:
                check_file(file)
        if table := lookup_file(recipe, index):
            check_file(table)
    _check_fields(recipe)
    return _stage(recipe, {**reads(recipe), **step_files(recipe)})


def outline(recipe: Recipe) -> Stage:
    """The stage, whether or not the data is here: to be compared with that of another recipe."""
    try:
        return _stage(recipe, {**reads(recipe), **step_files(recipe)})
    except ResepError:
        return _stage(recipe, {})


def _stage(recipe: Recipe, files: Mapping[str, Path]) -> Stage:
    scripts = {f"preprocessing/{step.name}.py": recipe.plugin("preprocessing", step.name) for step in recipe.steps}
    steps = [{"name": step.name, "options": dict(step.options), "fields": list(step.fields)} for step in recipe.steps]
    return Stage(
        name="prepare",
        run=partial(run, recipe=recipe),
        config={
            **recipe.pick("data", "split", "prompt.system", "prompt.response_format"),
            "preprocessing": steps,
            **identities(recipe),
            **model_identities(recipe),
        },
        outputs=(*OUTPUTS, QUARANTINED) if recipe["data.on_bad_row"] == "quarantine" else OUTPUTS,
        reads={**files, **scripts},
        revision=REVISION,
    )


def run(tasks: Sequence[Task], emit: Emit, *, recipe: Recipe) -> Iterator[Task]:
    """Fill the folder of each task with OUTPUTS; a stage that was interrupted goes on after its last whole batch."""
    from resep.stages.prepare.engine import prepare_rows
    from resep.stages.prepare.workers import without_collector

    for task in tasks:
        with without_collector():
            prepare_rows(recipe, task.out, _work_folder(task), emit)
        shutil.rmtree(task.out / WORK)
        yield task


def _work_folder(task: Task) -> Path:
    """Where the batches lie; what other code left there is thrown away."""
    from resep.stages.prepare.shard import FORM

    made_by = digest_json({"revision": REVISION, "form": FORM, "config": dict(task.config)})
    folder = task.out / WORK
    mark = folder / "made-by"
    if not mark.exists() or mark.read_text() != made_by:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        mark.write_text(made_by)
    return folder


def _check_fields(recipe: Recipe) -> None:
    """Fields that the steps and the split name must be mapped by every source."""
    wanted = {(f"preprocessing.{step.name}.fields", field) for step in recipe.steps for field in step.fields}
    wanted -= {(where, field) for where, field in wanted if field in ("prompt", "response")}
    wanted |= {(f"split.{key}", field) for key in ("stratify_by", "group_by") if (field := recipe[f"split.{key}"])}
    for source in recipe["data.sources"]:
        mapped = {"prompt", "response", *(source.get("fields") or {}), *(source.get("values") or {})}
        for where, field in sorted(wanted):
            if field not in mapped:
                raise ResepError(
                    f"{where}: {source.get('path') or source.get('hub')} maps no field {field!r}"
                    f"{did_you_mean(field, mapped)} (add it to the source: `fields: {{{field}: ...}}`)"
                )
