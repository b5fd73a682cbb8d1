"""Sentence encoders for evaluators: mean-pooled vectors of a transformer, or of character n-grams without a model."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resep.context import Encoder
from resep.stages.evaluate.names import LEXICAL

_BATCH_SIZE = 64
_LEXICAL_DIMENSION = 4096

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
            for gram in _grams(f" {whole(text).casefold()} "):
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
            self.known.update(zip(batch, self._forward([whole(text) for text in batch]), strict=True))
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

    from resep.encoding.opening import digest_of_weights, open_encoder_model
    from resep.onednn.reading import use_fast_linears

    opened = open_encoder_model(folder)
    use_fast_linears(opened.model)
    signature = f"{Path(name).name}#{digest_of_weights(folder)},mean,float32,torch:{torch.__version__}"
    return TransformerEncoder(signature, folder, opened.model, opened.tokenizer, _max_tokens(folder, opened.max_tokens))


def whole(text: str) -> str:
    """The text with U+FFFD for each half of a character: JSON can spell one, and no tokenizer reads it."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _max_tokens(folder: Path, readable: int) -> int:
    """What the vectors were trained at, where that is known, is often less than the model reads."""
    trained = folder / "sentence_bert_config.json"
    known = json.loads(trained.read_text(encoding="utf-8")).get("max_seq_length") if trained.exists() else None
    return min(readable, known or readable)


def _grams(text: str) -> Iterator[str]:
    return (text[at : at + size] for size in (2, 3, 4) for at in range(len(text) - size + 1))


def _normalised(vectors: Vector) -> Vector:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(norms, 1e-12), dtype=np.float32)
