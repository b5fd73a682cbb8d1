"""Sentence encoders for evaluators: mean-pooled vectors of a transformer, or of character n-grams without a model."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resep.context import Encoder
from resep.models.foreign import may_run_code
from resep.stages.evaluate.names import LEXICAL

_BATCH_SIZE = 64
_LEXICAL_DIMENSION = 4096
_MAX_TOKENS = 512  # where neither the model nor its tokenizer knows better

Vector = NDArray[np.float32]


def open_encoder(name: str, model_folder: Callable[[], Path]) -> Encoder:
    """The encoder of this name. Its folder is asked for only where it needs one."""
    return LexicalEncoder() if name == LEXICAL else open_transformer(name, model_folder())


@dataclass
class LexicalEncoder:
    """Character 2- to 4-grams hashed into a vector, logarithmic counts. Sees spelling, not meaning."""

    signature: str = "lexical:2-4-grams"
    folder: Path = Path()

    def embed(self, texts: Sequence[str]) -> Vector:
        vectors = np.zeros((len(texts), _LEXICAL_DIMENSION), dtype=np.float32)
        for vector, text in zip(vectors, texts, strict=True):
            for gram in _grams(f" {text.casefold()} "):
                vector[zlib.crc32(gram.encode()) % _LEXICAL_DIMENSION] += 1
        return _normalised(np.log1p(vectors))


@dataclass
class TransformerEncoder:
    """Mean of the last hidden states over a text's tokens, L2-normalised, float32. A text is embedded once."""

    signature: str
    folder: Path
    model: Any
    tokenizer: Any
    max_tokens: int
    known: dict[str, Vector] = field(default_factory=dict)

    def embed(self, texts: Sequence[str]) -> Vector:
        new = sorted({text for text in texts if text not in self.known}, key=lambda text: (len(text), text))
        for start in range(0, len(new), _BATCH_SIZE):
            batch = new[start : start + _BATCH_SIZE]
            self.known.update(zip(batch, self._forward(batch), strict=True))
        found = [self.known[text] for text in texts]
        return np.stack(found) if found else np.zeros((0, self.model.config.hidden_size), dtype=np.float32)

    def _forward(self, batch: Sequence[str]) -> Vector:
        import torch

        tokens = self.tokenizer(
            list(batch), padding=True, truncation=True, max_length=self.max_tokens, return_tensors="pt"
        ).to(self.model.device)
        with torch.inference_mode():
            hidden = self.model(**tokens).last_hidden_state
        mask = tokens["attention_mask"].unsqueeze(-1)
        means = (hidden * mask).sum(1) / mask.sum(1).clamp(min=1)
        return _normalised(means.cpu().numpy())


def open_transformer(name: str, folder: Path) -> TransformerEncoder:
    """Load an encoder from its folder. The signature names its weights, never its path."""
    import torch
    import transformers

    device = "cuda" if torch.cuda.is_available() else "cpu"
    may_run = may_run_code(folder)
    model = transformers.AutoModel.from_pretrained(
        folder, dtype=torch.float32, use_safetensors=True, trust_remote_code=may_run
    )
    model = model.to(device).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, trust_remote_code=may_run)
    called = Path(name).name
    signature = f"{called}#{_digest_of_weights(folder)},mean,float32,torch:{torch.__version__}"
    return TransformerEncoder(signature, folder, model, tokenizer, _max_tokens(folder, model, tokenizer))


def _max_tokens(folder: Path, model: Any, tokenizer: Any) -> int:
    limits = [tokenizer.model_max_length, getattr(model.config, "max_position_embeddings", _MAX_TOKENS)]
    trained = folder / "sentence_bert_config.json"  # what the vectors were trained at, often less than the model reads
    if trained.exists():
        limits.append(json.loads(trained.read_text(encoding="utf-8")).get("max_seq_length") or _MAX_TOKENS)
    return int(min(limits))


def _digest_of_weights(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.safetensors")):
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:12]


def _grams(text: str) -> Iterator[str]:
    return (text[at : at + size] for size in (2, 3, 4) for at in range(len(text) - size + 1))


def _normalised(vectors: Vector) -> Vector:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(norms, 1e-12), dtype=np.float32)
