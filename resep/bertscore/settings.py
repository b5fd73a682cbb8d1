"""What a BERTScore is computed with: the options of the evaluator, and what follows from them. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from resep.bertscore.published import Baseline, baseline, recommended_layer
from resep.models import is_local, split_revision


@dataclass(frozen=True)
class Settings:
    encoder: str
    layer: int
    idf: bool
    rescale: str | None
    dtype: str
    batch_tokens: int

    @property
    def called(self) -> str:
        """The encoder's name without path or revision, as bert-score calls it."""
        name, _ = split_revision(self.encoder)
        return Path(name).name

    def baseline(self) -> Baseline | None:
        """What is rescaled by. Raises ResepError where bert-score has no such baseline."""
        return None if self.rescale is None else baseline(self.called, self.rescale, self.layer)

    def advice(self) -> str | None:
        """A warning where the layer is not the one that published numbers of this encoder are of."""
        best = None if is_local(split_revision(self.encoder)[0]) else recommended_layer(self.called)
        if best is None or best == self.layer:
            return None
        return f"bertscore: layer {self.layer} of {self.called} is not the one of published numbers, which is {best}"
