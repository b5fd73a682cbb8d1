"""A tiny random model of Mistral's architecture with Mistral's real v3 tokenizer, as a Hugging Face folder.

Tokenizer and config are those of a rehearsal; the weights are written without torch, which takes a child seconds.
`model_folder()` and `tokenizer_folder()` are made once per test session and must not be written to.
"""

from __future__ import annotations

import atexit
import functools
import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from resep.rehearsal.families import family
from resep.rehearsal.mistral_tokenizer import (
    ROLES,
    native_template,
    sentencepiece_file,
    tokenizer_config,
    tokenizer_json,
)
from resep.rehearsal.shrinking import shrunk

__all__ = ["build", "model_folder", "sentencepiece_file", "tokenizer_folder"]

VOCABULARY, POSITIONS = 32768, 2048
HIDDEN, INTERMEDIATE, LAYERS, HEADS, KEY_VALUE_HEADS = 64, 128, 2, 4, 2
BOS, EOS = 1, 2


@functools.cache
def tokenizer_folder() -> Path:
    """A folder with the tokenizer's files only."""
    folder = _session_folder()
    _write(folder / "tokenizer.json", tokenizer_json())
    _write(folder / "tokenizer_config.json", tokenizer_config(ROLES, POSITIONS))
    (folder / "chat_template.jinja").write_text(native_template("mistral"), encoding="utf-8")
    return folder


@functools.cache
def model_folder() -> Path:
    """A folder with tokenizer, config and random weights (fp32, 17 MB, the same in every session)."""
    return build(_session_folder())


def build(folder: Path) -> Path:
    """Fill `folder` with the whole model, for a test that wants a copy of its own; returns the folder."""
    shutil.copytree(tokenizer_folder(), folder, dirs_exist_ok=True)
    _write(folder / "config.json", _config())
    _write(folder / "generation_config.json", {"bos_token_id": BOS, "eos_token_id": EOS, "do_sample": False})
    _write_weights(folder / "model.safetensors")
    return folder


def _config() -> dict[str, Any]:
    return {
        **shrunk(family("mistral").config),
        "architectures": ["MistralForCausalLM"],
        "vocab_size": VOCABULARY,
        "num_key_value_heads": KEY_VALUE_HEADS,
        "max_position_embeddings": POSITIONS,
        "use_cache": True,
        "bos_token_id": BOS,
        "eos_token_id": EOS,
        "dtype": "float32",
    }


def _write_weights(path: Path) -> None:
    import numpy
    from safetensors.numpy import save_file

    random = numpy.random.default_rng(0)
    weights = {
        name: numpy.ones(shape, numpy.float32)
        if len(shape) == 1
        else random.normal(0, 0.02, shape).astype(numpy.float32)
        for name, shape in _shapes()
    }
    save_file(weights, str(path), metadata={"format": "pt"})


def _shapes() -> Iterator[tuple[str, tuple[int, ...]]]:
    yield "model.embed_tokens.weight", (VOCABULARY, HIDDEN)
    for layer in range(LAYERS):
        block = f"model.layers.{layer}"
        key_value = HIDDEN // HEADS * KEY_VALUE_HEADS
        for name, rows in (("q", HIDDEN), ("k", key_value), ("v", key_value), ("o", HIDDEN)):
            yield f"{block}.self_attn.{name}_proj.weight", (rows, HIDDEN)
        yield f"{block}.mlp.gate_proj.weight", (INTERMEDIATE, HIDDEN)
        yield f"{block}.mlp.up_proj.weight", (INTERMEDIATE, HIDDEN)
        yield f"{block}.mlp.down_proj.weight", (HIDDEN, INTERMEDIATE)
        yield f"{block}.input_layernorm.weight", (HIDDEN,)
        yield f"{block}.post_attention_layernorm.weight", (HIDDEN,)
    yield "model.norm.weight", (HIDDEN,)
    yield "lm_head.weight", (VOCABULARY, HIDDEN)


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def _session_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="resep-tiny-model-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
