"""How much each token counts in a mean: all the same, or by inverse document frequency over the references."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from resep.bertscore.encoder import TokenEncoder, Tokens


def plain_weights(encoder: TokenEncoder) -> torch.Tensor:
    """A weight per token id: 1, but 0 for the tokens that frame a text."""
    weights = torch.ones(encoder.vocabulary)
    weights[list(encoder.uncounted)] = 0
    return weights


def idf_weights(encoder: TokenEncoder, references: Sequence[Tokens]) -> torch.Tensor:
    """log((N + 1) / (c + 1)) per token id, c the number of the N references that hold it: 0 for one that all hold."""
    counts = np.zeros(encoder.vocabulary, dtype=np.int64)
    for reference in references:
        counts[np.unique(reference.ids)] += 1
    return torch.from_numpy(np.log((len(references) + 1) / (counts + 1))).float()
