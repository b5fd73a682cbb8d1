"""Pairs of texts as they come -> scores, with an evaluator's settings: the door to this room."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from resep.bertscore.cache import open_cache
from resep.bertscore.encoder import TokenEncoder, open_token_encoder, readable
from resep.bertscore.published import Baseline
from resep.bertscore.scoring import Numbers, Scorer
from resep.bertscore.settings import Settings
from resep.bertscore.weights import idf_weights, plain_weights
from resep.bertscore.windows import Pair

_DEFINED_BY = "bert-score-0.3.13"  # the release that the tests compare with


@dataclass(frozen=True)
class TextScore:
    """Precision, recall and F1 (None: could not be told), and which texts the encoder could not read to their end."""

    numbers: Numbers
    truncated: tuple[str, ...]


def score_texts(
    pairs: Sequence[Pair], references: Sequence[str], settings: Settings, folder: Path
) -> Iterator[TextScore]:
    """A score for each (output, reference), in order. `references`: the documents of idf, one per row of an arm.

    Raises ResepError for a layer or a baseline that there is not.
    """
    basis = settings.baseline()
    encoder = _open(settings, folder)
    read = [(readable(output), readable(reference)) for output, reference in pairs]
    documents = [readable(text) for text in references] if settings.idf else []
    texts = list(dict.fromkeys([text for pair in read for text in pair] + documents))
    tokens = dict(zip(texts, encoder.tokenise(texts), strict=True))
    weights = idf_weights(encoder, [tokens[text] for text in documents]) if settings.idf else plain_weights(encoder)
    scorer = Scorer(encoder, weights, open_cache(encoder.identity, encoder.dimension))
    for (output, reference), numbers in zip(read, scorer.score(read, tokens), strict=True):
        sides = (("output", tokens[output]), ("target", tokens[reference]))
        yield TextScore(_rescaled(numbers, basis), tuple(name for name, side in sides if side.truncated))


def signature(settings: Settings, folder: Path) -> str:
    """What the numbers depend on: encoder, layer, weights of tokens, baseline, precision, versions; never a path."""
    basis = settings.baseline()
    rescaled = "no" if basis is None else f"{settings.rescale}({','.join(map(str, basis))})"
    return (
        f"bertscore|encoder:{settings.called}|{_open(settings, folder).identity}|idf:{'yes' if settings.idf else 'no'}"
        f"|rescaled:{rescaled}|as:{_DEFINED_BY}|version:2"
    )


def _open(settings: Settings, folder: Path) -> TokenEncoder:
    return open_token_encoder(settings.called, folder, settings.layer, settings.dtype, settings.batch_tokens)


def _rescaled(numbers: Numbers, basis: Baseline | None) -> Numbers:
    if basis is None:
        return numbers
    one, two, three = (None if x is None else (x - b) / (1 - b) for x, b in zip(numbers, basis, strict=True))
    return (one, two, three)
