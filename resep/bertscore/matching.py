"""Greedy matching: each token of the one text with the most similar token of the other, many pairs of texts at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

_TOKENS = 16_384  # of both texts together, padded, in one batch: 25 MB of MiniLM's vectors
_CELLS = 1 << 24  # of similarity matrices in one batch: 64 MB


def match(
    texts: Sequence[torch.Tensor], weights: Sequence[torch.Tensor], pairs: Sequence[tuple[int, int]]
) -> torch.Tensor:
    """Precision, recall and F1 of each pair (positions of an output and of its reference): (pairs, 3), float32.

    `texts` holds one vector of length 1 per token, `weights` how much each token counts. As in bert-score: precision is
    the weighted mean over the output's tokens of the best cosine with any token of the reference, recall the same the
    other way round; a token whose every cosine is negative counts 0.
    NaN where a text's weights are all zero.
    """
    lengths = torch.tensor([len(text) for text in texts])
    starts = lengths.cumsum(0) - lengths
    vectors, weight = torch.cat(list(texts)), torch.cat(list(weights))
    sides = torch.tensor(pairs)
    found = torch.empty(len(pairs), 3)
    for batch in _batches([(int(lengths[one]), int(lengths[other])) for one, other in pairs]):
        outputs, references = sides[batch].unbind(1)
        left, left_weight = _gather(vectors, weight, starts[outputs], lengths[outputs])
        right, right_weight = _gather(vectors, weight, starts[references], lengths[references])
        found[batch] = _scores(left, left_weight, right, right_weight).cpu()
    return found


def _scores(
    left: torch.Tensor, left_weight: torch.Tensor, right: torch.Tensor, right_weight: torch.Tensor
) -> torch.Tensor:
    """Of padded pairs: vectors (pairs, tokens, dimension), weights (pairs, tokens) with NaN where there is no token."""
    left_there, right_there = ~left_weight.isnan(), ~right_weight.isnan()
    cosine = left @ right.mT
    cosine.masked_fill_(~(left_there[:, :, None] & right_there[:, None, :]), 0)
    precision = _weighted_mean(cosine.amax(2).clamp(min=0), left_weight.nan_to_num())
    recall = _weighted_mean(cosine.amax(1).clamp(min=0), right_weight.nan_to_num())
    return torch.stack((precision, recall, 2 * precision * recall / (precision + recall)), 1)


def _weighted_mean(values: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    return (values * weights).sum(1) / weights.sum(1)


def _gather(
    vectors: torch.Tensor, weight: torch.Tensor, starts: torch.Tensor, lengths: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Texts out of one long row of tokens, side by side; what is beyond a text's end has the weight NaN."""
    steps = torch.arange(int(lengths.max()))
    there = steps < lengths[:, None]
    places = (starts[:, None] + steps).where(there, 0).to(vectors.device)
    return vectors[places], weight[places].masked_fill(~there.to(vectors.device), torch.nan)


def _batches(sizes: Sequence[tuple[int, int]]) -> Iterator[list[int]]:
    """Positions of pairs of about the same size, few enough at once for memory."""
    batch: list[int] = []
    one = other = 0
    for position in sorted(range(len(sizes)), key=sizes.__getitem__):
        longest = max(one, sizes[position][0]), max(other, sizes[position][1])
        count = len(batch) + 1
        if batch and (count * sum(longest) > _TOKENS or count * longest[0] * longest[1] > _CELLS):
            yield batch
            batch, longest = [], sizes[position]
        one, other = longest
        batch.append(position)
    if batch:
        yield batch
