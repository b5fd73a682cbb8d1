"""A text encoder from its folder: weights, tokenizer, device, and how many tokens it reads."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers

from resep.models.foreign import may_run_code

_MAX_TOKENS = 512  # where neither the model nor its tokenizer knows better


@dataclass(frozen=True)
class OpenEncoder:
    """A model in float32 on its device, ready to read. `max_tokens` is what it can read, special tokens included."""

    model: Any
    tokenizer: Any
    max_tokens: int


def open_encoder_model(folder: Path) -> OpenEncoder:
    """Load model and tokenizer. Weights are safetensors; code that came with them runs only where it was agreed to."""
    may_run = may_run_code(folder)
    model = transformers.AutoModel.from_pretrained(
        folder, dtype=torch.float32, use_safetensors=True, trust_remote_code=may_run
    )
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, trust_remote_code=may_run)
    model = model.to("cuda" if torch.cuda.is_available() else "cpu").eval()
    return OpenEncoder(model, tokenizer, _max_tokens(model, tokenizer))


def digest_of_weights(folder: Path) -> str:
    """12 hex digits that stand for the weights: never for the folder's path."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.safetensors")):
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:12]


def _max_tokens(model: Any, tokenizer: Any) -> int:
    """A tokenizer that knows no maximum says 1e30; RoBERTa counts its positions from behind that of the padding."""
    positions = getattr(model.config, "max_position_embeddings", None) or _MAX_TOKENS
    table = getattr(getattr(model, "embeddings", None), "position_embeddings", None)
    padding = getattr(table, "padding_idx", None)
    readable = positions if padding is None else positions - padding - 1
    return int(min(tokenizer.model_max_length, readable))
