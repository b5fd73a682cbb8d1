"""Whether a training was a success, why it was not, and what is kept of it."""

from __future__ import annotations

import json
import math
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from resep.digests import write_json
from resep.errors import StageError
from resep.process import tail

# What Axolotl's own words at the end of its log mean; what process.explain knows is not repeated here.
_EXPLANATIONS: Sequence[tuple[str, str]] = (
    (r"(\S+) is not a valid OptimizerNames", "training.optimizer: there is no optimizer {0}"),
    (r"(\S+) is not a valid SchedulerType", "training.lr_scheduler: there is no scheduler {0}"),
    (r"Target modules (.+?) not found", "training.lora.target_modules: the base model has no modules {0}"),
    (r"SafetensorError: (.+)", "a weights file is broken ({0}): remove the model's folder, it will be made again"),
    (r"validation errors? for AxolotlConfigWCapabilities\n(.+)", "Axolotl refused the config, beginning with: {0}"),
    (r"Can't load the configuration of '(.+?)'", "the model in {0} is not one that transformers can read"),
)


def explain(error: StageError) -> str:
    """The error's own words, or better ones where Axolotl's log says what went wrong."""
    text = tail(error.log) if error.log else ""
    for pattern, explanation in _EXPLANATIONS:
        if found := re.findall(pattern, text):
            return explanation.format(found[-1].strip())
    return str(error)


def complaint_about(story: Mapping[str, Any]) -> str:
    """Why a training whose process ended with 0 is none, or an empty text."""
    begin, end, records = story["begin"], story["end"], story["records"]
    if begin is None:
        return (
            "Axolotl ended without a word from Resep's plug-in, so nothing is known of what it did: "
            "the log says why the plug-in could not be loaded, or why no training began"
        )
    if end is None:
        return "Axolotl ended in the middle of training, though without an error"
    if end["steps"] < begin["planned_steps"] and not end["stopped_early"]:
        return f"Axolotl stopped after {end['steps']} of {begin['planned_steps']} steps, and not by early stopping"
    gradients = [record["grad_norm"] for record in records if "grad_norm" in record]
    if not gradients or end["steps"] == 0:
        return "no optimiser step was made: are there more training rows than training.batch_size?"
    if not any(norm > 0 for norm in gradients if math.isfinite(norm)):
        return (
            "nothing was learned: every gradient was zero. Is any token trained on? "
            "`resep preview` shows which are (prompt.train_on, prompt.chat_template)"
        )
    return ""


def summarise(story: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """What summary.json holds. A loss that was never measured is None."""
    begin, end, records = story["begin"], story["end"], story["records"]
    return {
        "planned_steps": begin["planned_steps"],
        "steps": end["steps"],
        "stopped_early": end["stopped_early"],
        "trainable_parameters": begin["trainable_parameters"],
        "total_parameters": begin["total_parameters"],
        "final_loss": next((r["loss"] for r in reversed(records) if "loss" in r), None),
        "final_eval_loss": next((r["eval_loss"] for r in reversed(records) if "eval_loss" in r), None),
        "method": config.get("adapter", "full"),
        "precision": begin["precision"],
    }


def keep_weights(output: Path, kept: Path, identity: str) -> None:
    """Copy the weights out of Axolotl's folder, without the paths and the set orders that change from run to run."""
    shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir()
    if (output / "adapter_model.safetensors").exists():
        shutil.copy2(output / "adapter_model.safetensors", kept)
        adapter = json.loads((output / "adapter_config.json").read_text(encoding="utf-8"))
        write_json(kept / "adapter_config.json", normalised(adapter, identity))
        return
    weights = list(output.glob("*.safetensors*"))
    if not weights:
        raise StageError("train", "Axolotl saved no weights: is the disk full?", output.parent / "log.txt")
    for file in [*weights, *output.glob("*.json"), *output.glob("*.jinja")]:
        shutil.copy2(file, kept)


def normalised(adapter: Mapping[str, Any], identity: str) -> dict[str, Any]:
    """An adapter's config whose bytes depend on the training alone: no path, lists that were sets sorted."""
    ordered = {key: sorted(value) if _is_names(value) else value for key, value in adapter.items()}
    return {**ordered, "base_model_name_or_path": identity}


def _is_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
