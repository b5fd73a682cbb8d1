"""Neighbouring text steps, run as one on all texts of a batch: every text through one step, then through the next.

Placeholders are hidden from the steps; outside of the run rows carry plain text, placeholders written out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from operator import ne

import numpy as np
from numpy.typing import NDArray

from resep.detectors.writing import noting
from resep.errors import ResepError
from resep.formats import Rows, as_table, empty_parts, rows_with_texts, texts_of, texts_of_rows, with_texts
from resep.numbering import number_texts, row_numbers
from resep.placeholders import reveal
from resep.stages.prepare.batch import Batch
from resep.stages.prepare.failures import failure
from resep.stages.prepare.plan import Planned
from resep.stages.prepare.shard import Digest, Drop, Seen, Tally
from resep.stages.prepare.text import (
    TextFunction,
    TextsFunction,
    protect_all,
    text_function,
    texts_function,
)


@dataclass(frozen=True)
class TextStep:
    """A text step ready to run, on a text or on many."""

    step: Planned
    function: TextFunction
    on_all: TextsFunction
    numbering: str


def text_step(step: Planned) -> TextStep:
    function = text_function(step.spec)
    assert function is not None, f"{step.spec.name} is no text step"
    return TextStep(step, function, texts_function(step.spec, function), step.spec.options.get("numbering", "none"))


def run_text_steps(batch: Batch, tally: Tally, *, run: Sequence[TextStep], digest: Digest | None) -> Batch:
    """Neighbouring text steps. A row of which nothing is left in some part is dropped by the last of them."""
    texts = _Texts(batch)
    changed = np.zeros((len(run), len(batch)), np.bool_)
    for names, indices in _by_fields(run):
        texts.take_out(names)
        rows = texts.rows()
        for at in indices:
            before = texts.texts
            with noting() as found:
                texts.texts = _done(run[at], before, rows, batch)
            is_changed = np.fromiter(map(ne, before, texts.texts), np.bool_, len(before))
            changed[at][rows[is_changed]] = True
            tally.note(run[at].step.at, found, digest)
        texts.put_back()
    fields, own = texts.fields, batch.own
    if any(step.numbering != "none" for step in run):
        fields, own = _numbered(fields, own, run)
    left = empty_parts(fields)
    last = run[-1].step
    for at, each in enumerate(run):
        count = tally.seen.setdefault(each.step.at, Seen())
        count.rows_in += len(batch)
        count.rows_out += len(batch) if each.step is not last else left.count(None)
        count.changed += int(changed[at].sum())
    for number, part in zip(batch.numbers, left, strict=True):
        if part:
            tally.drops.append(Drop(number, last.name, f"{part} is empty after preprocessing"))
    return replace(batch, fields=fields, own=own).keep([part is None for part in left])


def _by_fields(run: Sequence[TextStep]) -> Iterator[tuple[list[str], tuple[int, ...]]]:
    """Fields that the same steps of the run clean, and these steps: what goes the same way goes together."""
    together: dict[tuple[int, ...], list[str]] = {}
    for field in dict.fromkeys(field for each in run for field in each.step.spec.fields):
        steps = tuple(at for at, each in enumerate(run) if field in each.step.spec.fields)
        together.setdefault(steps, []).append(field)
    return ((names, steps) for steps, names in together.items())


class _Texts:
    """All texts of some fields of a batch in one list, on their way out of the rows and back into them."""

    def __init__(self, batch: Batch) -> None:
        self.fields = batch.fields

    def take_out(self, names: Sequence[str]) -> None:
        parts = [*zip(*(texts_of_rows(self.fields, name) for name in names), strict=True)]  # of a row, name by name
        self.names, self.counts = names, [len(part) for row in parts for part in row]
        self.texts = protect_all([text for row in parts for part in row for text in part])

    def put_back(self) -> None:
        texts = [text if text.isascii() else reveal(text) for text in self.texts]
        parts = [texts[start:end] for start, end in pairwise(accumulate(self.counts, initial=0))]
        for at, name in enumerate(self.names):
            self.fields = rows_with_texts(self.fields, name, parts[at :: len(self.names)])

    def rows(self) -> NDArray[np.intp]:
        """Of each text, its row."""
        counts = np.array(self.counts, np.intp).reshape(len(self.fields), len(self.names)).sum(axis=1)
        return np.repeat(np.arange(len(self.fields)), counts)


def _numbered(fields: Rows, own: list[dict[str, int]], run: Sequence[TextStep]) -> tuple[Rows, list[dict[str, int]]]:
    """Placeholders that carry digests get the numbers of their row; those of the data set are noted beside it."""
    for_all = any(step.numbering == "data" for step in run)
    new_fields, new_own = [], []
    for each, known in zip(fields, own, strict=True):
        parts = {name: texts_of(each, name) for name in dict.fromkeys(n for s in run for n in s.step.spec.fields)}
        numbers = row_numbers(text for part in parts.values() for text in part)
        if numbers:
            for name, part in parts.items():
                each = with_texts(each, name, number_texts(part, numbers)) if part else each
        new_fields.append(each)
        new_own.append({**known, **numbers} if for_all else known)
    return as_table(new_fields), new_own


def _done(step: TextStep, before: Sequence[str], rows: NDArray[np.intp], batch: Batch) -> list[str]:
    """The step on all texts. Raises ResepError with the place of the first row where it fails."""

    def refused(what: str, texts: Iterator[bool]) -> ResepError:
        places = [batch.origin(row) for row in rows[[*texts]][:1]]
        return ResepError(": ".join(map(str, [*places, what])))

    name = step.step.name
    try:
        done = step.on_all(before)
    except Exception as error:
        raise refused(failure(name, error), (_fails(step.function, text) for text in before)) from error
    if len(done) != len(before):
        raise ResepError(f"preprocessing step '{name}' made {len(done)} texts of {len(before)}")
    if kinds := {*map(type, done)} - {str}:
        what = f"preprocessing step '{name}' returned {kinds.pop().__name__}, not a text"
        raise refused(what, (not isinstance(text, str) for text in done))
    return done


def _fails(function: TextFunction, text: str) -> bool:
    try:
        function(text)
    except Exception:  # noqa: BLE001 - whatever it was, it is being told
        return True
    return False
