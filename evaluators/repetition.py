"""Whether the outputs repeat themselves: phrases said again, and loops that a model cannot leave.

Words are compared without capitals, punctuation and the numbers of a list, so that `1. tap it 2. tap it` is said twice;
a run of more than 50 letters counts letter by letter, so that `hahahaha...` is a loop too. A loop says a unit three
times in a row, in six words or more. An output that is too short to repeat anything has 0.
n: length of a phrase in words
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from resep import Context, Metric, Sample, Score
from resep.steps import split_marker
from resep.words import loose_words

METRICS = (
    Metric("repeated_ngrams", direction="lower", low=0, high=1, help="share of phrases that were said before"),
    Metric("longest_loop", direction="lower", low=0, high=1, help="share of the output in its longest loop"),
    Metric("ends_in_loop", direction="lower", low=0, high=1, kind="binary", help="the output ends in a loop"),
)

_TIMES, _LEAST = 3, 6  # a unit said so often in a row, in so many words: "no, no, no" happens in good answers
_LONGEST_UNIT = 100  # words; a longer unit is not looked for, so that time grows with the length of the output


def evaluate(samples: Iterable[Sample], context: Context, *, n: int = 4) -> Iterator[Score]:  # noqa: ARG001
    for sample in samples:
        said = [word for line in sample.output.splitlines() for word in loose_words(split_marker(line)[1])]
        length, is_last = longest_loop(said)
        values = {
            "repeated_ngrams": repeated(said, max(1, n)),
            "longest_loop": length / len(said) if said else 0.0,
            "ends_in_loop": float(is_last),
        }
        yield Score(sample.id, sample.arm, values)


def signature(context: Context, *, n: int = 4) -> str:  # noqa: ARG001
    return f"repetition|n:{max(1, n)}|loop:{_TIMES} times,{_LEAST} words|unit:1-{_LONGEST_UNIT} words|version:1"


def repeated(said: Sequence[str], n: int) -> float:
    """1 - distinct n-grams / n-grams (Li et al. 2016, turned round); 0 where there is none."""
    phrases = [tuple(said[at : at + n]) for at in range(len(said) - n + 1)]
    return 1 - len(set(phrases)) / len(phrases) if phrases else 0.0


def longest_loop(said: Sequence[str]) -> tuple[int, bool]:
    """How many words the longest loop has, and whether any loop reaches to the end.

    A stretch loops with a unit of p words where every word is the one p places before it, and the unit fits in often
    enough.
    """
    numbers = {word: number for number, word in enumerate(dict.fromkeys(said))}
    words = np.array([numbers[word] for word in said], dtype=np.int64)
    longest, is_last = 0, False
    for unit in range(1, min(_LONGEST_UNIT, len(words) // _TIMES) + 1):
        runs, ends = _runs(words[unit:] == words[:-unit])
        loops = runs + unit >= max(unit * _TIMES, _LEAST)
        if loops.any():
            longest = max(longest, int(runs[loops].max()) + unit)
            is_last = is_last or bool(ends[loops][-1] == len(words) - unit)
    return longest, is_last


def _runs(same: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Lengths of the runs of True, and where each ends."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], same, [False])).astype(np.int8)))
    starts, ends = edges[0::2], edges[1::2]
    return ends - starts, ends
