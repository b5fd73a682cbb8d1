"""What a model's own files say against a recipe: how it is quantised, what it is, how far it reads, how it is asked."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resep import models
from resep.models.embedded import is_made, model_folder
from resep.models.named import named_by
from resep.recipe.arms import NATIVE, placed_arms, source_of
from resep.recipe.draft import Finding
from resep.recipe.paths import is_hub_id
from resep.recipe.remote import hub_cache
from resep.suggest import listed

if TYPE_CHECKING:
    from resep.recipe import Recipe

_BASE = ("model", "base")
_CAUSAL = ("ForCausalLM", "LMHeadModel", "ForConditionalGeneration")  # the last: text and images, and text alone too
_POSITIONS = ("max_position_embeddings", "n_positions", "max_sequence_length", "max_seq_len", "seq_length")
_TIED = "lm_head"  # often shares the weights of the embedding, and is then in no file


def model_findings(recipe: Recipe) -> Iterator[Finding]:
    """Everything that the files of the base model say against the recipe; nothing where they are not here."""
    folder = folder_here(recipe)
    if folder is None:
        return
    config = _read(folder / "config.json")
    if config is None:
        return
    yield from is_one_that_can_be_tuned(recipe["model.base"], recipe["training.method"], config)
    yield from reads_far_enough(recipe["training.sequence_len"], recipe["generation.max_new_tokens"], config)
    yield from has_the_template(recipe["prompt.chat_template"], recipe["generation.arms"], folder)
    lora = recipe["training.lora"]
    if lora and isinstance(lora["target_modules"], list):
        yield from has_the_modules(lora["target_modules"], module_names(folder))


def folder_here(recipe: Recipe) -> Path | None:
    """The base model's folder where it is on this machine already; None where it would have to be fetched first."""
    return model_here(*named_by(recipe))


def model_here(name: str, revision: str | None) -> Path | None:
    """The folder of a model (embedded, from the hub, or a folder by its path) where it is on this machine already."""
    if name in models.EMBEDDED:
        return model_folder(name, lambda event: None) if is_made(name) else None  # noqa: ARG005
    if is_hub_id(name):
        return _snapshot(hub_cache() / f"models--{name.replace('/', '--')}", str(revision))
    return Path(name) if Path(name).is_dir() else None


def is_one_that_can_be_tuned(name: str, method: str, config: Mapping[str, Any]) -> Iterator[Finding]:
    """An unquantised model that continues a text."""
    quantised = config.get("quantization_config")
    if isinstance(quantised, dict) and quantised:
        how = quantised.get("quant_method", "its config.json says")
        why = "qlora quantises the weights itself" if method == "qlora" else f"{method} needs its weights in full"
        message = f"'{name}' is quantised already ({how}), and {why}; name the model that it was made from"
        yield Finding(_BASE, message)
    kinds = [kind for kind in config.get("architectures") or [] if isinstance(kind, str)]
    if config.get("is_encoder_decoder"):
        what = f" ({kinds[0]})" if kinds else ""
        message = f"'{name}' is an encoder-decoder model{what}: it answers a text and does not continue one"
        yield Finding(_BASE, f"{message}, and no trainer here takes it; choose a decoder-only model")
    elif kinds and not any(kind.endswith(_CAUSAL) for kind in kinds):
        message = (
            f"'{name}' is a {kinds[0]}, which does not write text; choose a model whose config.json says ...ForCausalLM"
        )
        yield Finding(_BASE, message)


def reads_far_enough(sequence_len: int, max_new_tokens: int, config: Mapping[str, Any]) -> Iterator[Finding]:
    """No conversation and no answer is longer than the model's positions."""
    limit = positions(config)
    if limit is None:
        return
    if sequence_len > limit:
        message = f"the model reads {limit} tokens, and {sequence_len} were to be trained on; write at most {limit}"
        yield Finding(("training", "sequence_len"), message)
    if max_new_tokens >= limit:
        message = f"the model reads {limit} tokens, the prompt included; an answer of {max_new_tokens} does not fit"
        yield Finding(("generation", "max_new_tokens"), message)


def has_the_template(chat_template: str, arms: Sequence[Any], folder: Path) -> Iterator[Finding]:
    """A model that is to be asked in its own format has one."""
    if _has_template(folder):
        return
    why = "this model has no chat template of its own (a base model, not an instruct one?)"
    if chat_template == NATIVE:
        message = f"{why}; choose a shipped one, such as mistral or chatml"
        yield Finding(("prompt", "chat_template"), message)
    native = {
        index: name
        for index, name, options in placed_arms(arms)
        if options.get("chat_template") == NATIVE and source_of(options) in ("weights", "adapter")
    }
    for index in native:
        left = [name for other, name, _ in placed_arms(arms) if other not in native]
        yield Finding(("generation", "arms", index), f"{why}; write arms: [{', '.join(left)}]")


def has_the_modules(targets: Sequence[str], names: Sequence[str]) -> Iterator[Finding]:
    """Every target is the end of some module's name. Nothing is said where the names are not known.

    A warning: a library may give a module another name than the file with its weights has.
    """
    for index, target in enumerate(targets):
        if not names or target == _TIED or any(name == target or name.endswith(f".{target}") for name in names):
            continue
        numbered = {name.rpartition(".")[2] for name in names if any(part.isdigit() for part in name.split("."))}
        ends = listed(sorted(numbered or {*names})[:20]).replace(" or ", " and ")
        message = f"the model's files name no module '{target}'; its layers have {ends}"
        yield Finding(("training", "lora", "target_modules", index), message, "warning")


def positions(config: Mapping[str, Any]) -> int | None:
    """How many tokens the model reads at most, or None where its config does not say."""
    text = config.get("text_config")
    for part in (config, text if isinstance(text, dict) else {}):
        for name in _POSITIONS:
            if isinstance(part.get(name), int) and part[name] > 0:
                return int(part[name])
    return None


def module_names(folder: Path) -> list[str]:
    """The modules with weights, from the headers of the safetensors files alone; empty where they cannot be told."""
    index = _read(folder / "model.safetensors.index.json")
    weights = _header(folder / "model.safetensors") if index is None else index.get("weight_map", {})
    matrices = (name.removesuffix(".weight") for name in weights if name.endswith(".weight"))
    return sorted(name for name in matrices if "norm" not in name.rpartition(".")[2].lower())


def _header(file: Path) -> Mapping[str, Any]:
    """The names in a safetensors file: eight bytes of length, then JSON."""
    if not file.is_file():
        return {}
    with file.open("rb") as opened:
        length = int.from_bytes(opened.read(8), "little")
        if length > min(100_000_000, file.stat().st_size):
            return {}
        header = _parsed(opened.read(length))
    return header or {}


def _has_template(folder: Path) -> bool:
    is_beside = (folder / "chat_template.jinja").is_file()
    return is_beside or bool((_read(folder / "tokenizer_config.json") or {}).get("chat_template"))


def _snapshot(repository: Path, revision: str) -> Path | None:
    """The folder of a commit, a tag or a branch in the hub's cache."""
    named = repository / "refs" / revision
    commit = named.read_text(encoding="ascii", errors="replace").strip() if named.is_file() else revision
    folder = repository / "snapshots" / commit
    return folder if folder.is_dir() else None


def _read(file: Path) -> dict[str, Any] | None:
    """The JSON object in a file; None where there is none, which the stage that needs it will say."""
    return _parsed(file.read_bytes()) if file.is_file() else None


def _parsed(raw: bytes) -> dict[str, Any] | None:
    try:
        data = json.loads(raw)
    except ValueError:
        return None
    return data if isinstance(data, dict) else None
