"""Tasks of EleutherAI's harness in files of one's own: read as data, never as code.

The harness itself would run what `!function` names, fetch a metric's code, and render templates in which a stranger's
text can reach the interpreter. Here a task is a map of known keys over rows that lie beside it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from resep.document import read_document
from resep.document.places import KeyPath
from resep.errors import Problem, RecipeError
from resep.suggest import did_you_mean, listed

READERS = ("json", "csv", "parquet", "text")  # of the library `datasets`: none of them runs or fetches anything
_KEYS = (
    "task",
    "dataset_path",
    "dataset_kwargs",
    "training_split",
    "validation_split",
    "test_split",
    "fewshot_split",
    "output_type",
    "description",
    "doc_to_text",
    "doc_to_target",
    "doc_to_choice",
    "target_delimiter",
    "fewshot_delimiter",
    "num_fewshot",
    "metric_list",
    "generation_kwargs",
    "filter_list",
    "repeats",
    "metadata",
)
_NEEDED = ("task", "dataset_path", "dataset_kwargs", "output_type", "doc_to_text")
_TASK_ENDINGS = (".yaml", ".yml")


def read_tasks(files: Sequence[Path]) -> list[dict[str, Any]]:
    """The task of every YAML file, its data files by their paths. Raises RecipeError with all that is wrong.

    `files` are the YAML files and the files of rows that they name, relative to themselves.
    """
    rows = {file.resolve() for file in files if file.suffix not in _TASK_ENDINGS}
    tasks = [_read(file, rows) for file in files if file.suffix in _TASK_ENDINGS]
    problems = [problem for _, found in tasks for problem in found]
    if problems:
        raise RecipeError(problems)
    return [task for task, _ in tasks]


def _read(file: Path, rows: set[Path]) -> tuple[dict[str, Any], list[Problem]]:
    document = read_document(file.read_bytes(), file.name)
    faults = [problem for problem in document.problems if problem.severity == "error"]
    if faults or not isinstance(document.data, dict):
        return {}, faults or [document.problem((), "a task is a map: task: name, dataset_path: json and so on")]
    task = document.data
    problems = [document.problem(path, message) for path, message in _faults(task, file, rows)]
    if problems:
        return {}, problems
    located = {split: [str(path) for path in _paths(named, file)] for split, named in _data_files(task).items()}
    return {**task, "dataset_kwargs": {"data_files": located}}, []


def _faults(task: Mapping[str, Any], file: Path, rows: set[Path]) -> Iterator[tuple[KeyPath, str]]:
    for key in task:
        if key not in _KEYS:
            hint = did_you_mean(str(key), _KEYS) or f"; known are {', '.join(_KEYS)}"
            yield (key,), f"a task that is data has no '{key}'{hint}"
    for key in _NEEDED:
        if key not in task:
            yield (), f"'{key}' is missing"
    if not re.fullmatch("[A-Za-z0-9][A-Za-z0-9_-]{0,99}", str(task.get("task", "x"))):
        yield ("task",), "a task's name is made of letters, digits, _ and -"
    if task.get("dataset_path") not in READERS:
        yield ("dataset_path",), f"a file of rows is read as {listed(READERS)}; name a task of the harness in `tasks`"
    if set(task.get("dataset_kwargs") or {}) != {"data_files"} or not _data_files(task):
        yield ("dataset_kwargs",), "this is data_files alone: a map of a split's name to a file, or to a list of files"
    for split, named in _data_files(task).items():
        for path in _paths(named, file):
            if path.resolve() not in rows:
                yield (
                    ("dataset_kwargs", "data_files", split),
                    f"'{path.name}' is to stand in `files` of the recipe, too",
                )
    for at, metric in enumerate(_maps(task.get("metric_list"))):
        if metric.get("hf_evaluate"):
            yield ("metric_list", at), "hf_evaluate would fetch code and run it"


def _data_files(task: Mapping[str, Any]) -> dict[str, Any]:
    found = (task.get("dataset_kwargs") or {}).get("data_files")
    return dict(found) if isinstance(found, Mapping) else {}


def _paths(named: Any, file: Path) -> list[Path]:
    return [file.parent / str(name) for name in (named if isinstance(named, list) else [named])]


def _maps(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []
