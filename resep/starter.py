"""A recipe to start from: one of `recipes/templates`, with a name, a model and data of the person's own.

A template is a recipe that runs as it stands; what is replaced is the value after a key, on the line where it stands,
so that every comment stays.
"""

from __future__ import annotations

import json
import os.path
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from resep.document.inline import inline
from resep.errors import RecipeError, ResepError
from resep.models import EMBEDDED
from resep.own_rows import Rows
from resep.paths import data_folder
from resep.recipe import load
from resep.recipe.paths import is_hub_id
from resep.suggest import did_you_mean, listed

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_COMMENTS_AT = 38  # the column where the templates' comments stand
_FOR_LARGER_MODELS = "2e-4"
_MOST_LABELS = 20


@dataclass(frozen=True)
class Starter:
    """What is to be written: file -> text. `sample` is the file of sample rows, None where there are own ones."""

    recipe: Path
    files: Mapping[Path, str]
    sample: Path | None


def tasks() -> dict[str, str]:
    """Every task that there is a template for, with the first line of its comment."""
    return {path.stem: _about(path) for path in sorted(_folder().glob("*.yaml"))}


def starter(path: Path, task: str, model: str | None, revision: str | None, rows: Rows | None) -> Starter:
    """A recipe at `path` for a task. Raises ResepError for a name, task or model that cannot be."""
    if task not in tasks():
        hint = did_you_mean(task, tasks()) or f"; there are {listed(tasks())}"
        raise ResepError(f"there is no template for the task '{task}'{hint}")
    name = path.stem
    if not _NAME.fullmatch(name):
        raise ResepError(f"'{name}' cannot be a recipe's name: it is made of letters, digits, '.', '_' and '-'")
    sample = None if rows else path.parent / "data" / f"{name}.jsonl"
    text = (_folder() / f"{task}.yaml").read_text(encoding="utf-8")
    text = _replaced(text, "name", name)
    text = _replaced(text, "path", rows.file if rows else f"data/{name}.jsonl")
    text = _of_model(_of_rows(text, task, rows) if rows else text, model, revision)
    files = {path: _for_editors(text, path.parent)}
    if sample:
        files[sample] = (_folder() / "data" / f"{task}.jsonl").read_text(encoding="utf-8")
    return Starter(path, files, sample)


def write(made: Starter) -> None:
    """Write the files. Raises ResepError where one of them is there already, RecipeError where what was asked for makes
    no recipe; nothing is left behind then.
    """
    for file in made.files:
        if file.exists():
            raise ResepError(f"{file} is there already, and nothing is overwritten: choose another name, or remove it")
    _write(made.recipe, made.files[made.recipe])
    try:
        load(made.recipe)
    except RecipeError:
        made.recipe.unlink()
        raise
    for file in made.files.keys() - {made.recipe}:
        _write(file, made.files[file])


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def _of_rows(text: str, task: str, rows: Rows) -> str:
    """The template with the person's fields, without what speaks of the sample."""
    if rows.are_conversations and task != "chat":
        raise ResepError(f"{rows.file} holds conversations, which are for the task 'chat', not '{task}'")
    label = {"label": rows.fields["response"]} if task == "classification" else {}
    text = _replaced(_replaced(text, "format", rows.format), "fields", inline({**rows.fields, **label}))
    if instruction := _instruction(task, rows.responses):
        text = _replaced(text, "system", instruction)
    return re.sub(r"^# The rows that came with.*\n", "", text, flags=re.M)


def _instruction(task: str, responses: Sequence[Any]) -> str:
    """What the model is told, where the template names the labels or the keys of the sample."""
    if task == "classification":
        labels = dict.fromkeys(str(response) for response in responses)
        names = f" into one of: {', '.join(labels)}" if len(labels) <= _MOST_LABELS else ""
        return f"Sort the message{names}. Answer with the label only."
    if task == "json" and responses:
        keys = _keys_of_json(responses[0])
        return f"Answer with JSON only{', with the keys ' * bool(keys)}{', '.join(keys)}."
    return ""


def _keys_of_json(text: Any) -> list[str]:
    try:
        found = json.loads(str(text))
    except ValueError:
        return []
    return list(found) if isinstance(found, dict) else []


def _of_model(text: str, model: str | None, revision: str | None) -> str:
    if model is None or model in EMBEDDED:
        return text if model is None else _replaced(text, "base", model)
    if is_hub_id(model) and not Path(model).is_dir() and not revision:
        message = "add --revision, a commit or a tag of it, so that the same recipe means the same model next year"
        raise ResepError(f"{model} is a model of the hub: {message} (a folder is written ./{model})")
    text = _replaced(_replaced(text, "base", model), "learning_rate", _FOR_LARGER_MODELS)
    return re.sub(r"^(  base: .*)$", rf"\1\n  revision: {inline(revision)}", text, flags=re.M) if revision else text


def _replaced(text: str, key: str, value: str) -> str:
    """The text with another value for the first line that says `key: value`, its comment where it was."""
    found = re.search(rf"^((?:  )*(?:- )?{key}: )(\S.*?)(?:\s+(#.*))?$", text, flags=re.M)
    if found is None:
        raise AssertionError(f"the template has no '{key}: ...'")
    written = value if found[2].startswith("{") or key == "learning_rate" else inline(value)
    line = found[1] + written
    comment = f"{line:<{_COMMENTS_AT - 1}} {found[3]}" if len(line) < _COMMENTS_AT else f"{line}   {found[3]}"
    return text[: found.start()] + (comment if found[3] else line) + text[found.end() :]


def _for_editors(text: str, folder: Path) -> str:
    """The first line leads an editor to the schema: relatively in a clone, else by its place on this machine."""
    schema = data_folder("schemas") / "recipe.schema.json"
    clone = schema.parent.parent
    is_near = (clone / "pyproject.toml").is_file() and folder.absolute().is_relative_to(clone)
    path = os.path.relpath(schema, folder.absolute()) if is_near else str(schema)
    return re.sub(r"\$schema=\S+", lambda _: f"$schema={path}", text, count=1)


def _about(path: Path) -> str:
    lines = path.read_text(encoding="utf-8").splitlines()
    return next(line[2:] for line in lines if line.startswith("# ") and "yaml-language-server" not in line)


def _folder() -> Path:
    return data_folder("recipes") / "templates"
