"""Tiny random text encoders of several families as Hugging Face folders, with one small WordPiece vocabulary.

`encoder_folder(family)` is made once per test session and must not be written to. Random weights tell tokens apart well
enough: what is tested with them is that two ways of computing agree, never that a score means something.
"""

from __future__ import annotations

import functools
import json
import string
import tempfile
from pathlib import Path
from typing import Any

MAX_TOKENS, LAYERS = 32, 3
WORDS = ("open", "the", "settings", "tap", "security", "choose", "a", "new", "password", "now", "and", "close", "it")
_LETTERS = string.ascii_lowercase + string.digits + ".,-:"
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_SIZES = {"hidden_size": 32, "num_hidden_layers": LAYERS, "num_attention_heads": 4, "intermediate_size": 48}
# RoBERTa counts positions from behind that of the padding (0 here), so it needs one more.
_FAMILIES: dict[str, dict[str, Any]] = {
    "bert": _SIZES | {"max_position_embeddings": MAX_TOKENS},
    "roberta": _SIZES | {"max_position_embeddings": MAX_TOKENS + 1},
    "albert": _SIZES | {"max_position_embeddings": MAX_TOKENS, "embedding_size": 16},
    "distilbert": {
        "max_position_embeddings": MAX_TOKENS,
        "dim": 32,
        "n_layers": LAYERS,
        "n_heads": 4,
        "hidden_dim": 48,
    },
    "deberta-v2": _SIZES | {"max_position_embeddings": MAX_TOKENS},
    "t5": {"d_model": 32, "num_layers": LAYERS, "num_heads": 4, "d_kv": 8, "d_ff": 48},
}


@functools.cache
def encoder_folder(family: str = "bert") -> Path:
    """A folder with tokenizer, config and random float32 weights, the same in every session."""
    import torch
    import transformers

    folder = Path(tempfile.mkdtemp(prefix=f"resep-{family}-"))  # the library knows T5 by its path
    vocabulary = [*_SPECIAL, *WORDS, *_LETTERS, *(f"##{letter}" for letter in _LETTERS)]
    config = transformers.AutoConfig.for_model(family, vocab_size=len(vocabulary), pad_token_id=0, **_FAMILIES[family])
    torch.manual_seed(0)
    model = transformers.AutoModel.from_config(config)
    for weight in model.parameters():  # at their usual size, random weights make all tokens of a text alike
        torch.nn.init.normal_(weight, std=0.2)
    model.save_pretrained(folder)
    _write_tokenizer(folder, vocabulary)
    return folder


def _write_tokenizer(folder: Path, vocabulary: list[str]) -> None:
    from tokenizers import BertWordPieceTokenizer

    tokenizer = BertWordPieceTokenizer({word: number for number, word in enumerate(vocabulary)})
    tokenizer.save(str(folder / "tokenizer.json"))
    names = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token", "mask_token"), _SPECIAL, strict=True))
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": MAX_TOKENS, **names}
    (folder / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
