"""What a stage says of the arms' models: for its key, and for its child. Nothing is loaded here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resep.stages.generate.adapters import WEIGHTS
from resep.stages.generate.arms import Arm
from resep.stages.generate.shots import FILE
from resep.templates import find_template

if TYPE_CHECKING:
    from resep.stages.generate.local import Ground

_BEHIND_A_SERVER = "arm {}: a server answers for it, so its weights are not here to be asked for probabilities"


@dataclass(frozen=True)
class ArmModels:
    """The models behind the arms of a recipe. `ground` is what the arms share: base model, precision, machine."""

    arms: Mapping[str, Arm]
    ground: Ground

    @property
    def config(self) -> dict[str, Any]:
        """For the key of a stage that asks them."""
        base, numbers = self.ground.model.identity, self.ground.numbers.name
        return {"model": base, "precision": numbers, "models": {name: _told(arm) for name, arm in self.arms.items()}}

    @property
    def needs(self) -> dict[str, tuple[str, ...]]:
        """What was trained, and the rows that arms are shown before a question."""
        is_tuned = any(arm.weights == "tuned" and not arm.server for arm in self.arms.values())
        shown = {arm.choice.stage_name: (FILE,) for arm in self.arms.values() if arm.choice and not arm.server}
        return {**({"train": (self.ground.trained,)} if is_tuned else {}), **shown}

    @property
    def reads(self) -> dict[str, Path]:
        """The files of templates and of adapters that the recipe names."""
        asked = {name: arm for name, arm in self.arms.items() if not arm.server}
        templates = {name: find_template(arm.template, arm.template_folder) for name, arm in asked.items()}
        adapters = {f"adapter of {name}": arm.adapter.folder / WEIGHTS for name, arm in asked.items() if arm.adapter}
        return {**{f"template of {name}": file for name, file in templates.items() if file}, **adapters}

    def request(self, inputs: Mapping[str, Path]) -> dict[str, Any]:
        """For the child, with the folders of the stages in `needs`. Models that are not here yet are fetched."""
        trained = inputs["train"] / self.ground.trained if "train" in inputs else None
        return {
            "precision": asdict(self.ground.numbers) | {"name": self.ground.numbers.name},
            "device": self.ground.profile.name,
            "arms": {name: self._arm(arm, trained, inputs) for name, arm in self.arms.items()},
        }

    def _arm(self, arm: Arm, trained: Path | None, inputs: Mapping[str, Path]) -> dict[str, Any]:
        """Folders of the weights, of an adapter on them and of the tokenizer; or why there are none."""
        if arm.server:
            return {"missing": _BEHIND_A_SERVER.format(arm.name)}
        folder = tokenizer = (arm.model or self.ground.model).folder()
        adapter = arm.adapter.folder if arm.adapter else None
        if arm.weights == "tuned":
            assert trained is not None, "an arm with trained weights needs the stage train"
            # A model whose every weight was trained is asked through the tokenizer of its base.
            folder, adapter = (folder, trained) if self.ground.trained == "adapter" else (trained, None)
        return {
            "missing": None,
            "folder": str(folder.resolve()),
            "adapter": str(adapter.resolve()) if adapter else None,
            "tokenizer": str(tokenizer.resolve()),
            "template": arm.template,
            "template_folder": str(arm.template_folder.resolve()),
            "shots": str((inputs[arm.choice.stage_name] / FILE).resolve()) if arm.choice else None,
        }


def _told(arm: Arm) -> dict[str, Any]:
    found = {"weights": arm.weights, "template": arm.template}
    found |= {"model": arm.model.identity} if arm.model else {}
    return found | ({"adapter": arm.adapter.settings} if arm.adapter else {})
