"""The configure stage: recipe and statistics of the tokenised rows -> the trainer's own config, by a converter plug-in.

Runs in the runner's process. The result names no path of this machine, so that the same bytes keep the trained model.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resep.plugins import open_plugin
from resep.store import Emit, Stage, Task

if TYPE_CHECKING:
    from resep.hardware import Profile
    from resep.models import Model
    from resep.recipe import Recipe


def stage(recipe: Recipe, profile: Profile, model: Model) -> Stage:
    """Render `axolotl.yaml`. Of the model only the special tokens are read."""
    converter = recipe.plugin("converters", recipe["training.trainer"])
    return Stage(
        name="configure",
        run=partial(_run, recipe=recipe, profile=profile, model=model, converter=converter),
        config={"model": model.identity, **recipe.pick("training", "seed"), **_steering(profile)},
        outputs=("axolotl.yaml",),
        needs={"tokenise": ("statistics.json",)},
        reads={f"converters/{converter.name}": converter},
    )


def _steering(profile: Profile) -> dict[str, Any]:
    """What of the machine steers the config: on a CPU nothing but that it is one."""
    if profile.name == "cpu":
        return {"compute.profile": "cpu"}
    return {
        "compute.profile": profile.name,
        "compute.memory_gib": profile.memory_gib,
        "compute.capability": list(profile.capability or ()),
    }


def _run(
    tasks: Sequence[Task],
    emit: Emit,  # noqa: ARG001
    *,
    recipe: Recipe,
    profile: Profile,
    model: Model,
    converter: Path,
) -> Iterator[Task]:
    for task in tasks:
        statistics = json.loads((task.inputs["tokenise"] / "statistics.json").read_text(encoding="utf-8"))
        prepared = {**statistics, "special_tokens": special_tokens(model.tokenizer_folder())}
        for name, content in open_plugin(converter).convert(recipe, prepared, profile).items():
            (task.out / name).write_text(content, encoding="utf-8")
        yield task


def special_tokens(folder: Path) -> dict[str, str]:
    """The end and the padding token of a model's tokenizer. Without a padding token, the end token pads."""
    file = folder / "tokenizer_config.json"
    config = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    named = {name: _text(config.get(name)) for name in ("eos_token", "pad_token")}
    named["pad_token"] = named["pad_token"] or named["eos_token"]
    return {name: token for name, token in named.items() if token}


def _text(token: Any) -> str | None:
    """A token's text; older tokenizers write it as an object."""
    text = token["content"] if isinstance(token, dict) else token
    return None if text is None else str(text)
