"""A run's recipe as a folder of its own: all that it takes to repeat the run, and no path of this machine.

`recipe.yaml` is the resolved recipe: parents, `--set`, variables and defaults are written out. Its own template and
plug-ins lie beside it. `inputs.json` lists what does not: data, and model folders, each with the digest it had.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resep import models
from resep.digests import digest_tree, write_json
from resep.document.writer import dump_yaml
from resep.hosted.service import service_of
from resep.recipe.arms import placed_arms, source_of
from resep.recipe.paths import is_address
from resep.sources.found import digest_of, files_at

if TYPE_CHECKING:
    from resep.recipe import Recipe

RECIPE, INPUTS = "recipe.yaml", "inputs.json"


@dataclass(frozen=True)
class Input:
    """A file or folder that a recipe reads and does not bring. `given` is how it was named, `path` how it is now.

    `digest` is the sha256 of a file, or what identifies a model (`local:...`).
    """

    key: str
    given: str
    path: str
    digest: str


def write_repeatable(recipe: Recipe, folder: Path, digests: Mapping[str, str] | None = None) -> None:
    """Fill the folder with the recipe, its template, its plug-ins and the list of its inputs.

    `digests` of the inputs by their keys, where they are known: gigabytes are not read once more.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    inputs = list(_inputs(recipe, digests or {}))
    data = resolved(recipe)
    for each in inputs:
        _put(data, each.key, each.path)
    if files := data["split"].get("files"):  # names of sources
        data["split"]["files"] = _renamed(files, {each.given: each.path for each in inputs})
    for name, file in _own_files(recipe):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(file, folder / name)
    for key, name, _ in _own_templates(recipe):
        _put(data, key, name)
    (folder / RECIPE).write_text(dump_yaml(data), encoding="utf-8")
    write_json(folder / INPUTS, [vars(each) for each in inputs])


def resolved(recipe: Recipe) -> dict[str, Any]:
    """The recipe with everything written out: loaded again, it says the same."""
    data: dict[str, Any] = without_nothing(deepcopy(dict(recipe.data)))
    for key in ("extends", "variables"):
        data.pop(key, None)
    return data


def read_inputs(folder: Path) -> list[Input]:
    """What `inputs.json` in a folder lists. Raises ValueError, KeyError or TypeError where it is damaged."""
    found = json.loads((folder / INPUTS).read_text(encoding="utf-8"))
    return [Input(*(str(one[name]) for name in ("key", "given", "path", "digest"))) for one in found]


def _inputs(recipe: Recipe, digests: Mapping[str, str]) -> Iterator[Input]:
    for index, source in enumerate(recipe["data.sources"]):
        if source.get("lookup"):
            key = f"data.sources[{index}].lookup.path"
            file = recipe.locate(key)
            digest = digests.get(key) or digest_tree(file)
            yield Input(key, recipe[key], _portable(recipe, file, f"data/{index}-lookup-"), digest)
        key = f"data.sources[{index}].path"
        if source.get("path") and not is_address(source["path"]):
            file = recipe.locate(key)
            digest = digests.get(key) or digest_of([digest_tree(each) for each in files_at(file)])
            yield Input(key, source["path"], _portable(recipe, file, f"data/{index}-"), digest)
    for key in _model_keys(recipe):
        path = recipe.locate(key)
        digest = digests.get(key) or models.identify(str(path))
        yield Input(key, recipe[key], f"./{_portable(recipe, path, 'models/')}", digest)
    for key in _adapter_keys(recipe):
        path = recipe.locate(key)
        yield Input(key, recipe[key], _portable(recipe, path, "adapters/"), digest_tree(path))
    for key in _file_keys(recipe):
        path = recipe.locate(key)
        yield Input(key, recipe[key], _portable(recipe, path, "data/"), digest_of([digest_tree(path)]))


def _model_keys(recipe: Recipe) -> Iterator[str]:
    """The keys that name a model by its folder."""
    from resep.stages.evaluate.names import is_folder

    keys = [] if service_of(recipe) else ["model.base"]
    keys += [f"evaluation.evaluators.{name}.encoder" for name in recipe.evaluators]
    keys += [f"{key}.model" for key, options in _arms(recipe) if source_of(options) == "model"]
    for key in keys:
        section, _, option = key.rpartition(".")
        name = recipe[section].get(option)
        if name and is_folder(name):
            yield key


def _adapter_keys(recipe: Recipe) -> Iterator[str]:
    """The keys that name the folder of an adapter."""
    return (f"{key}.adapter" for key, options in _arms(recipe) if "adapter" in options)


def _arms(recipe: Recipe) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(key, options) of every arm."""
    placed = placed_arms(recipe["generation.arms"])
    return ((f"generation.arms[{index}].{name}", options) for index, name, options in placed)


def _file_keys(recipe: Recipe) -> Iterator[str]:
    """The keys that name a file for an evaluator."""
    from resep.stages.evaluate.names import named_files

    for name, options in recipe.evaluators.items():
        yield from (f"evaluation.evaluators.{name}.{key}" for key in named_files(options).values())


def _portable(recipe: Recipe, file: Path, otherwise: str) -> str:
    """The path from the recipe's folder, or a name of our own where it lies elsewhere on this machine."""
    try:
        return file.relative_to(recipe.folder).as_posix()
    except ValueError:
        return f"{otherwise}{file.name}"


def _own_files(recipe: Recipe) -> Iterator[tuple[str, Path]]:
    yield from ((f"{path.parent.name}/{path.name}", path) for path in recipe.foreign_plugins)
    yield from ((name, file) for _, name, file in _own_templates(recipe))


def _own_templates(recipe: Recipe) -> Iterator[tuple[str, str, Path]]:
    """(key, name beside the repeatable recipe, file) of the templates that came with the recipe."""
    keys = ["prompt.chat_template"]
    keys += [f"{key}.chat_template" for key, arm in _arms(recipe) if str(arm.get("chat_template")).endswith(".jinja")]
    for key in keys:
        if str(recipe[key]).endswith(".jinja"):
            file = recipe.locate(key)
            yield key, f"templates/{file.name}", file


def without_nothing(value: Any) -> Any:
    """The value without keys that are None: absent keys, which a recipe does not spell."""
    if isinstance(value, Mapping):
        return {key: without_nothing(inner) for key, inner in value.items() if inner is not None}
    return [without_nothing(item) for item in value] if isinstance(value, list) else value


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    """The value with every text that is one of the names replaced by the new one."""
    if isinstance(value, Mapping):
        return {key: _renamed(inner, names) for key, inner in value.items()}
    if isinstance(value, list):
        return [_renamed(item, names) for item in value]
    return names.get(value, value)


def _put(data: Any, key: str, value: str) -> None:
    *parents, last = key.replace("[", ".").replace("]", "").split(".")
    for part in parents:
        data = data[_step(data, part)]
    data[_step(data, last)] = value


def _step(data: Any, part: str) -> int | str:
    return int(part) if isinstance(data, list) else part
