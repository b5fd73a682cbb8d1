"""What a run was asked to do: its recipe as recipe.lock.yaml holds it, never as the results under test tell it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from resep.document import read_document
from resep.errors import ResepError
from resep.recipe.lock import FILES, LOCK
from resep.repeatable import INPUTS, RECIPE, read_inputs, without_nothing
from resep.run_folder import RunFolder
from resep.stages.report import config_of
from resep.verification.leaves import Difference, differences

_WRITTEN_OUT = ("extends", "variables")  # a repeatable recipe holds what they lead to


@dataclass(frozen=True)
class Origin:
    """`recipe`: all keys with their values. `files`: digests of files as the run left them; none in an early lock."""

    recipe: Mapping[str, Any]
    stages: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def config(self) -> dict[str, Any]:
        """What the report says of the recipe, by dotted key."""
        return config_of(self.recipe)


def read_origin(run: RunFolder) -> Origin:
    """Raises ResepError where the lock is missing or damaged."""
    path = run.path / LOCK
    if not path.is_file():
        raise ResepError(f"{path} is missing: what the run was asked to do cannot be known; run its recipe again")
    lock = _yaml(path)
    if not isinstance(lock, Mapping) or not isinstance(lock.get("recipe"), Mapping):
        raise ResepError(f"{path} is damaged: it holds no recipe; run the recipe again, it writes it anew")
    return Origin(lock["recipe"], lock.get("stages") or {}, lock.get(FILES) or {})


def recipes_apart(run: RunFolder, origin: Origin) -> list[Difference]:
    """Where recipe/recipe.yaml, by which everything is computed again, says something else than the lock.

    Names of files differ on purpose: the repeatable recipe has them as inputs.json lists them.
    """
    folder = run.path / "recipe"
    locked = {key: value for key, value in without_nothing(origin.recipe).items() if key not in _WRITTEN_OUT}
    try:
        renamed = {(each.given, each.path) for each in read_inputs(folder)}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ResepError(f"{folder / INPUTS} is damaged: run the recipe again, it writes it anew") from error
    found, _ = differences(locked, _yaml(folder / RECIPE))
    return [each.below(f"recipe/{RECIPE}") for each in found if not _is_renamed(each, renamed)]


def _is_renamed(found: Difference, renamed: set[tuple[str, str]]) -> bool:
    named, path = found.stored, found.again
    if not isinstance(named, str) or not isinstance(path, str):
        return False
    return (named, path) in renamed or (named.endswith(".jinja") and path == f"templates/{Path(named).name}")


def _yaml(path: Path) -> Any:
    document = read_document(path.read_bytes(), str(path))
    if any(problem.severity == "error" for problem in document.problems):
        raise ResepError(f"{path} is damaged: run the recipe again, it writes it anew")
    return document.data
