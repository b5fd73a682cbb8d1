"""Longest common subsequences of two lists of words, a machine word of comparisons at a time.

rouge-score fills a table of Python lists, one cell per pair of words: two texts of 20,000 words would take minutes and
gigabytes. Here a row of that table is one large integer whose bit j says whether the cell grows between columns j and
j + 1 (Allison and Dix 1986, in the form of Hyyro 2004). The answers are the same, down to which of several longest
subsequences is chosen.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Container, Iterator, Mapping, Sequence

Words = Sequence[str]
Places = Mapping[str, int]  # word -> the integer whose bit j is set where the word stands at position j


def longest_common(reference: Words, output: Words) -> int:
    """The length of the longest common subsequence."""
    last = (1 << len(output)) - 1
    for row in _rows(reference, _places(output, set(reference)), len(output)):
        last = row
    return len(output) - last.bit_count()


def common_places(reference: Words, output: Words) -> set[int]:
    """Which words of the reference, by position, are in its longest common subsequence with the output.

    Of several, the one that rouge-score chooses: from the end, a match is taken where there is one; else the reference
    goes a word back, unless only the output's going back keeps the length.
    """
    return _common_places(reference, output, _places(output, set(reference)))


def union_hits(reference: Sequence[Words], output: Sequence[Words]) -> int:
    """How many words of the reference's sentences are hit by the union of their longest common subsequences.

    Summary-level LCS (Lin 2004, section 3.2): of each sentence of the reference, the words that lie in its longest
    common subsequence with any sentence of the output; no word counts more often than either side has it.
    """
    left = [Counter(word for sentence in side for word in sentence) for side in (reference, output)]
    distinct = {tuple(sentence): _places(sentence, left[0]) for sentence in output}
    holders = _holders(list(distinct.values()))
    sentences = list(distinct.items())
    hits = 0
    for sentence in reference:
        sharing = sorted({index for word in set(sentence) for index in holders.get(word, ())})
        covered = {place for index in sharing for place in _common_places(sentence, *sentences[index])}
        for place in sorted(covered):
            word = sentence[place]
            if all(side[word] > 0 for side in left):
                hits += 1
                for side in left:
                    side[word] -= 1
    return hits


def _holders(sentences: Sequence[Places]) -> dict[str, list[int]]:
    """Word -> the sentences that have it."""
    found: dict[str, list[int]] = defaultdict(list)
    for index, sentence in enumerate(sentences):
        for word in sentence:
            found[word].append(index)
    return found


def _common_places(reference: Words, output: Words, places: Places) -> set[int]:
    rows = list(_rows(reference, places, len(output)))
    i, j, chosen = len(reference), len(output), set()
    while i and j:
        if reference[i - 1] == output[j - 1]:
            i, j = i - 1, j - 1
            chosen.add(i)
        elif _length(rows, i, j - 1) > _length(rows, i - 1, j):
            j -= 1
        else:
            i -= 1
    return chosen


def _places(output: Words, wanted: Container[str]) -> Places:
    found: dict[str, bytearray] = defaultdict(lambda: bytearray(len(output) // 8 + 1))
    for place, word in enumerate(output):
        if word in wanted:
            found[word][place >> 3] |= 1 << (place & 7)
    return {word: int.from_bytes(bits, "little") for word, bits in found.items()}


def _rows(reference: Words, places: Places, width: int) -> Iterator[int]:
    """After each word of the reference: bit j is 0 where word j of the output makes the subsequence longer."""
    full = (1 << width) - 1
    row = full
    for word in reference:
        matches = row & places.get(word, 0)
        row = ((row + matches) | (row - matches)) & full
        yield row


def _length(rows: Sequence[int], i: int, j: int) -> int:
    """How long the longest common subsequence of the reference's first i words and the output's first j is."""
    return j - (rows[i - 1] & ((1 << j) - 1)).bit_count() if i else 0
