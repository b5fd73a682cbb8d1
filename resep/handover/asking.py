"""resep.json: how a tuned model is asked, as a recipe without data: `chat` and `predict` need nothing but its folder.

It holds the text steps, the prompt, the decoding and the base model's name; not what was trained on, nor where that
lay. Text steps that came with the recipe go along as files, and run only where their reader agrees to them.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from resep.handover.tokenizer import TEMPLATE
from resep.models.embedded import EMBEDDED
from resep.plugins import describe, is_shipped
from resep.plugins.source import TEXT_SHAPES
from resep.recipe.paths import is_hub_id
from resep.records import Sample, read_jsonl
from resep.repeatable import resolved

if TYPE_CHECKING:
    from resep.recipe import Recipe

FILE = "resep.json"
_KEPT = ("resep", "name", "description", "license", "language", "seed")
_SAMPLING = ("temperature", "top_p", "top_k")
_HERE = "./."  # a whole model is its own base
# What every recipe has and nobody is asked by.
UNASKED = ("data.sources[0].path=rows.jsonl", "evaluation={primary: exact_match, evaluators: {exact_match: {}}}")

Weights = Literal["adapter", "model"]


def write_asking(recipe: Recipe, folder: Path, weights: Weights, *, conversation: bool) -> None:
    """Write the file, and the recipe's own text steps beside it. `conversation`: earlier turns belong to a question."""
    text = json.dumps(_asking(recipe, weights, conversation), ensure_ascii=False, indent=1) + "\n"
    (folder / FILE).write_text(text, encoding="utf-8")
    for file in _own_steps(recipe):
        (folder / "preprocessing").mkdir(exist_ok=True)
        shutil.copyfile(file, folder / "preprocessing" / file.name)


def text_steps(recipe: Recipe) -> list[Mapping[str, Mapping[str, Any]]]:
    """The steps that a prompt goes through, as the recipe has them, defaults written out."""
    return [step for step in resolved(recipe)["preprocessing"] if _is_text_step(recipe, step)]


def has_conversations(samples: Path) -> bool:
    """Whether the rows that were answered have earlier turns: in samples.jsonl, or in a file of the same form."""
    return any(turn.role == "assistant" for sample in read_jsonl(samples, Sample) for turn in sample.prompt)


def base_name(recipe: Recipe) -> str:
    """The base model as another machine may call it: a folder by its own name alone."""
    name: str = recipe["model.base"]
    return name if name in EMBEDDED or is_hub_id(name) else f"./{Path(name).name}"


def _asking(recipe: Recipe, weights: Weights, conversation: bool) -> dict[str, Any]:
    said = resolved(recipe)
    base = said["model"] | {"base": base_name(recipe)}
    generation = {key: value for key, value in said["generation"].items() if _counts(key, recipe)}
    method = {"method": recipe["training.method"]} if weights == "adapter" else {"method": "full"}
    return {
        **{key: said[key] for key in _KEPT if key in said},
        "model": base if weights == "adapter" else {"base": _HERE},
        "data": {"sources": [{"format": "messages" if conversation else "prompt_response"}]},
        "preprocessing": text_steps(recipe),
        "prompt": said["prompt"] | {"chat_template": TEMPLATE},
        "training": method | {"precision": recipe["training.precision"]},
        "generation": generation | {"arms": ["base", "tuned"]},
    }


def _counts(key: str, recipe: Recipe) -> bool:
    return key not in _SAMPLING or bool(recipe["generation.do_sample"])


def _is_text_step(recipe: Recipe, step: Mapping[str, Any]) -> bool:
    (name,) = step
    return describe(recipe.plugin("preprocessing", name)).shape in TEXT_SHAPES


def _own_steps(recipe: Recipe) -> Iterator[Path]:
    files = [recipe.plugin("preprocessing", name) for step in text_steps(recipe) for name in step]
    return (file for file in files if not is_shipped(file))
