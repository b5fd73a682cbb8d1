"""The folders of a run that other people may want: adapter/ and model/, each complete in itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resep.digests import read_json_or_nothing, write_json
from resep.handover.asking import Weights, has_conversations, write_asking
from resep.handover.card import model_card
from resep.handover.tokenizer import hand_over_tokenizer
from resep.recipe.paths import is_hub_id
from resep.stages.chat_template import chat_template
from resep.templates import find_template

if TYPE_CHECKING:
    from resep.recipe import Recipe

README = "README.md"
_ADAPTER = "adapter_config.json"
_FOLDERS: tuple[Weights, ...] = ("adapter", "model")


def complete(run: Path, recipe: Recipe, tokenizer: Path) -> None:
    """Put beside the weights in a run's folder what it takes to use them. `tokenizer`: a folder with its files.

    The same run gives the same bytes on every machine.
    """
    results = json.loads((run / "results.json").read_text(encoding="utf-8"))
    conversation = has_conversations(run / "samples.jsonl")
    for weights in _FOLDERS:
        folder = run / weights
        if folder.is_dir():
            hand_over_tokenizer(tokenizer, _template(recipe), folder)
            write_asking(recipe, folder, weights, conversation=conversation)
            _name_base(recipe, folder)
            (folder / README).write_text(model_card(recipe, results, weights), encoding="utf-8")


def _template(recipe: Recipe) -> str | None:
    """The chat template's text; None for the model's own."""
    file = find_template(*chat_template(recipe))
    return None if file is None else file.read_text(encoding="utf-8")


def _name_base(recipe: Recipe, folder: Path) -> None:
    """PEFT finds the base of an adapter by itself where that is a model of the hub."""
    config: dict[str, Any] = read_json_or_nothing(folder / _ADAPTER)
    if config and is_hub_id(recipe["model.base"]):
        named = {"base_model_name_or_path": recipe["model.base"], "revision": recipe["model.revision"]}
        write_json(folder / _ADAPTER, config | named)
