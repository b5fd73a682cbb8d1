"""A run folder as a run leaves it, made without a model: the stages of fake_run, scored and reported for real."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from resep.digests import digest_tree
from resep.document.writer import dump_yaml
from resep.plugins.trust import trust
from resep.predictions import write_predictions
from resep.recipe import Recipe, load
from resep.recipe.lock import FILES, LOCK
from resep.records import Sample, read_jsonl, write_jsonl
from resep.repeatable import write_repeatable
from resep.stages.evaluate import stored_samples_request
from resep.stages.generate.outcome import counted
from resep.stages.report import OUTPUTS, config_of, write_report
from resep.stages.shared_child import run_in_one_child
from resep.store import Task
from tests.fake_run import ARMS, fake_run

# A metric that is no mean over rows: the share of all target words that stand in the outputs.
CORPUS_PLUGIN = '''\
"""Share of the references' words that the outputs have, over all rows together."""

import numpy as np

from resep import Metric, Score, target_text

METRICS = (Metric("word_recall", direction="higher", low=0, high=1, kind="corpus"),)
AGGREGATES = {"word_recall": lambda sums: sums[..., 0] / sums[..., 1]}


def evaluate(samples, context):
    for sample in samples:
        words = target_text(sample.target, context.response_format).split()
        found = sum(word in sample.output.split() for word in words)
        yield Score(sample.id, sample.arm, {"word_recall": found / len(words)}, {"word_recall": (found, len(words))})
'''
RECIPE = """\
resep: 1
name: fake
seed: 7
model: {base: smollm2-135m-instruct}
data: {sources: [{path: rows.jsonl, fields: {prompt: prompt, response: response, category: category}}]}
preprocessing: [lowercase]
generation: {arms: [base, tuned, base@native-template]}
evaluation:
  primary: order_accuracy
  evaluators: {order_accuracy: {encoder: lexical}, exact_match: {}, length: {}, word_recall: {}}
  slices: [category]
expect: {order_accuracy.delta: "> 0"}
"""

Change = Callable[[Sample], Sample]


def finished_run(folder: Path, recipe: str = RECIPE, change: Change = lambda sample: sample, rows: int = 45) -> Path:
    """Write `folder`/runs/<name>/<id> and return it. `change` replaces each sample before it is scored."""
    source = folder / "source"
    (source / "evaluators").mkdir(parents=True)
    (source / "evaluators" / "word_recall.py").write_text(CORPUS_PLUGIN, encoding="utf-8")
    (source / "recipe.yaml").write_text(recipe, encoding="utf-8")
    trust(source / "evaluators" / "word_recall.py")
    loaded = load(source / "recipe.yaml")
    inputs = fake_run(folder / "stages", rows)
    for arm in ARMS:
        file = inputs[f"generate:{arm}"] / "samples.jsonl"
        samples = [change(sample) for sample in list(read_jsonl(file, Sample))]
        write_jsonl(file, samples)
        edit_json(file.with_name("arm.json"), lambda card, samples=samples: card.update(counted(samples)))  # type: ignore[misc]
    inputs = {name: path for name, path in inputs.items() if not name.startswith("evaluate:")}
    inputs |= _evaluated(loaded, inputs, folder / "evaluated")
    run = folder / "runs" / str(loaded["name"]) / "0123456789ab"
    run.mkdir(parents=True)
    files = {name: loaded.plugin("evaluators", name) for name in loaded.evaluators}
    write_report(inputs, config_of(loaded.data), run.name, run, files)
    samples_of = {arm: inputs[f"generate:{arm}"] / "samples.jsonl" for arm in ARMS}
    write_predictions(run / "predictions.csv", samples_of, loaded["prompt.response_format"])
    write_lock(
        run, {"recipe": loaded.data, "stages": {"report": run.name}, FILES: {n: digest_tree(run / n) for n in OUTPUTS}}
    )
    write_repeatable(loaded, run / "recipe", {"data.sources[0].path": "not digested"})
    (run.parent / "latest").symlink_to(run.name)
    return run


def write_lock(run: Path, lock: Mapping[str, Any]) -> None:
    (run / LOCK).write_text(dump_yaml(lock), encoding="utf-8")


def _evaluated(recipe: Recipe, inputs: Mapping[str, Path], work: Path) -> dict[str, Path]:
    outs = {name: work / name for name in recipe.evaluators}
    for out in outs.values():
        out.mkdir(parents=True)
        shutil.copy(inputs["prepare"] / "stage.json", out / "stage.json")
    generated = {arm: inputs[f"generate:{arm}"] for arm in ARMS}
    arms = {arm: {"samples": str(g / "samples.jsonl"), "card": str(g / "arm.json")} for arm, g in generated.items()}
    tasks = [Task(f"evaluate:{name}", {}, {}, out) for name, out in outs.items()]
    request = stored_samples_request(recipe, arms, outs)
    for _ in run_in_one_child("resep.stages.evaluate.worker", request, tasks, lambda event: None):  # noqa: ARG005
        pass
    return {f"evaluate:{name}": out for name, out in outs.items()}


def same_answers(sample: Sample) -> Sample:
    """Every arm answers as if it were the same model: the target, with its first step missing in every third row."""
    steps = sample.target if int(sample.id[-3:]) % 3 else sample.target[1:]
    return replace(sample, output="\n".join(f"{i}. {step}" for i, step in enumerate(steps, 1)), finish_reason="stop")


def edit_json(file: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    """Change a JSON file in place, as somebody might by hand."""
    data = json.loads(file.read_text(encoding="utf-8"))
    edit(data)
    file.write_text(json.dumps(data), encoding="utf-8")


def edit_lines(file: Path, edit: Callable[[list[dict[str, Any]]], Iterable[dict[str, Any]] | None]) -> None:
    """The same for a file of JSON lines; `edit` changes the list, or returns another."""
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    kept = edit(lines)
    file.write_text("".join(json.dumps(line) + "\n" for line in (lines if kept is None else kept)), encoding="utf-8")
