"""Tasks of EleutherAI's harness (lm-eval), any of its own or in files beside the recipe, for every arm with weights.

Each document is a row: an arm's answers are compared with another's on the same documents. lm_eval_score is the first
of accuracy, exact match, normalised accuracy and F1 that a task gives for a document; lm_eval_bits_per_byte is of tasks
that score whole texts. What a task says only of all its documents stands in the report's table. Prompts are those of
the harness, without a chat template. Needs: pip install 'resep[lm_eval]'
tasks: names of the harness's tasks, such as arc_easy
files: YAML files of tasks of your own, and the files of rows that they name; nothing in them is run
limit: documents of each task, the first ones; null: all
num_fewshot: answered documents that are shown before each; null: as the task says
batch_size: documents that are asked at once
offline: the rows of the harness's tasks are not fetched; false, once, to have them in the cache
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from importlib.metadata import version
from json import dumps
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import numpy as np

from resep import Context, Metric, NotAvailable, Sample, Score
from resep.errors import ResepError
from resep.harness_tasks import read_tasks
from resep.suggest import did_you_mean

NEEDS = ("models",)
PACKAGES = {"lm_eval": "resep[lm_eval]"}
METRICS = (
    Metric("lm_eval_score", direction="higher", low=0, high=1, help="of a document: right, or how right"),
    Metric("lm_eval_bits_per_byte", direction="lower", low=0, kind="corpus", unit="bits", help="of whole texts"),
)
_SCORES = ("acc", "exact_match", "acc_norm", "f1")
_SHOWN = 2000  # characters of a target or an answer that are kept


def make_samples(
    context: Context,
    *,
    tasks: list[str] = [],  # noqa: B006 - options are read from literals
    files: list[str] = [],  # noqa: B006
    limit: int | None = 100,
    num_fewshot: int | None = None,
    batch_size: int = 8,
    offline: bool = True,
) -> Iterator[Sample]:
    """A row per document of every task and arm; what the harness says of it stands in `metadata`."""
    wanted: list[str | Mapping[str, Any]] = [*tasks, *read_tasks([Path(file) for file in files])]
    if not wanted:
        raise ResepError("evaluator lm_eval: name a task of the harness in `tasks`, or a YAML file in `files`")
    for arm in context.arms:
        try:
            model = context.language_model(arm)
        except NotAvailable:
            continue
        with harness(offline), model.opened() as (weights, tokenizer):
            results = run(weights, tokenizer, wanted, limit=limit, num_fewshot=num_fewshot, batch_size=batch_size)
        yield from (sample(arm, task, document) for task, documents in results.items() for document in documents)


def evaluate(
    samples: Iterable[Sample],
    context: Context,  # noqa: ARG001
    *,
    tasks: list[str] = [],  # noqa: ARG001, B006
    files: list[str] = [],  # noqa: ARG001, B006
    limit: int | None = 100,  # noqa: ARG001
    num_fewshot: int | None = None,  # noqa: ARG001
    batch_size: int = 8,  # noqa: ARG001
    offline: bool = True,  # noqa: ARG001
) -> Iterator[Score]:
    yield from map(score, samples)


def signature(context: Context, **options: Any) -> str:  # noqa: ARG001
    named = [*options["tasks"], *(Path(file).name for file in options["files"])]
    asked = f"limit:{options['limit']}|num_fewshot:{options['num_fewshot']}"
    return (
        f"lm_eval:{version('lm_eval')}|{', '.join(named)}|{asked}|no chat template|torch:{version('torch')}|version:1"
    )


def summarise(samples: Sequence[Sample], scores: Sequence[Score], context: Context, **options: Any) -> dict[str, Any]:  # noqa: ARG001
    """Every number of every task, per arm: its mean over the documents that have it."""
    found: dict[str, dict[str, list[float]]] = {}
    for row in samples:
        for metric, value in row.metadata["metrics"].items():
            named = f"{row.metadata['task']}: {metric}"
            found.setdefault(named, {}).setdefault(row.arm, []).append(value)
    means = {name: {arm: round(sum(v) / len(v), 6) for arm, v in arms.items()} for name, arms in found.items()}
    asked = {row.arm for row in samples}
    return {**means, "left_out": [arm for arm in context.arms if arm not in asked]}


def lm_eval_bits_per_byte(sums: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """(..., [bits, bytes]) -> (...)"""
    return np.asarray(sums[..., 0] / np.where(sums[..., 1] > 0, sums[..., 1], np.nan))


AGGREGATES = {"lm_eval_bits_per_byte": lm_eval_bits_per_byte}


@contextmanager
def harness(offline: bool) -> Iterator[None]:
    """The harness as it may be here: templates in a sandbox, and no network unless it was asked for."""
    import datasets.config
    import huggingface_hub.constants
    import lm_eval.utils
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True)
    environment.filters["regex_replace"] = lm_eval.utils.regex_replace
    with ExitStack() as changed:
        changed.enter_context(patch.object(lm_eval.utils, "env", environment))
        for library in (datasets.config, huggingface_hub.constants):
            changed.enter_context(patch.object(library, "HF_HUB_OFFLINE", offline))
        yield


def run(
    weights: Any, tokenizer: Any, wanted: Sequence[str | Mapping[str, Any]], *, batch_size: int, **options: Any
) -> Mapping[str, Sequence[Mapping[str, Any]]]:
    """Task -> what the harness noted of each document, once for every document."""
    import lm_eval
    from lm_eval.models.huggingface import HFLM

    model = HFLM(pretrained=weights, tokenizer=tokenizer, batch_size=batch_size)
    try:
        with known_tasks(wanted) as (names, manager):
            found = lm_eval.simple_evaluate(
                model=model, tasks=names, task_manager=manager, bootstrap_iters=0, **options
            )
    except (ConnectionError, FileNotFoundError) as error:
        raise ResepError(
            f"evaluator lm_eval: rows are not on this machine ({error}): set offline: false once, or fetch them with "
            "the harness itself"
        ) from error
    return {task: first_of_each(documents) for task, documents in sorted(found["samples"].items())}


@contextmanager
def known_tasks(wanted: Sequence[str | Mapping[str, Any]]) -> Iterator[tuple[list[str], Any]]:
    """The names of all tasks, and the harness's index with those of one's own in it."""
    from lm_eval.tasks import TaskManager

    shipped = [task for task in wanted if isinstance(task, str)]
    own = {str(task["task"]): dumps(task) for task in wanted if not isinstance(task, str)}
    with TemporaryDirectory() as folder:
        for name, task in own.items():
            (Path(folder) / f"{name}.yaml").write_text(task, encoding="utf-8")  # JSON is YAML
        manager = TaskManager(include_path=folder, include_defaults=bool(shipped))
        for name in shipped:
            if not manager.match_tasks([name]):
                hint = did_you_mean(name, manager.all_tasks)
                raise ResepError(f"evaluator lm_eval: the harness has no task '{name}'{hint}")
        yield [*shipped, *own], manager


def first_of_each(documents: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """A document that was read through several filters stands there as often; the first one is the task's own."""
    found: dict[int, Mapping[str, Any]] = {}
    for document in documents:
        found.setdefault(document["doc_id"], document)
    return list(found.values())


def sample(arm: str, task: str, document: Mapping[str, Any]) -> Sample:
    given = {name: document[name] for name in document["metrics"]}
    metrics = {name: float(value) for name, value in given.items() if isinstance(value, int | float | np.number)}
    told: dict[str, Any] = {"task": task, "metrics": metrics}
    if isinstance(given.get("bits_per_byte"), tuple):
        log_likelihood, size = given["bits_per_byte"]
        told["bits"] = [-float(log_likelihood) / math.log(2), float(size)]
    target, output = str(document["target"])[:_SHOWN], str(document["filtered_resps"])[:_SHOWN]
    return Sample(f"{task}/{document['doc_id']}", arm, target, output, metadata=told)


def score(row: Sample) -> Score:
    """The values that the document's task has; a document without any is one that could not be told."""
    metrics = row.metadata["metrics"]
    if "bits" in row.metadata:
        bits, size = row.metadata["bits"]
        value = bits / size if size else None
        return Score(row.id, row.arm, {"lm_eval_bits_per_byte": value}, {"lm_eval_bits_per_byte": (bits, size)})
    known = next((name for name in _SCORES if 0 <= metrics.get(name, -1) <= 1), None)
    if known is None:
        return Score(
            row.id, row.arm, {"lm_eval_score": None}, error=f"task {row.metadata['task']} has no score per document"
        )
    return Score(row.id, row.arm, {"lm_eval_score": metrics[known]})
