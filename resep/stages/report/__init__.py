"""Gather what the stages left into results.json, and render the page and its Markdown from that alone."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resep.digests import digest_json, digest_tree
from resep.plugins import describe
from resep.recipe.arms import arms as arms_of
from resep.recipe.arms import written
from resep.stages import merge
from resep.store import Emit, Stage, Task

if TYPE_CHECKING:
    from resep.recipe import Recipe

OUTPUTS = ("report.html", "report.md", "results.json", "samples.jsonl", "scores.jsonl")
_REVISION = 2
RUN_ID_DIGITS = 12  # as runs.publish names the folder
_SECTIONS = ("model", "split", "prompt", "training", "generation", "evaluation", "expect")


def stage(recipe: Recipe) -> Stage:
    """The stage `report`. Its config is all that the page says of the recipe, by dotted key."""
    arms, evaluators = list(recipe.arms), list(recipe.evaluators)
    plugins = {name: recipe.plugin("evaluators", name) for name in evaluators}
    return Stage(
        name="report",
        run=partial(_run, plugins=plugins),
        config=config_of(recipe.data),
        outputs=OUTPUTS,
        needs={
            "prepare": ("statistics.json", "train.jsonl", "test.jsonl"),
            "tokenise": ("statistics.json",),
            "train": ("training.jsonl", "summary.json"),
            **({"merge": (merge.SUMMARY,)} if merge.is_asked_for(recipe) else {}),
            **{f"generate:{arm}": ("samples.jsonl", "arm.json") for arm in arms},
            **{f"evaluate:{name}": ("scores.jsonl", "raw_scores.jsonl", "metrics.json") for name in evaluators},
        },
        reads={f"evaluators/{name}.py": file for name, file in plugins.items() if _may_aggregate(file)},
        revision=_REVISION,
    )


def config_of(data: Mapping[str, Any]) -> dict[str, Any]:
    """All that the page says of a recipe, by dotted key; `data` is a recipe's, with every default filled in."""
    return {
        **_config(data),
        "arms": list(arms_of(data["generation"]["arms"])),
        "evaluators": list(data["evaluation"]["evaluators"]),
        "generation.arms": written(data["generation"]["arms"]),
    }


def write_report(
    inputs: Mapping[str, Path],
    config: Mapping[str, Any],
    run_id: str,
    out: Path,
    plugins: Mapping[str, Path] | None = None,
) -> None:
    """Fill `out` with the report of the stages in `inputs` (stage name -> folder).

    `plugins`: evaluator -> its file, where it is not ours; opened for corpus metrics, whose resamples it aggregates.
    """
    from resep.stages.report.collect import collect

    _join((inputs[f"generate:{arm}"] / "samples.jsonl" for arm in config["arms"]), out / "samples.jsonl")
    _join((inputs[f"evaluate:{name}"] / "scores.jsonl" for name in config["evaluators"]), out / "scores.jsonl")
    results = collect(inputs, config, run_id, plugins)
    results["files"] = {name: digest_tree(out / name) for name in ("samples.jsonl", "scores.jsonl")}
    text = json.dumps(results, indent=1, ensure_ascii=True, allow_nan=False)
    (out / "results.json").write_text(text + "\n", encoding="utf-8")
    render(out)


def render(folder: Path) -> None:
    """Render report.html and report.md from the other files of `folder`: the report's own three, and ratings.json."""
    from resep.stages.report.page import render_html, render_markdown, view

    page = view(folder)
    (folder / "report.html").write_text(render_html(page), encoding="utf-8")
    (folder / "report.md").write_text(render_markdown(page), encoding="utf-8")


def _run(tasks: Sequence[Task], emit: Emit, *, plugins: Mapping[str, Path]) -> Iterator[Task]:  # noqa: ARG001
    for task in tasks:
        run_id = task.out.name.partition(".")[0][:RUN_ID_DIGITS]  # the store works in `<key>.partial`
        write_report(task.inputs, task.config, run_id, task.out, plugins)
        yield task


def _may_aggregate(file: Path) -> bool:
    """Whether the report may run code of this evaluator: then a change of that code is a reason to make it again."""
    metrics = describe(file).metrics
    return metrics is None or any(metric.kind == "corpus" for metric in metrics)


def _config(data: Mapping[str, Any]) -> dict[str, Any]:
    """What the page shows, without the sources' paths; the digest stands for all the rest of the recipe."""
    portable = {**data, "data": _without_paths(data.get("data", {}))}
    steps = [next(iter(step)) if isinstance(step, Mapping) else step for step in data.get("preprocessing") or ()]
    leaves = {key: value for section in _SECTIONS for key, value in _leaves(section, data.get(section) or {})}
    top = {key: data.get(key) for key in ("name", "description", "seed")}
    return {**top, "recipe_sha256": digest_json(portable), "preprocessing": steps, **leaves}


def _without_paths(data: Mapping[str, Any]) -> dict[str, Any]:
    return {**data, "sources": [_without_folders(source) for source in data.get("sources") or ()]}


def _without_folders(source: Mapping[str, Any]) -> dict[str, Any]:
    """The source, its file and its table by their bare names."""
    named = {**source, "path": Path(source["path"]).name} if source.get("path") else dict(source)
    return {**named, "lookup": _without_folders(source["lookup"])} if source.get("lookup") else named


def _leaves(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _leaves(f"{name}.{key}", inner)
    else:
        yield name, value


def _join(sources: Iterator[Path], target: Path) -> None:
    """One file after the other, byte for byte: what the arms wrote is never spelled anew."""
    with target.open("wb") as whole:
        for source in sources:
            with source.open("rb") as part:
                shutil.copyfileobj(part, whole)
