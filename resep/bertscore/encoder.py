"""Texts -> tokens -> one vector of length 1 per token, from one layer of an encoder."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from resep.bertscore.layers import cut_after
from resep.digests import digest_json, digest_tree
from resep.encoding.batches import batches
from resep.encoding.opening import digest_of_weights, open_encoder_model
from resep.onednn.reading import use_fast_linears

_TEXTS_AT_ONCE = 1024  # through the tokenizer: its answer is many times larger than the ids
_TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "vocab.txt", "vocab.json", "merges.txt", "*.model")


@dataclass(frozen=True)
class Tokens:
    """A text as the encoder reads it: its ids, special ones included, and whether its end did not fit."""

    ids: NDArray[np.int32]
    truncated: bool

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class TokenEncoder:
    """An encoder up to one layer. `identity` names all that its vectors depend on, never a path.

    `uncounted`: ids of the tokens that frame a text; the library lets them match, and gives them no weight.
    """

    identity: str
    model: Any
    tokenizer: Any
    max_tokens: int
    dtype: str
    batch_tokens: int

    @property
    def dimension(self) -> int:
        return int(self.model.config.hidden_size)

    @property
    def vocabulary(self) -> int:
        return max(len(self.tokenizer), int(getattr(self.model.config, "vocab_size", 0)))

    @property
    def uncounted(self) -> frozenset[int]:
        found = (self.tokenizer.cls_token_id, self.tokenizer.sep_token_id)
        return frozenset(token for token in found if token is not None)

    def tokenise(self, texts: Sequence[str]) -> list[Tokens]:
        """The tokens of each text. Texts are valid Unicode (see `readable`)."""
        found: list[Tokens] = []
        for start in range(0, len(texts), _TEXTS_AT_ONCE):
            some = list(texts[start : start + _TEXTS_AT_ONCE])
            whole = self.tokenizer(some, verbose=False)["input_ids"] if some else []
            found += [self._fitted(text, ids) for text, ids in zip(some, whole, strict=True)]
        return found

    def _fitted(self, text: str, ids: list[int]) -> Tokens:
        is_long = len(ids) > self.max_tokens
        if is_long:
            ids = self.tokenizer(text, truncation=True, max_length=self.max_tokens)["input_ids"]
        return Tokens(np.array(ids, dtype=np.int32), is_long)

    def vectors(self, texts: Sequence[Tokens]) -> list[torch.Tensor]:
        """Of each text, one vector of length 1 per token: (tokens, dimension), float32, on the model's device."""
        found: list[torch.Tensor] = [torch.empty(0)] * len(texts)
        for batch in batches([len(text) for text in texts], self.batch_tokens):
            for position, vectors in zip(batch, self._forward([texts[at] for at in batch]), strict=True):
                found[position] = vectors
        return found

    def _forward(self, batch: Sequence[Tokens]) -> tuple[torch.Tensor, ...]:
        ids, there = _padded(batch, self.tokenizer.pad_token_id or 0)
        ids, there = ids.to(self.model.device), there.to(self.model.device)
        with torch.inference_mode(), self._precision():
            hidden = self.model(input_ids=ids, attention_mask=there.long()).last_hidden_state
            packed = hidden[there].float()
            packed /= packed.norm(dim=-1, keepdim=True)
        return tuple(packed.split([len(text) for text in batch]))

    def _precision(self) -> Any:
        """A context: plain float32, or torch's mixture of float32 and the narrower type."""
        if self.dtype == "float32":
            return contextlib.nullcontext()
        return torch.autocast(self.model.device.type, dtype=getattr(torch, self.dtype))


def readable(text: str) -> str:
    """The text as encoders read it: no white space around it, U+FFFD for what is no Unicode (half of a character)."""
    if not text.isascii():
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text.strip()


@lru_cache(maxsize=2)  # outputs are scored before and after the recipe's steps; a sample of bfloat16's also in float32
def open_token_encoder(name: str, folder: Path, layer: int, dtype: str, batch_tokens: int) -> TokenEncoder:
    """Load an encoder and cut it after `layer`. Raises ResepError where it has fewer layers."""
    opened = open_encoder_model(folder)
    model = cut_after(opened.model, layer, name)
    if dtype == "float32":
        use_fast_linears(model)
    about = {
        "weights": digest_of_weights(folder),
        "tokenizer": digest_json({f.name: digest_tree(f) for glob in _TOKENIZER_FILES for f in folder.glob(glob)})[:12],
        "layer": str(layer),
        "dtype": dtype,
        "device": model.device.type,
        **{package: version(package) for package in ("torch", "transformers", "tokenizers")},
    }
    identity = "|".join(f"{key}:{value}" for key, value in about.items())
    return TokenEncoder(identity, model, opened.tokenizer, opened.max_tokens, dtype, batch_tokens)


def _padded(batch: Sequence[Tokens], filler: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids side by side, filled up on the right, and where they are: both (texts, longest)."""
    lengths = np.array([len(text) for text in batch])
    there = np.arange(lengths.max())[None, :] < lengths[:, None]
    ids = np.full(there.shape, filler, dtype=np.int64)
    ids[there] = np.concatenate([text.ids for text in batch])
    return torch.from_numpy(ids), torch.from_numpy(there)
