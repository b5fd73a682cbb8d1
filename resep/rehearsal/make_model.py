"""A child process: the folder of a tiny random model, for rehearsals and tests.

    python -m resep.rehearsal.make_model   request: {"kind": "language model", "config": a tiny config.json, "files": of
    a tokenizer, or none: then "tokens" (role -> control token) and "chat_template" go with Mistral's vocabulary, "out"}
    or {"kind": "encoder", "out"}

The weights are drawn with one seed: the same request gives the same model.
"""

from __future__ import annotations

import json
import shutil
import string
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import transformers

from resep import events
from resep.errors import ResepError
from resep.rehearsal.mistral_tokenizer import native_template, tokenizer_config, tokenizer_json
from resep.templates import load_tokenizer

_SEED = 0
_CHATML = ("<|im_start|>", "<|im_end|>")  # so that the template chatml finds its markers in any stand-in
_ENCODER_LAYERS = 2


def make(request: Mapping[str, Any]) -> None:
    """Fill the folder `out`. Raises ResepError where transformers has no such architecture, or cannot make it."""
    out = Path(request["out"])
    torch.manual_seed(_SEED)
    if request["kind"] == "encoder":
        _make_encoder(out)
    else:
        _make_language_model(out, request)


def _make_language_model(out: Path, request: Mapping[str, Any]) -> None:
    files = [Path(file) for file in request["files"]]
    if files:
        _copy(files, out)
    else:
        _write_stand_in(out, request)
    config = {**request["config"], **_of_the_tokenizer(out, request)}
    try:
        model = transformers.AutoModelForCausalLM.from_config(transformers.AutoConfig.for_model(**config))
    except Exception as error:  # the code of any architecture, given sizes that nobody has tried
        raise ResepError(f"transformers cannot make a tiny {config.get('model_type')}: {error}") from error
    model.float().save_pretrained(out)
    _copy(files, out)  # again: the model has written a generation_config.json of its own


def _copy(files: Sequence[Path], out: Path) -> None:
    for file in files:
        shutil.copyfile(file, out / file.name)


def _write_stand_in(out: Path, request: Mapping[str, Any]) -> None:
    """Mistral's vocabulary with the family's control tokens."""
    roles = request["tokens"]
    _write(out / "tokenizer.json", tokenizer_json([*filter(None, roles.values()), *_CHATML]))
    _write(out / "tokenizer_config.json", tokenizer_config(roles, request["config"]["max_position_embeddings"]))
    (out / "chat_template.jinja").write_text(native_template(request["chat_template"]), encoding="utf-8")


def _of_the_tokenizer(out: Path, request: Mapping[str, Any]) -> dict[str, Any]:
    """What a config says of its tokenizer: the size of the vocabulary, and which tokens begin, end and pad a text."""
    if not (out / "tokenizer.json").is_file():
        return {}
    tokenizer = load_tokenizer(out)
    size = tokenizer.encoders.first.get_vocab_size(with_added_tokens=True)
    if "vocab_size" in request["config"]:  # the model's own: often rounded up
        return {"vocab_size": max(size, request["config"]["vocab_size"])}
    bos = None if tokenizer.bos is None else tokenizer.control.ids[tokenizer.bos]
    return {
        "vocab_size": size,
        "bos_token_id": bos,
        "eos_token_id": tokenizer.eos_id,
        "pad_token_id": tokenizer.pad_id,
    }


def _make_encoder(out: Path) -> None:
    """BERT with one word piece for each letter: what it cannot read is [UNK], as much as it likes."""
    from tokenizers import BertWordPieceTokenizer

    special = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
    letters = string.ascii_lowercase + string.digits + string.punctuation
    pieces = [*special, *letters, *(f"##{letter}" for letter in letters)]
    config = transformers.BertConfig(
        vocab_size=len(pieces),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=_ENCODER_LAYERS,
        num_attention_heads=4,
    )
    transformers.BertModel(config).save_pretrained(out)
    BertWordPieceTokenizer({piece: number for number, piece in enumerate(pieces)}).save(str(out / "tokenizer.json"))
    names = zip(("pad_token", "unk_token", "cls_token", "sep_token", "mask_token"), special, strict=True)
    _write(
        out / "tokenizer_config.json",
        {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 512, **dict(names)},
    )


def _write(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    events.work(make)
