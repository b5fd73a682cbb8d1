"""Which architecture a model has: from its own config.json where that is here, else from its name.

families/*.json are configs of the common families as they are published, without what differs from size to size in
nothing but numbers of tokens: `like` says of which model, `tokens` what its tokenizer begins, ends and pads texts with.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent / "families"
STAND_IN = "llama"  # for a model of which nothing is known
_WIDE = 131_072  # how far a model reads of which only the family is known: it is not for us to say

# What a hub id holds -> the family. The first that fits; one that is known to be another architecture has none.
_NAMES: tuple[tuple[str, str | None], ...] = (
    (r"mixtral|moe|mamba|jamba|qwen3[.-]?(next|\d+b-a\d)|qwen.*-vl|deepseek-v\d|gpt-oss", None),
    (r"qwen-?3", "qwen3"),
    (r"qwen", "qwen2"),
    (r"gemma-?3", "gemma3_text"),
    (r"gemma-?2", "gemma2"),
    (r"gemma", "gemma"),
    (r"phi-?[34]", "phi3"),
    (r"olmo-?2", "olmo2"),
    (r"olmo", "olmo"),
    (r"pythia|gpt-?neox|dolly", "gpt_neox"),
    (r"mistral|zephyr", "mistral"),
    (r"llama|smollm|vicuna", "llama"),
)


@dataclass(frozen=True)
class Family:
    """An architecture with the real values of one of its models. `tokens`: role (eos_token ...) -> control token."""

    name: str
    like: str
    config: Mapping[str, Any]
    tokens: Mapping[str, str | None]
    chat_template: str


def names() -> list[str]:
    """The families that are shipped."""
    return sorted(file.stem for file in _FOLDER.glob("*.json"))


def family(name: str) -> Family:
    """A shipped family by its name."""
    data = json.loads((_FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    config = {**data["config"], "max_position_embeddings": _WIDE}
    return Family(name, data["like"], config, data["tokens"], data["chat_template"])


def named_family(model: str) -> str | None:
    """The family that a hub id, or the name of an embedded model, tells of; None where it tells of none."""
    found = (name for pattern, name in _NAMES if re.search(pattern, model.rpartition("/")[2].lower()))
    return next(found, None)
