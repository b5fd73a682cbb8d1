"""Signatures: how alike two texts are, told from 512 bytes of each.

The first half is a MinHash (Broder, "On the resemblance and containment of documents", 1997): under a random order of
all shingles, two texts have the same first shingle as often as their sets of shingles overlap. Of each of 256 orders
one byte is kept (b-bit minwise hashing: Li and König, 2010); bytes that agree by chance, one in 256, are taken off
again. The estimate's standard deviation is 0.025 at a likeness of 0.8.

That is too coarse for short texts, of which far more pairs are alike to 0.75 than to 0.85: the error moves more pairs
over a threshold than below it. So the second half holds the whole set of a text of up to 129 characters, each shingle
in two bytes, and the likeness of two such texts is counted, not estimated.

All arithmetic is that of whole numbers, the constants are digests of a text: signatures are the same on every machine
and with every release of NumPy, and do not depend on which texts are signed together.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import Final

import numpy as np
from numpy.typing import NDArray

from resep.similarity.shingles import SIZE, Hashes, pad, shingles

ORDERS: Final = 256  # a byte of each begins the signature
SET: Final = 127  # shingles that are kept whole; two bytes before them say how many there are, 0 if too many
WIDTH: Final = ORDERS + 2 + 2 * SET

Signatures = NDArray[np.uint8]
Likeness = NDArray[np.float64]

# Multiplying by an odd number orders all 2^32 shingles anew.
_FACTORS = [
    np.uint32(int.from_bytes(blake2b(b"resep minhash %d" % i, digest_size=4).digest(), "big") | 1)
    for i in range(ORDERS)
]
_MIX = np.uint32(0x9E3779B1)
_TOP_BYTE, _TOP_HALF = np.uint32(24), np.uint32(16)
_AT_ONCE = 1 << 15  # characters that fit the processor's nearest caches, four bytes each, twice
_BY_CHANCE = 1 / 256


def signatures(normal: Sequence[str]) -> Signatures:
    """One signature per normalised text, shape (texts, WIDTH). Equal texts have equal signatures."""
    if not normal:
        return np.zeros((0, WIDTH), np.uint8)
    pieces = [list(_pieces(pad(text))) for text in normal]
    flat = [piece for each in pieces for piece in each]
    signed = [_signed(*shingles(batch)) for batch in _batches(flat)]
    minima, sets = (np.concatenate(halves) for halves in zip(*signed, strict=True))
    if len(flat) > len(pieces):  # some text was long: the first shingle of all its pieces counts
        starts = np.cumsum([0, *(len(each) for each in pieces[:-1])])
        minima, sets = np.minimum.reduceat(minima, starts, axis=0), sets[starts]
    whole = np.empty((len(normal), WIDTH), np.uint8)
    whole[:, :ORDERS] = (minima * _MIX) >> _TOP_BYTE
    whole[:, ORDERS:] = sets.astype("<u2").view(np.uint8)
    return whole


def likeness(left: Signatures, right: Signatures, least: float = 0.0) -> Likeness:
    """The Jaccard likeness of texts, pair by pair, from their signatures, each of shape (pairs, WIDTH).

    Counted where both texts are short, else estimated; of pairs that are clearly below `least`, also estimated. Of rows
    with several texts, one signature after the other, it is that of the texts that are least alike.
    """
    result = np.ones(len(left))
    for part in _parts(left):
        each = _estimated(left[:, part], right[:, part])
        _count(each, np.flatnonzero(each >= least - _doubt(least)), left[:, part], right[:, part])
        np.minimum(result, each, out=result)
    return result


def are_near(left: Signatures, right: Signatures, threshold: float) -> NDArray[np.bool_]:
    """Whether the likeness is `threshold` or more, pair by pair. Counted only where the estimate leaves a doubt."""
    doubt = _doubt(threshold)
    result = np.ones(len(left), np.bool_)
    for part in _parts(left):
        each = _estimated(left[:, part], right[:, part])
        _count(each, np.flatnonzero(result & (np.abs(each - threshold) <= doubt)), left[:, part], right[:, part])
        result &= each >= threshold
    return result


def _doubt(likeness: float) -> float:
    """How far an estimate may be from this likeness."""
    return 3 * math.sqrt(likeness * (1 - likeness) / ORDERS)


def _parts(signed: Signatures) -> Iterator[slice]:
    return (slice(at, at + WIDTH) for at in range(0, signed.shape[1], WIDTH))


def _estimated(left: Signatures, right: Signatures) -> Likeness:
    agreeing = (left[:, :ORDERS] == right[:, :ORDERS]).sum(axis=1, dtype=np.uint16) / ORDERS
    return np.asarray(np.maximum((agreeing - _BY_CHANCE) / (1 - _BY_CHANCE), 0))


def _count(estimates: Likeness, pairs: NDArray[np.intp], left: Signatures, right: Signatures) -> None:
    """Put the true likeness in place of the estimates of these pairs, where both texts are short."""
    first, second = _sets(left[pairs]), _sets(right[pairs])
    short = np.flatnonzero((first[:, 0] > 0) & (second[:, 0] > 0))
    if len(short):
        estimates[pairs[short]] = _overlap(first[short], second[short])


def _sets(signed: Signatures) -> NDArray[np.uint16]:
    return np.ascontiguousarray(signed[:, ORDERS:]).view("<u2").astype(np.uint16)


def _overlap(first: NDArray[np.uint16], second: NDArray[np.uint16]) -> Likeness:
    """The likeness of sets, pair by pair: how many are in a set, then its members, the rest filled with 0."""
    sizes = first[:, 0].astype(np.intp) + second[:, 0]
    longest = 1 + max(first[:, 0].max(), second[:, 0].max())
    together = np.sort(np.hstack([first[:, 1:longest], second[:, 1:longest]]), axis=1)
    shared = ((together[:, 1:] == together[:, :-1]) & (together[:, 1:] > 0)).sum(axis=1)
    return np.asarray(shared / (sizes - shared))


def _pieces(padded: str) -> Iterator[str]:
    """A long text cut so that each of its shingles is in one piece: a book takes no more memory than a sentence."""
    for start in range(0, max(len(padded) - SIZE + 1, 1), _AT_ONCE):
        yield padded[start : start + _AT_ONCE + SIZE - 1]


def _batches(pieces: Sequence[str]) -> Iterator[Sequence[str]]:
    start, characters = 0, 0
    for end, piece in enumerate(pieces):
        if characters and characters + len(piece) > _AT_ONCE:
            yield pieces[start:end]
            start, characters = end, 0
        characters += len(piece)
    yield pieces[start:]


def _signed(numbers: Hashes, starts: NDArray[np.intp]) -> tuple[Hashes, NDArray[np.uint16]]:
    """Of each text its lowest shingle in every order, shape (texts, ORDERS), and its set, shape (texts, 1 + SET)."""
    minima = np.empty((ORDERS, len(starts)), np.uint32)
    ordered = np.empty_like(numbers)
    for factor, lowest in zip(_FACTORS, minima, strict=True):
        np.multiply(numbers, factor, out=ordered)
        np.minimum.reduceat(ordered, starts, out=lowest)
    return minima.T, _whole_sets(numbers, starts)


def _whole_sets(numbers: Hashes, starts: NDArray[np.intp]) -> NDArray[np.uint16]:
    counts = np.diff(starts, append=len(numbers))
    short = counts <= SET
    rows = np.repeat(np.arange(len(starts)), counts)
    places = np.arange(len(numbers)) - np.repeat(starts, counts)
    kept = np.repeat(short, counts)
    sets = np.zeros((len(starts), 1 + SET), np.uint16)
    sets[rows[kept], 1 + places[kept]] = np.maximum(numbers[kept] >> _TOP_HALF, 1)  # 0 means: no shingle
    members = sets[:, 1:]
    members.sort(axis=1)
    members[:, 1:][members[:, 1:] == members[:, :-1]] = 0
    members[:] = np.sort(members, axis=1)[:, ::-1]
    sets[:, 0] = np.count_nonzero(members, axis=1)
    return sets
