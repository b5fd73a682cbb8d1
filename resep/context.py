"""What an evaluator may look at besides its samples. Read-only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy


class Encoder(Protocol):
    """A sentence encoder. `signature` names the weights and versions that the numbers depend on."""

    @property
    def signature(self) -> str: ...

    @property
    def folder(self) -> Path: ...

    def embed(self, texts: Sequence[str]) -> numpy.ndarray[Any, Any]:
        """One L2-normalised, mean-pooled vector per text: shape (len(texts), dimension), float32."""
        ...


@dataclass(frozen=True)
class Context:
    """`prepared`: split name -> JSONL file of Examples. `arms`: arm name -> what `generate` wrote about it.

    `encoder(name)` loads an encoder (embedded name, hub id or folder) on first use and keeps it.
    `model_folder(name)` gives the folder of a model or encoder for evaluators that load it themselves.
    `response_format`: how the recipe writes a list of steps as one text (see `render_steps`).
    """

    encoder: Callable[[str], Encoder]
    model_folder: Callable[[str], Path]
    prepared: Mapping[str, Path] = field(default_factory=dict)
    arms: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    seed: int = 42
    response_format: str = "numbered_steps"
