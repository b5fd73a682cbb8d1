"""What a cluster is about, in words, without a list of any language's small words."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from math import log

_SHOWN = 6
_LEAST_ROWS = 2  # a word of a single row is no topic
_LEAST_LIFT = 2.0  # times as frequent as in all rows: below stand "the" and "yang"
# Writing without spaces: Chinese, Japanese, Thai, Lao, Burmese, Khmer. Pairs of characters stand for words there.
_RUNS = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]+")


def words(text: str) -> Iterator[str]:
    """The words of a text, in small letters, without the punctuation around them; placeholders whole."""
    for part in text.casefold().split():
        bare = _stripped(part)
        if run := _RUNS.search(bare):
            yield from (run[0][at : at + 2] for at in range(max(1, len(run[0]) - 1)))
        elif len(bare) > 1 and not bare.isnumeric():
            yield bare


def typical_words(texts: Sequence[str], clusters: Iterable[int]) -> dict[int, list[str]]:
    """Up to six words of each cluster that are frequent in it and rarer elsewhere, the most telling first.

    A word's weight is the share of the cluster's rows that have it, times the logarithm of how many times more often
    that is than in all rows (a term of the Kullback-Leibler divergence): words that are everywhere weigh nothing.
    """
    everywhere: Counter[str] = Counter()
    within: dict[int, Counter[str]] = {}
    sizes: Counter[int] = Counter()
    for text, cluster in zip(texts, clusters, strict=True):
        found = set(words(text))
        everywhere.update(found)
        within.setdefault(cluster, Counter()).update(found)
        sizes[cluster] += 1
    return {
        cluster: _most_telling(counts, sizes[cluster], everywhere, len(texts)) for cluster, counts in within.items()
    }


def _most_telling(counts: Counter[str], size: int, everywhere: Counter[str], rows: int) -> list[str]:
    frequent = ((word, count) for word, count in counts.items() if count >= min(_LEAST_ROWS, size))
    lifts = {word: count / size / (everywhere[word] / rows) for word, count in frequent}
    telling = [word for word, lift in lifts.items() if lift >= _LEAST_LIFT] or list(lifts)
    return sorted(telling, key=lambda word: (-counts[word] * log(lifts[word]), word))[:_SHOWN]


def _stripped(part: str) -> str:
    """Without punctuation and symbols at its ends; the brackets of a placeholder stay."""
    start, end = 0, len(part)
    while start < end and _is_mark(part[start]) and part[start] not in "[{":
        start += 1
    while end > start and _is_mark(part[end - 1]) and part[end - 1] not in "]}":
        end -= 1
    bare = part[start:end]
    is_whole = bare[:1] in ("[", "{") and bare[-1:] in ("]", "}")
    return bare if is_whole else bare.strip("[]{}")


def _is_mark(character: str) -> bool:
    return unicodedata.category(character)[0] in "PS"
