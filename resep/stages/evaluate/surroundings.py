"""What evaluators look at besides their samples, as their NEEDS say: for the keys of their stages and for the child."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resep import plugins
from resep.paths import data_folder
from resep.stages.evaluate.private_data import private_steps
from resep.stages.generate import ground_of
from resep.stages.generate.arms import Arm
from resep.stages.language_models.request import ArmModels
from resep.store import Task

if TYPE_CHECKING:
    from resep.hardware import Profile
    from resep.models import Model
    from resep.recipe import Recipe

MODELS, PRIVATE, TEXTS = "models", "private", "texts"


@dataclass(frozen=True)
class Surroundings:
    """Of a recipe. `models`: None where no evaluator needs them. `steps`: {"name", "options"} with `files` by name."""

    models: ArmModels | None
    steps: Sequence[Mapping[str, Any]]
    files: Mapping[str, Path]

    def config(self, needs: Collection[str]) -> dict[str, Any]:
        """For the key of an evaluator with these needs."""
        found: dict[str, Any] = {}
        if MODELS in needs and self.models:
            found |= self.models.config
        if PRIVATE in needs:
            found["private"] = list(self.steps)
        return found

    def stages(self, needs: Collection[str]) -> dict[str, tuple[str, ...]]:
        """Earlier stages, with the outputs that are looked at."""
        return dict(self.models.needs) if MODELS in needs and self.models else {}

    def reads(self, needs: Collection[str]) -> dict[str, Path]:
        """Files outside the store."""
        models = dict(self.models.reads) if MODELS in needs and self.models else {}
        steps = {f"preprocessing/{name}.py": file for name, file in self.files.items()} if PRIVATE in needs else {}
        texts = {f"evaluation/{file.name}": file for file in _texts()} if TEXTS in needs else {}
        return models | steps | texts

    def request(self, tasks: Sequence[Task]) -> dict[str, Any]:
        """`models` (null unless a due evaluator needs them: they may have to be fetched) and `private`."""
        inputs = {name: folder for task in tasks for name, folder in task.inputs.items()}
        wanted = self.models and any("models" in task.config for task in tasks)
        return {
            "models": self.models.request(inputs) if self.models and wanted else None,
            "private": {
                "folder": str(inputs["prepare"].resolve()),
                "steps": [{**step, "file": str(self.files[step["name"]].resolve())} for step in self.steps],
            },
        }


def surroundings(
    recipe: Recipe, needs: Collection[str], profile: Profile, model: Model, arms: Callable[[], Mapping[str, Arm]]
) -> Surroundings:
    """What the evaluators of a recipe look at, where together they have these needs. `arms` are read if need be."""
    steps = private_steps(recipe) if PRIVATE in needs else []
    files = {step["name"]: recipe.plugin("preprocessing", step["name"]) for step in steps}
    models = ArmModels(arms(), ground_of(recipe, profile, model)) if MODELS in needs else None
    return Surroundings(models, steps, files)


def _texts() -> list[Path]:
    return sorted(data_folder("evaluation").glob("*.jsonl"))


def needs_of(recipe: Recipe) -> dict[str, tuple[str, ...]]:
    """Evaluator -> its NEEDS."""
    return {name: plugins.describe(recipe.plugin("evaluators", name)).needs for name in recipe.evaluators}
