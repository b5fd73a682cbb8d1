"""The train stage: Axolotl in a child process, in a folder of ours, called a success only when it is one.

Exit code 0 proves little: Axolotl also exits with 0 after a NaN loss, after labels that are all masked, and without the
plug-in that should report. A success here needs the plug-in's `begin` and `end`, every planned step or a recorded
early stop, and finite gradients that are not all zero.

Leaves adapter/ (method full: model/), training.jsonl and summary.json; timings.json, tokenizer/ and work/ beside.
An interrupted training continues from its last whole checkpoint.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resep.digests import write_json
from resep.errors import StageError
from resep.handover.tokenizer import FOLDER as TOKENIZER
from resep.handover.tokenizer import hand_over_tokenizer
from resep.process import follow
from resep.stages.train.outcome import complaint_about, explain, keep_weights, summarise
from resep.stages.train.timings import timings
from resep.stages.train.work import environment, prepare_work
from resep.store import Emit, Stage, Task

if TYPE_CHECKING:
    from resep.hardware import Profile
    from resep.models import Model
    from resep.recipe import Recipe


def stage(recipe: Recipe, profile: Profile, model: Model, axolotl_python: str = sys.executable) -> Stage:
    """Train what `configure` rendered on what `tokenise` left, with the Axolotl that `axolotl_python` can import."""
    weights = "model" if recipe["training.method"] == "full" else "adapter"
    return Stage(
        name="train",
        run=partial(_run, weights=weights, profile=profile, model=model, python=axolotl_python),
        config={"model": model.identity, "compute.profile": profile.name},
        outputs=(weights, "training.jsonl", "summary.json"),
        needs={"configure": ("axolotl.yaml",), "tokenise": ("train.parquet", "validation.parquet")},
    )


def _run(
    tasks: Sequence[Task],
    emit: Emit,
    *,
    weights: str,
    profile: Profile,
    model: Model,
    python: str,
) -> Iterator[Task]:
    for task in tasks:
        work = task.out / "work"
        prepare_work(task, work, model.folder())
        command = [python, "-m", "axolotl.cli.train", "axolotl.yaml"]
        started = time.time()
        story = _follow(command, task.out, environment(profile, work, python), emit)
        if complaint := complaint_about(story):
            raise StageError("train", complaint, work / "log.txt")
        keep_weights(work / "output", task.out / weights, model.identity)
        hand_over_tokenizer(model.folder(), None, task.out / TOKENIZER)
        write_json(task.out / "summary.json", summarise(story, _config(work)))
        data = task.inputs["tokenise"] / "train.parquet"
        write_json(task.out / "timings.json", timings(story, time.time() - started, data, profile))
        for leftover in ("output", "prepared", "cache"):
            shutil.rmtree(work / leftover, ignore_errors=True)
        yield task


def _follow(command: Sequence[str], out: Path, variables: Mapping[str, str], emit: Emit) -> dict[str, Any]:
    """Run Axolotl. Returns its `begin` and `end` events (or None), when they came (`began`, `ended`), and the records
    of training.jsonl, old ones too.
    """
    story: dict[str, Any] = {"begin": None, "end": None, "records": []}
    try:
        for event in follow(command, name="train", folder=out / "work", environment=variables):
            if event["event"] == "begin":
                story["records"] = _records_until(out / "training.jsonl", event["first_step"])
            if event["event"] in ("begin", "end"):
                story[event["event"]] = {key: value for key, value in event.items() if key != "event"}
                story["began" if event["event"] == "begin" else "ended"] = time.time()
            elif event["event"] == "metric":
                record = {key: value for key, value in event.items() if key != "event"}
                story["records"].append(record)
                _append(out / "training.jsonl", record)
            if event["event"] in ("progress", "metric", "warning"):
                emit(event)
    except StageError as error:
        raise StageError("train", explain(error), error.log) from error
    return story


def _config(work: Path) -> dict[str, Any]:
    import yaml

    config: dict[str, Any] = yaml.safe_load((work / "axolotl.yaml").read_text(encoding="utf-8"))
    return config


def _records_until(file: Path, step: int) -> list[dict[str, Any]]:
    """Earlier records up to the step from which training goes on; those after it will be made again."""
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True) if file.exists() else []
    records = [json.loads(line) for line in lines if line.endswith("\n")]  # a killed run may leave half a line
    kept = [record for record in records if record["step"] <= step]
    file.write_text("".join(json.dumps(record) + "\n" for record in kept), encoding="utf-8")
    return kept


def _append(file: Path, record: Mapping[str, Any]) -> None:
    with file.open("a", encoding="utf-8") as opened:
        opened.write(json.dumps(record) + "\n")
