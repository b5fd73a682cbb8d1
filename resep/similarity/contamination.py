"""Training rows that ask what a test file asks: word for word, nearly, or within a longer text.

The last by runs of words, as in Brown et al., "Language Models are Few-Shot Learners" (2020), appendix C: 13 words,
punctuation aside; a run that more than ten rows share is a phrase, and says nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from resep.errors import ResepError
from resep.judging import Digests, Judgement
from resep.similarity.nearest import NONE, Band, nearest, sorted_bands
from resep.similarity.normal import digest
from resep.similarity.questions import labels, questions
from resep.similarity.settings import decontaminating_faults
from resep.similarity.signatures import Signatures, signatures
from resep.sources import SourceFile
from resep.sources.found import check_file
from resep.splits.keys import normalised

WIDTH: Final = 8  # bytes of a finding: how it was found, and the number of the reference

_COPY, _NEAR, _SHARED = 1, 2, 3
_REASONS = {_COPY: "a copy of", _NEAR: "nearly a copy of", _SHARED: "has {ngram} words of"}
_COUNTED = {_COPY: "copies", _NEAR: "near_copies", _SHARED: "shared_words"}
_PHRASE = 10  # references: a run of words in more of them is a phrase
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Asked:
    """What is looked for: files of test rows, which field holds their question, and what counts as the same."""

    files: tuple[str, ...]
    field: str | None
    threshold: float
    ngram: int | None


@dataclass(frozen=True)
class References:
    """The questions of the test files, made ready to be found. One is known by its number.

    `words` are all that stand in `runs` of words: a text without them holds none of the runs.
    """

    places: Sequence[str]
    exact: Mapping[bytes, int]
    signed: Signatures
    bands: Sequence[Band]
    words: frozenset[str]
    runs: Mapping[bytes, int]


def references(asked: Asked) -> References:
    """The files as they are now, read once per process. Raises ResepError for what cannot be read, or looked for."""
    _check(asked)
    for file, label in zip(asked.files, labels(asked.files), strict=True):
        check_file(SourceFile(Path(file), label))
    stamps = tuple((stat.st_size, stat.st_mtime_ns) for stat in map(Path.stat, map(Path, asked.files)))
    return _references(asked, stamps)


def findings(prompts: Sequence[str], texts: Sequence[Sequence[str]], asked: Asked) -> list[bytes]:
    """For each row WIDTH bytes that say which reference it gives away, and how; zero bytes for none.

    `prompts` are compared with the references as wholes, `texts` (all of a row) are searched for runs of their words.
    """
    known = references(asked)
    normal = [normalised(prompt) for prompt in prompts]
    near = nearest(signatures(normal), np.arange(len(normal)), known.signed, known.bands, asked.threshold).rows.tolist()
    found = []
    for text, all_texts, similar in zip(normal, texts, near, strict=True):
        if (reference := known.exact.get(digest(text))) is not None:
            found.append(_packed(_COPY, reference))
        elif similar != NONE:
            found.append(_packed(_NEAR, similar))
        elif asked.ngram and (reference := _shared(all_texts, known, asked.ngram)) is not None:
            found.append(_packed(_SHARED, reference))
        else:
            found.append(bytes(WIDTH))
    return found


def judged(digests: Digests, asked: Asked) -> Generator[Judgement, None, dict[str, Any]]:
    """Drop the rows in which something was found. Returns how many, by how it was found."""
    known = references(asked)
    kinds = digests.table[:, 0]
    for row in np.flatnonzero(kinds).tolist():
        kind, reference = int(kinds[row]), int.from_bytes(digests.table[row, 1:].tobytes(), "big")
        yield Judgement(row, dropped=f"{_REASONS[kind].format(ngram=asked.ngram)} {known.places[reference]}")
    counts = {name: int((kinds == kind).sum()) for kind, name in _COUNTED.items()}
    return {"references": len(known.places), **counts}


def _check(asked: Asked) -> None:
    for option, message in decontaminating_faults(vars(asked)):
        raise ResepError(f"decontaminate: {option}: {message}")


@lru_cache(maxsize=4)
def _references(asked: Asked, stamps: tuple[tuple[int, int], ...]) -> References:  # noqa: ARG001  another file, another key
    rows = ((place, normalised(text)) for place, text in questions(asked.files, asked.field))
    said = [row for row in rows if row[1]]
    if not said:
        raise ResepError(f"decontaminate: no row of {', '.join(labels(asked.files))} asks anything")
    places, normal = zip(*said, strict=True)
    exact: dict[bytes, int] = {}
    for number, text in enumerate(normal):
        exact.setdefault(digest(text), number)
    signed = signatures(normal)
    bands = tuple(sorted_bands(signed, np.arange(len(normal)), asked.threshold))
    runs, words = _runs_of(normal, asked.ngram) if asked.ngram else ({}, frozenset[str]())
    return References(places, exact, signed, bands, words, runs)


def _runs_of(normal: Sequence[str], length: int) -> tuple[dict[bytes, int], frozenset[str]]:
    """Every run of so many words, with the first reference that has it; and the words in them."""
    first: dict[bytes, int] = {}
    shared: Counter[bytes] = Counter()
    words: set[str] = set()
    for number, text in enumerate(normal):
        own = _WORD.findall(text)
        runs = {digest(" ".join(run)) for run in _windows(own, length)}
        shared.update(runs)
        words.update(own if runs else ())
        for run in runs:
            first.setdefault(run, number)
    return {run: number for run, number in first.items() if shared[run] <= _PHRASE}, frozenset(words)


def _windows(words: Sequence[str], length: int) -> Iterator[Sequence[str]]:
    return (words[at : at + length] for at in range(len(words) - length + 1))


def _shared(texts: Sequence[str], known: References, length: int) -> int | None:
    """The first reference with which the texts share a run of words."""
    for text in texts:
        stretch: list[str] = []
        for word in (*_WORD.findall(normalised(text)), None):
            if word in known.words:
                stretch.append(word)
                continue
            for run in _windows(stretch, length):
                if (reference := known.runs.get(digest(" ".join(run)))) is not None:
                    return reference
            stretch = []
    return None


def _packed(kind: int, reference: int) -> bytes:
    return bytes([kind]) + reference.to_bytes(WIDTH - 1, "big")
