"""The stage `prepare`: sources -> rows -> steps -> examples -> splits, and a ledger of what became of every row.

Two passes. The first streams the rows through the steps into one file and keeps a number and a class per row; the
second, which knows them all, shares the lines out. Memory holds no text of a row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resep.errors import ResepError
from resep.stages.prepare.clean import Cleaned, clean_rows
from resep.stages.prepare.share import share_out
from resep.stages.prepare.sources import check_source
from resep.stages.prepare.split import SPLITS
from resep.stages.prepare.statistics import write_statistics
from resep.stages.prepare.text import text_pipeline
from resep.store import Emit, Stage, Task
from resep.suggest import did_you_mean

if TYPE_CHECKING:
    from resep.recipe import Recipe

__all__ = ["outline", "run", "stage", "text_pipeline"]

OUTPUTS = (*(f"{split}.jsonl" for split in SPLITS), "ledger.jsonl", "statistics.json")


def stage(recipe: Recipe) -> Stage:
    """The stage as a recipe asks for it. Raises ResepError where a source is not there or a field is not mapped."""
    for name, path in _source_files(recipe).items():
        check_source(path, name)
    _check_fields(recipe)
    return outline(recipe)


def outline(recipe: Recipe) -> Stage:
    """The stage, whether or not the data is here: to be compared with that of another recipe."""
    scripts = {f"preprocessing/{step.name}.py": recipe.plugin("preprocessing", step.name) for step in recipe.steps}
    steps = [{"name": step.name, "options": dict(step.options), "fields": list(step.fields)} for step in recipe.steps]
    return Stage(
        name="prepare",
        run=partial(run, recipe=recipe),
        config={**recipe.pick("data", "split", "prompt.system", "prompt.response_format"), "preprocessing": steps},
        outputs=OUTPUTS,
        reads={**_source_files(recipe), **scripts},
    )


def run(tasks: Sequence[Task], emit: Emit, *, recipe: Recipe) -> Iterator[Task]:
    """Fill the folder of each task with OUTPUTS; a stage that was interrupted begins again."""
    for task in tasks:
        _prepare(recipe, task.out, emit)
        yield task


def _source_files(recipe: Recipe) -> dict[str, Path]:
    """The files of rows, by their names in the recipe."""
    sources = enumerate(recipe["data.sources"])
    return {source["path"]: recipe.locate(f"data.sources[{index}].path") for index, source in sources}


def _prepare(recipe: Recipe, out: Path, emit: Emit) -> None:
    cleaned = clean_rows(recipe, out, emit)
    _check_dropped(cleaned, recipe["data.max_dropped"])
    shared = share_out(cleaned, recipe, out)
    if cleaned.rows_in != shared.kept + shared.dropped.total():
        raise AssertionError(f"the ledger does not close: {cleaned.rows_in} rows in, {shared}")
    for split in ("train", "test"):
        if not shared.splits[split]:
            raise ResepError(_nothing_in(split, shared.kept, recipe["split.fractions"]))
    for warning in shared.warnings:
        emit({"event": "warning", "message": warning})
    write_statistics(out / "statistics.json", cleaned, shared)


def _check_fields(recipe: Recipe) -> None:
    """Fields that the steps and the split name must be mapped by every source."""
    wanted = {(f"preprocessing.{step.name}.fields", field) for step in recipe.steps for field in step.fields}
    wanted -= {(where, field) for where, field in wanted if field in ("prompt", "response")}
    wanted |= {(f"split.{key}", field) for key in ("stratify_by", "group_by") if (field := recipe[f"split.{key}"])}
    for source in recipe["data.sources"]:
        mapped = {"prompt", "response", *(source.get("fields") or {})}
        for where, field in sorted(wanted):
            if field not in mapped:
                raise ResepError(
                    f"{where}: {source['path']} maps no field {field!r}{did_you_mean(field, mapped)}"
                    f" (add it to the source: `fields: {{{field}: ...}}`)"
                )


def _check_dropped(cleaned: Cleaned, max_dropped: float | None) -> None:
    rows, dropped = cleaned.rows_in, cleaned.dropped.total()
    reasons = ", ".join(f"{count} {reason}" for reason, count in cleaned.dropped.most_common())
    if dropped == rows:
        raise ResepError(f"no rows are left: all {rows} were dropped ({reasons})")
    if max_dropped is not None and dropped > max_dropped * rows:
        raise ResepError(
            f"{dropped} of {rows} rows were dropped ({reasons}); `data.max_dropped` allows {max_dropped:.0%} of them"
        )


def _nothing_in(split: str, kept: int, fractions: Mapping[str, Any]) -> str:
    return (
        f"no {split} rows: none of the {kept} rows fell into this split of {fractions.get(split) or 0:.0%}; "
        f"give more rows, a larger `split.fractions.{split}`, or another `split.salt`"
    )
