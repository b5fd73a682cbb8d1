"""Pairs of texts -> scores: every distinct text is embedded once, in windows that memory can hold."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch

from resep.bertscore.cache import VectorCache
from resep.bertscore.encoder import TokenEncoder, Tokens
from resep.bertscore.matching import match
from resep.bertscore.windows import Pair, windows

_WINDOW_TOKENS = 65_536  # whose vectors are in memory at once: 100 MB of MiniLM's
_EMPTY = (0.0, 0.0, 0.0)

Numbers = tuple[float | None, float | None, float | None]  # precision, recall, F1


@dataclass(frozen=True)
class Scorer:
    """`weights` has a number per token id. The vectors of references come from the cache, or are put there."""

    encoder: TokenEncoder
    weights: torch.Tensor
    cache: VectorCache

    def score(self, pairs: Sequence[Pair], tokens: Mapping[str, Tokens]) -> Iterator[Numbers]:
        """Precision, recall and F1 of each pair, in order. `tokens` has every text of the pairs.

        All three are 0 where nothing is left of a text but the tokens that frame it, and None where the weights of its
        tokens are all zero: there is no mean then.
        """
        empty = {text for text, found in tokens.items() if set(found.ids.tolist()) <= self.encoder.uncounted}
        full = self._score_full([pair for pair in pairs if empty.isdisjoint(pair)], tokens)
        for pair in pairs:
            yield next(full) if empty.isdisjoint(pair) else _EMPTY

    def _score_full(self, pairs: Sequence[Pair], tokens: Mapping[str, Tokens]) -> Iterator[Numbers]:
        plan = list(windows(pairs, {text: len(found) for text, found in tokens.items()}, _WINDOW_TOKENS))
        last_use = {text: number for number, window in enumerate(plan) for at in window for text in pairs[at]}
        kept: dict[str, torch.Tensor] = {}
        done: dict[int, Numbers] = {}
        due = 0
        for number, window in enumerate(plan):
            some = [pairs[at] for at in window]
            vectors = self._embed(some, tokens, kept)
            done.update(zip(window, self._match(some, tokens, vectors), strict=True))
            # A copy: what is cut out of a batch would keep the whole batch in memory.
            kept = {text: found.clone() for text, found in vectors.items() if last_use[text] > number}
            while due in done:
                yield done.pop(due)
                due += 1

    def _embed(
        self, pairs: Sequence[Pair], tokens: Mapping[str, Tokens], kept: Mapping[str, torch.Tensor]
    ) -> dict[str, torch.Tensor]:
        """The vectors of every text in the pairs: kept from an earlier window, from the cache, or from the encoder."""
        texts = dict.fromkeys(text for pair in pairs for text in pair)
        found = {text: kept[text] for text in texts if text in kept}
        found |= self.cache.read({text: len(tokens[text]) for text in texts if text not in found})
        missing = [text for text in texts if text not in found]
        found |= zip(missing, self.encoder.vectors([tokens[text] for text in missing]), strict=True)
        references = {reference for _, reference in pairs}
        self.cache.write({text: found[text] for text in missing if text in references})
        return found

    def _match(
        self, pairs: Sequence[Pair], tokens: Mapping[str, Tokens], vectors: Mapping[str, torch.Tensor]
    ) -> list[Numbers]:
        device = self.encoder.model.device
        place = {text: at for at, text in enumerate(vectors)}
        weights = [self.weights[tokens[text].ids].to(device) for text in vectors]
        texts = [found.to(device) for found in vectors.values()]
        found = match(texts, weights, [(place[output], place[reference]) for output, reference in pairs])
        return [_known(*numbers) for numbers in found.tolist()]


def _known(precision: float, recall: float, f1: float) -> Numbers:
    """NaN as None; F1 of a precision and a recall of 0 is 0, as in the library."""
    if math.isnan(precision) or math.isnan(recall):
        return (None if math.isnan(precision) else precision, None if math.isnan(recall) else recall, None)
    return (precision, recall, 0.0 if math.isnan(f1) else f1)
