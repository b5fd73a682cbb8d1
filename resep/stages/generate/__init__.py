"""Let every arm answer the test rows: the same rows, the same decoding, all adapters of a base from one load of it.

Leaves samples.jsonl (in the order of test.jsonl) and arm.json; timings.json and the log beside. A base arm's key knows
nothing of the training but its precision, so its answers outlive every change of a training knob.

    arms.py       what the arms of a recipe are          adapters.py   is this adapter for this base
    shots.py      the stage `choose`: few-shot           choosing.py, nearest.py   which rows
    local.py      what the child is asked to do          server.py     an arm that an endpoint answers
    worker.py     the child: prompts, proof; resep.generation loads and decodes
    outcome.py    what an arm leaves
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resep.errors import ResepError
from resep.hosted.service import FINE_TUNED, fine_tuned, service_of
from resep.stages.generate import shots
from resep.stages.generate.adapters import WEIGHTS
from resep.stages.generate.arms import Arm, outline_arms, precision, read_arms
from resep.stages.generate.local import Ground, answer_here
from resep.stages.generate.server import answer_there, identity
from resep.store import Emit, Stage, Task
from resep.templates import find_template

if TYPE_CHECKING:
    from resep.hardware import Profile
    from resep.models import Model
    from resep.recipe import Recipe

OUTPUTS = ("samples.jsonl", "arm.json")
DEFAULT_BATCH_SIZE = 64  # the weights are read once per token for all rows of a batch
_REVISION = 2
_PREFIX = "generation."


def stages(recipe: Recipe, profile: Profile, model: Model, emit: Emit) -> list[Stage]:
    """`choose:<arm>` for the arms that are shown examples, then `generate:<arm>` for each arm. `model` is the base."""
    return _stages(recipe, profile, model, read_arms(recipe, model, emit))


def outline(recipe: Recipe, profile: Profile, model: Model) -> list[Stage]:
    """The same stages for comparing recipes: the adapters and models that they name need not be here."""
    return _stages(recipe, profile, model, outline_arms(recipe))


def ground_of(recipe: Recipe, profile: Profile, model: Model) -> Ground:
    """What all arms of a recipe share on this machine."""
    trained = "model" if recipe["training.method"] == "full" else "adapter"
    trained = FINE_TUNED if service_of(recipe) else trained
    return Ground(model, precision(recipe, profile), profile, trained)


def decoding_options(recipe: Recipe) -> dict[str, Any]:
    """The options that steer an answer; those of sampling count only where tokens are drawn."""
    always = ("do_sample", "max_new_tokens", "repetition_penalty", "stop")
    sampling = ("temperature", "top_p", "top_k") if recipe["generation.do_sample"] else ()
    options = {option: recipe[f"{_PREFIX}{option}"] for option in (*always, *sampling)}
    # Below fp32 the other rows of a batch change an answer's last bits: its size is part of the question.
    return {**options, "batch_size": recipe["generation.batch_size"] or DEFAULT_BATCH_SIZE}


def config_of(arm: Arm, ground: Ground, options: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """What steers an arm's answers, besides the rows and the files that are read: for the key of its stage."""
    asked = {f"{_PREFIX}{option}": value for option, value in options.items()}
    asked |= {"seed": seed} if options["do_sample"] else {}
    if arm.server:
        del asked[f"{_PREFIX}batch_size"]
        return {"model": identity(arm.server), "template": arm.template, **asked}
    model = arm.model or ground.model
    adapter = {"adapter": arm.adapter.settings} if arm.adapter else {}
    return {
        "model": model.identity,
        "precision": ground.numbers.name,
        "template": arm.template,
        **adapter,
        **asked,
    }


def reads_of(arm: Arm) -> dict[str, Path]:
    """The files outside the store that an arm's answers depend on."""
    template = None if arm.server else find_template(arm.template, arm.template_folder)
    adapter = {"adapter": arm.adapter.folder / WEIGHTS} if arm.adapter else {}
    return {**({} if template is None else {"template": template}), **adapter}


def named_there(arm: Arm, task: Task) -> Arm:
    """The arm with the name that its service gave the tuned model, from what the stage train left."""
    if arm.weights != "tuned" or arm.server is None:
        return arm
    return replace(arm, server=replace(arm.server, model=fine_tuned(task.inputs["train"])))


def _stages(recipe: Recipe, profile: Profile, model: Model, arms: Mapping[str, Arm]) -> list[Stage]:
    ground, options = ground_of(recipe, profile, model), decoding_options(recipe)
    by_task = {f"generate:{name}": arm for name, arm in arms.items()}
    run = partial(_run, arms=by_task, ground=ground, options=options, seed=recipe["seed"])
    return [
        *shots.stages([arm.choice for arm in arms.values() if arm.choice]),
        *(
            Stage(
                name=name,
                run=run,
                config=config_of(arm, ground, options, recipe["seed"]),
                outputs=OUTPUTS,
                needs=_needs(arm, ground.trained),
                reads=reads_of(arm),
                revision=_REVISION,
            )
            for name, arm in by_task.items()
        ),
    ]


def _needs(arm: Arm, trained: str) -> dict[str, tuple[str, ...]]:
    chosen = {arm.choice.stage_name: (shots.FILE,)} if arm.choice else {}
    return {"prepare": ("test.jsonl",), **({"train": (trained,)} if arm.weights == "tuned" else {}), **chosen}


def _run(
    tasks: Sequence[Task],
    emit: Emit,
    *,
    arms: Mapping[str, Arm],
    ground: Ground,
    options: Mapping[str, Any],
    seed: int,
) -> Iterator[Task]:
    test = tasks[0].inputs["prepare"] / "test.jsonl"
    here = [task for task in tasks if not arms[task.name].server]
    if here:
        yield from answer_here(here, arms, ground, test, options, seed, emit)
    failures = []
    for task in tasks:
        if arms[task.name].server:
            try:
                answer_there(task, named_there(arms[task.name], task), test, options, seed, emit)
            except ResepError as error:  # another server may be there
                failures.append(str(error))
                continue
            yield task
    if failures:
        raise ResepError("; ".join(failures))
