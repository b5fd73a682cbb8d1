"""Mistral's v3 vocabulary, which the package mistral-common carries, as a tokenizer.json.

Converted as the published tokenizer.json of Mistral-7B-Instruct-v0.3 is: BPE with byte fallback, and a Metaspace that
puts a space before the first text only. With further control tokens it stands in for tokenizers that are not here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from resep.errors import ResepError
from resep.paths import data_folder

ROLES: Mapping[str, str | None] = {
    "bos_token": "<s>",
    "eos_token": "</s>",
    "unk_token": "<unk>",
    "pad_token": None,  # as in the published model
}
_LAST_BYTE = 1026  # sentencepiece gives control tokens and bytes the score 0, and the first piece after them as well


def sentencepiece_file() -> Path:
    """The v3 vocabulary in the installed mistral-common. Raises ResepError where the package is not here."""
    try:
        import mistral_common
    except ImportError as error:
        raise ResepError("the package mistral-common is not installed here: pip install 'resep[train]'") from error
    (path,) = (Path(mistral_common.__file__).parent / "data").glob("*.model.v3")
    return path


def tokenizer_json(further: Sequence[str] = ()) -> dict[str, Any]:
    """The content of tokenizer.json; `further` control tokens get the ids behind the vocabulary."""
    from sentencepiece import SentencePieceProcessor

    source = SentencePieceProcessor(model_file=str(sentencepiece_file()))
    ids = range(source.vocab_size())
    normal = {source.id_to_piece(i): source.GetScore(i) for i in ids if source.GetScore(i) != 0 or i > _LAST_BYTE}
    vocabulary = {source.id_to_piece(i): i for i in ids}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [*_own_tokens(source), *_further_tokens(vocabulary, further)],
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
            "vocab": vocabulary,
            "merges": _merges(normal),
        },
    }


def tokenizer_config(roles: Mapping[str, str | None], positions: int) -> dict[str, Any]:
    """The content of tokenizer_config.json: which tokens begin, end and pad a text, and how long it may be."""
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        **roles,
        "clean_up_tokenization_spaces": False,
        "model_max_length": positions,
    }


def native_template(name: str) -> str:
    """A chat template of ours as a model would carry it: without the generation blocks."""
    source = (data_folder("chat_templates") / f"{name}.jinja").read_text(encoding="utf-8")
    return source.replace("{%- generation %}{{", "{{-").replace("{% endgeneration %}", "")


def _own_tokens(source: Any) -> Iterator[dict[str, Any]]:
    """Control tokens are special; sentencepiece's user-defined pieces are found in any text, so they are not."""
    for number in range(source.piece_to_id("<0x00>")):
        is_special = bool(source.IsControl(number) or source.IsUnknown(number))
        yield _token(number, source.id_to_piece(number), is_special=is_special)


def _further_tokens(vocabulary: Mapping[str, int], further: Sequence[str]) -> Iterator[dict[str, Any]]:
    new = [text for text in dict.fromkeys(further) if text not in vocabulary]
    for number, text in enumerate(new, len(vocabulary)):
        yield _token(number, text, is_special=True)


def _token(number: int, text: str, *, is_special: bool) -> dict[str, Any]:
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    return {"id": number, "content": text, **flags, "special": is_special}


def _merges(scores: Mapping[str, float]) -> list[list[str]]:
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
