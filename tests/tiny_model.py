"""A tiny random model of Mistral's architecture with Mistral's real v3 tokenizer, as a Hugging Face folder.

The vocabulary is the sentencepiece model that mistral-common carries, converted as the published tokenizer.json is: BPE
with byte fallback and a Metaspace that prepends a space to the first text only. The weights are written without torch.
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

from resep.paths import data_folder

VOCABULARY = 32768
HIDDEN, INTERMEDIATE, LAYERS, HEADS, KEY_VALUE_HEADS = 64, 128, 2, 4, 2
BOS, EOS = 1, 2


def sentencepiece_file() -> Path:
    """The v3 vocabulary in the installed mistral-common package."""
    import mistral_common

    (path,) = (Path(mistral_common.__file__).parent / "data").glob("*.model.v3")
    return path


@functools.cache
def tokenizer_folder() -> Path:
    """A folder with the tokenizer's files only."""
    folder = _session_folder()
    _write(folder / "tokenizer.json", _tokenizer())
    _write(folder / "tokenizer_config.json", _tokenizer_config())
    (folder / "chat_template.jinja").write_text(native_template(), encoding="utf-8")
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


def native_template() -> str:
    """Our mistral template as a model would carry it: without the generation blocks."""
    source = (data_folder("chat_templates") / "mistral.jinja").read_text(encoding="utf-8")
    return source.replace("{%- generation %}{{", "{{-").replace("{% endgeneration %}", "")


def _tokenizer() -> dict[str, Any]:
    from sentencepiece import SentencePieceProcessor

    source = SentencePieceProcessor(model_file=str(sentencepiece_file()))
    ids = range(source.vocab_size())
    normal = {source.id_to_piece(i): source.GetScore(i) for i in ids if source.GetScore(i) != 0 or i > 1026}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": list(_added_tokens(source)),
        "normalizer": None,
        "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": False},
        "post_processor": None,
        "decoder": {"type": "Sequence", "decoders": _decoders()},
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": "<unk>",
            "fuse_unk": True,
            "byte_fallback": True,
            "ignore_merges": False,
            "vocab": {source.id_to_piece(i): i for i in ids},
            "merges": _merges(normal),
        },
    }


def _added_tokens(source: Any) -> Iterator[dict[str, Any]]:
    """Control tokens are special; sentencepiece's user-defined pieces are found in any text, so they are not."""
    first_byte = source.piece_to_id("<0x00>")
    for number in range(first_byte):
        is_special = bool(source.IsControl(number) or source.IsUnknown(number))
        flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
        yield {"id": number, "content": source.id_to_piece(number), **flags, "special": is_special}


def _merges(scores: dict[str, float]) -> list[list[str]]:
    """Every way to put a piece together from two others, best piece first."""
    merges = [
        (score, piece[:at], piece[at:])
        for piece, score in scores.items()
        for at in range(1, len(piece))
        if piece[:at] in scores and piece[at:] in scores
    ]
    merges.sort(key=lambda merge: (merge[0], len(merge[1]), len(merge[2])), reverse=True)
    return [[left, right] for _, left, right in merges]


def _decoders() -> list[dict[str, Any]]:
    return [
        {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
        {"type": "ByteFallback"},
        {"type": "Fuse"},
        {"type": "Strip", "content": " ", "start": 1, "stop": 0},
    ]


def _tokenizer_config() -> dict[str, Any]:
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": "<s>",
        "eos_token": "</s>",
        "unk_token": "<unk>",
        "pad_token": None,  # as in the published model
        "clean_up_tokenization_spaces": False,
        "model_max_length": 2048,
    }


def _config() -> dict[str, Any]:
    return {
        "architectures": ["MistralForCausalLM"],
        "model_type": "mistral",
        "vocab_size": VOCABULARY,
        "hidden_size": HIDDEN,
        "intermediate_size": INTERMEDIATE,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "num_key_value_heads": KEY_VALUE_HEADS,
        "head_dim": HIDDEN // HEADS,
        "hidden_act": "silu",
        "max_position_embeddings": 2048,
        "initializer_range": 0.02,
        "rms_norm_eps": 1e-5,
        "rope_theta": 1000000.0,
        "sliding_window": None,
        "tie_word_embeddings": False,
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
