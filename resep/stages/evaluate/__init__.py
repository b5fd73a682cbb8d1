"""Score every arm's outputs with each of the recipe's evaluators, one stage per evaluator, all in one child.

`scores.jsonl` is computed on outputs and references after the recipe's own text steps, `raw_scores.jsonl` on what the
arms really wrote.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resep import plugins
from resep.plugins.source import TEXT_SHAPES
from resep.sources import SourceFile
from resep.sources.found import check_there
from resep.stages.evaluate.names import (
    FILE,
    FILES,
    LEXICAL,
    identify_encoder,
    is_folder,
    local_model_options,
    named_files,
)
from resep.stages.evaluate.surroundings import Surroundings, needs_of, surroundings
from resep.stages.shared_child import run_in_one_child
from resep.store import Emit, Stage, Task

if TYPE_CHECKING:
    from resep.hardware import Profile
    from resep.models import Model
    from resep.recipe import Recipe
    from resep.stages.generate.arms import Arm

OUTPUTS = ("scores.jsonl", "raw_scores.jsonl", "metrics.json")
_REVISION = 1


def stages(recipe: Recipe, profile: Profile, model: Model, arms: Callable[[], Mapping[str, Arm]]) -> list[Stage]:
    """`evaluate:<name>` for each evaluator of the recipe. It reads every arm's samples: a new arm scores all again.

    What else it looks at, its NEEDS say: `model`, the base model, and the recipe's `arms`, which are read if need be.
    """
    files = {name: recipe.plugin("evaluators", name) for name in recipe.evaluators}
    options = {name: _located(recipe, name) for name in recipe.evaluators}
    steps = _text_steps(recipe)
    step_files = {step["name"]: recipe.plugin("preprocessing", step["name"]) for step in steps or ()}
    scripts = {f"preprocessing/{step}.py": file for step, file in step_files.items()}
    needs = needs_of(recipe)
    around = surroundings(recipe, {need for found in needs.values() for need in found}, profile, model, arms)
    pinned = {str(file.resolve()): plugins.content_hash(file) for file in (*files.values(), *step_files.values())}
    run = partial(
        _run,
        plugin_files=files,
        options=options,
        steps=steps,
        step_files=step_files,
        pinned=pinned,
        around=around,
    )
    generated = {f"generate:{arm}": ("samples.jsonl", "arm.json") for arm in recipe.arms}
    return [
        Stage(
            name=f"evaluate:{name}",
            run=run,
            config=_config(recipe, name, options[name]) | around.config(needs[name]),
            outputs=OUTPUTS,
            needs={"prepare": ("train.jsonl", "test.jsonl"), **generated, **around.stages(needs[name])},
            reads={
                f"evaluators/{name}.py": files[name],
                **scripts,
                **_files(recipe, name),
                **around.reads(needs[name]),
            },
            revision=_REVISION,
        )
        for name in recipe.evaluators
    ]


def _located(recipe: Recipe, name: str) -> dict[str, Any]:
    """The options of an evaluator; a file, or a model that is a folder, is found from where the recipe names it."""
    options, files = dict(recipe.evaluators[name]), _files(recipe, name)
    if options.get(FILE):
        options[FILE] = str(files[options[FILE]])
    if options.get(FILES):
        options[FILES] = [str(files[named]) for named in options[FILES]]
    for option in local_model_options(options):
        if is_folder(options[option]):
            options[option] = str(recipe.locate(f"evaluation.evaluators.{name}.{option}"))
    return options


def _files(recipe: Recipe, name: str) -> dict[str, Path]:
    """The files that an evaluator's options name, by their names in the recipe. ResepError for a missing one."""
    keys = named_files(recipe.evaluators[name])
    found = {named: recipe.locate(f"evaluation.evaluators.{name}.{key}") for named, key in keys.items()}
    for named, path in found.items():
        check_there(SourceFile(path, named))
    return found


def _config(recipe: Recipe, name: str, located: Mapping[str, Any]) -> dict[str, Any]:
    options = recipe.evaluators[name]
    config = {f"evaluation.evaluators.{name}.{option}": value for option, value in options.items()}
    config |= {option: identify_encoder(located[option]) for option in local_model_options(options)}
    if options.get("encoder") == LEXICAL:
        config["encoder"] = LEXICAL
    return {
        **config,
        "arms": list(recipe.arms),
        "evaluation.normalise": recipe["evaluation.normalise"],
        "preprocessing": _text_steps(recipe),
        "prompt.response_format": recipe["prompt.response_format"],
        "seed": recipe["seed"],
    }


def _text_steps(recipe: Recipe) -> list[dict[str, Any]] | None:
    """The steps that outputs and references go through before they are scored; None: they are scored as they are."""
    if recipe["evaluation.normalise"] == "none":
        return None
    return [
        {"name": step.name, "options": dict(step.options), "fields": list(step.fields)}
        for step in recipe.steps
        if plugins.describe(recipe.plugin("preprocessing", step.name)).shape in TEXT_SHAPES
    ]


def _run(
    tasks: Sequence[Task],
    emit: Emit,
    *,
    plugin_files: Mapping[str, Path],
    options: Mapping[str, Mapping[str, Any]],
    steps: Sequence[Mapping[str, Any]] | None,
    step_files: Mapping[str, Path],
    pinned: Mapping[str, str],
    around: Surroundings,
) -> Iterator[Task]:
    inputs = tasks[0].inputs
    located = None if steps is None else [{**step, "file": str(step_files[step["name"]].resolve())} for step in steps]
    request = {
        "arms": {arm: _arm_files(inputs[f"generate:{arm}"]) for arm in tasks[0].config["arms"]},
        "prepared": {split: str((inputs["prepare"] / f"{split}.jsonl").resolve()) for split in ("train", "test")},
        "normalise": located,
        "pinned": pinned,
        "seed": tasks[0].config["seed"],
        "response_format": tasks[0].config["prompt.response_format"],
        **around.request(tasks),
        "tasks": [_task(task, plugin_files, options) for task in tasks],
    }
    yield from run_in_one_child("resep.stages.evaluate.worker", request, tasks, emit)


def _task(task: Task, plugin_files: Mapping[str, Path], options: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    name = task.name.partition(":")[2]
    return {
        "name": task.name,
        "evaluator": name,
        "plugin": str(plugin_files[name].resolve()),
        "options": dict(options[name]),
        "out": str(task.out.resolve()),
    }


def _arm_files(generated: Path) -> dict[str, str]:
    return {"samples": str((generated / "samples.jsonl").resolve()), "card": str((generated / "arm.json").resolve())}


def stored_samples_request(
    recipe: Recipe, arms: Mapping[str, Mapping[str, str]], outs: Mapping[str, Path]
) -> dict[str, Any]:
    """A request to the child for samples that a run left: without prepared rows, models and private data.

    `arms`: name -> {"samples", "card"}, files; `outs`: evaluator -> the folder to fill.
    """
    steps = _text_steps(recipe)
    located = [{**s, "file": str(recipe.plugin("preprocessing", s["name"]).resolve())} for s in steps or ()]
    plugin_files = {name: recipe.plugin("evaluators", name) for name in outs}
    options = {name: _located(recipe, name) for name in outs}
    files = [*plugin_files.values(), *(Path(step["file"]) for step in located)]
    return {
        "arms": arms,
        "prepared": {},
        "normalise": None if steps is None else located,
        "pinned": {str(file.resolve()): plugins.content_hash(file) for file in files},
        "seed": recipe["seed"],
        "response_format": recipe["prompt.response_format"],
        "tasks": [_task(Task(f"evaluate:{name}", {}, {}, out), plugin_files, options) for name, out in outs.items()],
    }
