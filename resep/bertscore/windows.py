"""Which pairs are scored together: few enough for memory, all arms of a reference at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

Pair = tuple[str, str]  # an output and its reference


def windows(pairs: Sequence[Pair], sizes: Mapping[str, int], limit: int) -> Iterator[list[int]]:
    """Positions of pairs, sorted by where their reference comes first; the distinct texts of each have `limit` at most.

    A pair that is larger than that stands alone.
    """
    first: dict[str, int] = {}
    for at, (_, reference) in enumerate(pairs):
        first.setdefault(reference, at)
    window: list[int] = []
    texts: set[str] = set()
    size = 0
    for at in sorted(range(len(pairs)), key=lambda at: first[pairs[at][1]]):
        if window and size + _size(set(pairs[at]) - texts, sizes) > limit:
            yield window
            window, texts, size = [], set(), 0
        size += _size(set(pairs[at]) - texts, sizes)
        texts.update(pairs[at])
        window.append(at)
    if window:
        yield window


def _size(texts: set[str], sizes: Mapping[str, int]) -> int:
    return sum(sizes[text] for text in texts)
