"""New prompts for the model of a finished run, from its folder alone: `recipe/` says how it is asked.

    questions.py   prompts in a file -> what the model is asked, through the recipe's own text steps
    opening.py     a run's folder -> its recipe, with the base model found and checked
    handed_over.py the same for the folder of an adapter, or of a model, alone
    writing.py     the answers as CSV or JSONL

Answering is a stage like any other (`predict:<arm>`): an interruption loses at most one batch, and the same prompts
asked of the same weights in the same way are answered from the store.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from resep import pipeline
from resep.digests import digest_json
from resep.errors import ResepError
from resep.hardware import detect
from resep.hosted.service import FINE_TUNED, fine_tuned
from resep.predicting.opening import OpenedRun
from resep.records import Example, Sample, read_jsonl, write_jsonl
from resep.stages.generate import OUTPUTS, config_of, decoding_options, ground_of, named_there, reads_of
from resep.stages.generate.adapters import WEIGHTS
from resep.stages.generate.arms import Arm
from resep.stages.generate.local import Ground, answer_here
from resep.stages.generate.server import answer_there
from resep.store import Emit, Stage, Store, Task

_REVISION = 1
_TEST = "test.jsonl"  # what the child of the stage `generate` reads its questions from


def predict(run: OpenedRun, arm: str, examples: Sequence[Example], store: Path, emit: Emit) -> list[Sample]:
    """The arm's answer to every example, in their order."""
    stage = _stage(run, arm, examples, emit)
    folders = pipeline.run([stage], Store(store, run.recipe["name"]), emit)
    return list(read_jsonl(folders[stage.name] / "samples.jsonl", Sample))


def _stage(run: OpenedRun, name: str, examples: Sequence[Example], emit: Emit) -> Stage:
    recipe = run.recipe
    ground = ground_of(recipe, detect(recipe["compute.profile"]), run.model)
    arm, options, seed = run.arm(name, emit), decoding_options(recipe), int(recipe["seed"])
    trained = trained_files(run, ground) if arm.weights == "tuned" else {}
    return Stage(
        name=f"predict:{name}",
        run=partial(_run, run=run.folder, arm=arm, ground=ground, options=options, seed=seed, examples=tuple(examples)),
        config={
            **config_of(arm, ground, options, seed),
            "asked": digest_json([_spelt(example) for example in examples]),
        },
        outputs=OUTPUTS,
        reads={**reads_of(arm), **trained},
        revision=_REVISION,
    )


def trained_files(run: OpenedRun, ground: Ground) -> dict[str, Path]:
    """The files of what was trained, which count by their content. Raises ResepError where they are gone."""
    folder = run.folder / ground.trained
    if ground.trained == FINE_TUNED:
        fine_tuned(run.folder)
        return {FINE_TUNED: folder}
    files = [folder / WEIGHTS] if ground.trained == "adapter" else sorted(folder.glob("*.safetensors"))
    if not files or not all(file.is_file() for file in files):
        raise ResepError(f"{folder} holds no weights: was the run's folder tidied up? Run the recipe again")
    return {f"{ground.trained}/{file.name}": file for file in files}


def _spelt(example: Example) -> list[Any]:
    return [example.id, [vars(message) for message in example.prompt]]


def _run(
    tasks: Sequence[Task],
    emit: Emit,
    *,
    run: Path,
    arm: Arm,
    ground: Ground,
    options: Mapping[str, Any],
    seed: int,
    examples: Sequence[Example],
) -> Iterator[Task]:
    (task,) = tasks
    test = task.out / _TEST
    write_jsonl(test, examples)
    # The folder of a run holds what was trained under the names that the stage `train` has for it.
    asked = replace(task, inputs={"train": run})
    if arm.server:
        answer_there(asked, named_there(arm, asked), test, options, seed, emit)
    else:
        list(answer_here([asked], {task.name: arm}, ground, test, options, seed, emit))
    yield task
