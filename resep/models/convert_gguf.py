"""A child process: a GGUF file -> a normal Hugging Face folder, with what the GGUF's metadata gets wrong mended.

    python -m resep.models.convert_gguf  request: {"gguf": file, "out": folder, "end_of_turn": token, "padding": token}

transformers reads the weights (de-quantised to fp32) and the vocabulary. Three things it gets wrong are mended here,
because a model tuned on them never stops, or reads other tokens than it was trained on:

* the end token: SmolLM2's file makes transformers name `<|im_start|>` as end and as begin of text;
* the pre-tokeniser: the converter forgets that SmolLM2 isolates digits (it matters for double spaces before numbers);
* `clean_up_tokenization_spaces`, which deletes spaces before punctuation when decoding.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from resep import events

STEPS = 4  # as many progress events as `convert` reports


def convert(request: Mapping[str, Any]) -> None:
    """Fill the folder `out`: config, generation config, fp32 safetensors, tokenizer.json and its config, template."""
    gguf, out = Path(request["gguf"]), Path(request["out"])
    _progress(0, "loading transformers")
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    _progress(1, "reading the vocabulary")
    AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name).save_pretrained(out)
    _progress(2, "de-quantising the weights")
    model = AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name, dtype=torch.float32)
    _progress(3, "writing the weights")
    model.save_pretrained(out)
    mend_folder(out, request["end_of_turn"], request["padding"])
    _progress(STEPS, "converted")


def mend_folder(folder: Path, end_of_turn: str, padding: str) -> None:
    """Make the configs of a converted folder agree: `end_of_turn` ends, `padding` pads, nothing begins."""
    tokenizer = mend_tokenizer(_read(folder / "tokenizer.json"))
    ids = {token["content"]: token["id"] for token in tokenizer["added_tokens"]}
    special_ids = {"bos_token_id": None, "eos_token_id": ids[end_of_turn], "pad_token_id": ids[padding]}
    config = _read(folder / "config.json")
    _write(folder / "tokenizer.json", tokenizer)
    _write(folder / "config.json", {k: v for k, v in config.items() if k != "_name_or_path"} | special_ids)
    _write(folder / "generation_config.json", {"do_sample": False, **special_ids})
    _write(folder / "tokenizer_config.json", _tokenizer_config(end_of_turn, padding, config["max_position_embeddings"]))


def mend_tokenizer(tokenizer: Mapping[str, Any]) -> dict[str, Any]:
    """SmolLM2's own tokenizer.json around the GGUF's vocabulary: digits stand alone, byte-level text, no BOS."""
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    digits = {"type": "Digits", "individual_digits": True}
    model = {**tokenizer["model"], "byte_fallback": False, "fuse_unk": False, "unk_token": None}
    return {
        **tokenizer,
        "model": model,
        "normalizer": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [digits, byte_level]},
        "post_processor": None,
        "decoder": {**byte_level, "add_prefix_space": True},
    }


def _tokenizer_config(end_of_turn: str, padding: str, longest: int) -> dict[str, Any]:
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",  # tokenizer.json as it stands, in transformers 4 and 5
        "bos_token": None,
        "eos_token": end_of_turn,
        "pad_token": padding,
        "unk_token": padding,
        "clean_up_tokenization_spaces": False,
        "model_max_length": longest,
    }


def _progress(done: int, message: str) -> None:
    events.emit("progress", done=done, total=STEPS, unit="steps", message=message)


def _read(path: Path) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return data


def _write(path: Path, data: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(data, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    events.work(convert)
