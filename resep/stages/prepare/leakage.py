"""Leakage: held-out prompts that the model knows from training, word for word or nearly.

It is looked for after all steps, because lower case and placeholders make prompts equal that were not. The split itself
keeps equal prompts together; what gets past it are splits that the data brings along, groups and dates.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from resep.similarity.bands import Indices
from resep.similarity.nearest import NONE, Nearest, nearest, sorted_bands
from resep.similarity.normal import DIGEST_BYTES, digest, numbers, rows_in_parts
from resep.similarity.signatures import signatures
from resep.splits import SPLITS, TEST, TRAIN, VALIDATION
from resep.splits.keys import normalised

THRESHOLDS: Final = (0.7, 0.8, 0.9)  # at which near prompts are counted
MOST_ROWS_UNASKED: Final = 200_000  # beyond, looking for near prompts takes longer than the rest of preparation
_MOST_EXAMPLES = 20
_HELD_OUT = (TEST, VALIDATION)
_EXACT_MENDED = (
    "what is known by heart tests nothing: the step `- deduplicate: {by: prompt}` keeps the first of rows that ask the "
    "same, `- decontaminate: {files: [...]}` drops training rows that ask what a test file asks"
)
_NEAR_MENDED = (
    "`split.leakage: {near: group}` keeps such prompts on one side of a split that is drawn here, "
    "`- deduplicate: {by: prompt, near: 0.8}` keeps one of them in any"
)

Table = NDArray[np.uint8]
Place = Callable[[int], str]


@dataclass(frozen=True)
class Alike:
    """A held-out row and the training row that is most like it, by their places, and how alike they are."""

    split: str
    row: str
    training_row: str
    likeness: float


@dataclass(frozen=True)
class Leakage:
    """Of the held-out splits that have rows: how many of their prompts are in training as well.

    `near` counts, by split and likeness, prompts of which training has one that is at least so alike, an equal one
    included; `shares` are the same as shares of the split's rows. Both are None where nobody looked, and
    `not_looked_for` says why. `examples` are the most alike, from `threshold` on.
    """

    threshold: float
    asked: str  # split.leakage.near, or what it means where it is not written
    rows: Mapping[str, int]
    exact: Mapping[str, int]
    near: Mapping[str, Mapping[str, int]] | None
    shares: Mapping[str, Mapping[str, float]] | None
    examples: Sequence[Alike]
    not_looked_for: str | None = None

    def refusal(self) -> str | None:
        """Why nothing is trained on such a split, or None."""
        if exact := self._in_words(self.exact):
            return f"leakage: {exact} in training as well{self._such_as()}; {_EXACT_MENDED}"
        if self.asked == "fail" and (near := self._in_words(self._near())):
            return f"leakage: {near} nearly in training as well{self._such_as()}; {_NEAR_MENDED}"
        return None

    def warnings(self) -> list[str]:
        """What a reader of the results has to know, in sentences."""
        near = self._in_words(self._near())
        if not near:
            return []
        alike = f"nearly in training as well (alike to a degree of {self.threshold:g} or more)"
        return [f"leakage: {near} {alike}{self._such_as()}; {_NEAR_MENDED}"]

    def _near(self) -> dict[str, int]:
        return {split: counts[_name(self.threshold)] for split, counts in (self.near or {}).items()}

    def _in_words(self, counts: Mapping[str, int]) -> str:
        """`12 of 300 test prompts and 1 of 80 validation prompts are`; empty where all counts are 0."""
        some = [f"{count} of {self.rows[split]} {split} prompts" for split, count in counts.items() if count]
        return f"{' and '.join(some)} {'is' if sum(counts.values()) == 1 else 'are'}" if some else ""

    def _such_as(self) -> str:
        shown = [f"{each.row} (as {each.training_row})" for each in self.examples[:3]]
        return f", such as {', '.join(shown)}" if shown else ""


def prompt_signatures(prompts: Sequence[str], *, near: bool) -> list[bytes]:
    """The bytes by which a prompt is compared: a digest and, for near ones, a signature. All of one length.

    A prompt is what `split_key` gives for a row: what its user says.
    """
    normal = [normalised(prompt) for prompt in prompts]
    exact = [digest(text) for text in normal]
    return [a + b.tobytes() for a, b in zip(exact, signatures(normal), strict=True)] if near else exact


def find_leakage(
    table: Table, splits: NDArray[np.int8], place: Place, *, near: str | None = None, threshold: float = 0.8
) -> Leakage:
    """Held-out prompts that training has as well.

    `table` holds the `prompt_signatures` of all rows, and may lie on disk. `splits` are the codes of their splits,
    negative for rows that are in none or ask nothing. `near` and `threshold` are the recipe's `split.leakage`; where it
    does not say `near` (None), near ones are looked for among at most MOST_ROWS_UNASKED rows.
    """
    held = {SPLITS[code]: rows for code in _HELD_OUT if len(rows := np.flatnonzero(splits == code))}
    exact = _exact(table, splits, held)
    why_not = _why_not(near, int((splits >= 0).sum()))
    found = {} if why_not else _near(table, np.flatnonzero(splits == TRAIN), held, threshold)
    counts = {split: _counts(each, threshold) for split, each in found.items()}
    is_exact = any((each.rows != NONE).any() for each in exact.values())
    return Leakage(
        threshold=threshold,
        asked=near or "warn",
        rows={split: len(rows) for split, rows in held.items()},
        exact={split: int((each.rows != NONE).sum()) for split, each in exact.items()},
        near=None if why_not else counts,
        shares=None if why_not else {s: {at: n / len(held[s]) for at, n in each.items()} for s, each in counts.items()},
        examples=_examples(exact if is_exact else found, held, threshold, place),
        not_looked_for=why_not,
    )


def looks_for_near(near: str | None, rows: int) -> bool:
    """Whether signatures of prompts will be needed for so many rows."""
    return _why_not(near, rows) is None


def _why_not(near: str | None, rows: int) -> str | None:
    if near == "ignore":
        return "split.leakage.near: ignore"
    if near is None and rows > MOST_ROWS_UNASKED:
        return f"there are more than {MOST_ROWS_UNASKED} rows; write split.leakage.near: warn to look all the same"
    return None


def _exact(table: Table, splits: NDArray[np.int8], held: Mapping[str, Indices]) -> dict[str, Nearest]:
    """Of each held-out row the first training row with the same prompt."""
    found = {split: Nearest(np.full(len(rows), NONE), np.zeros(len(rows))) for split, rows in held.items()}
    for part in rows_in_parts(table):
        digests, codes = numbers(table[part]), splits[part]
        training = np.flatnonzero(codes == TRAIN)
        known, first = np.unique(digests[training], return_index=True)
        for split, rows in held.items():
            asked = np.flatnonzero(codes == SPLITS.index(split))
            asked = asked[np.isin(digests[asked], known)]
            at = np.searchsorted(rows, part[asked])
            found[split].rows[at] = part[training[first[np.searchsorted(known, digests[asked])]]]
            found[split].likeness[at] = 1
    return found


def _near(table: Table, training: Indices, held: Mapping[str, Indices], threshold: float) -> dict[str, Nearest]:
    signed, least = table[:, DIGEST_BYTES:], min(threshold, *THRESHOLDS)
    rows = np.concatenate(list(held.values())) if held else np.zeros(0, np.intp)
    found = nearest(signed, rows, signed, sorted_bands(signed, training, least), least)
    ends = np.cumsum([len(each) for each in held.values()])[:-1]
    parts = zip(np.split(found.rows, ends), np.split(found.likeness, ends), strict=True)
    return {split: Nearest(*part) for split, part in zip(held, parts, strict=False)}


def _counts(found: Nearest, threshold: float) -> dict[str, int]:
    return {_name(least): int((found.likeness >= least).sum()) for least in sorted({*THRESHOLDS, threshold})}


def _name(likeness: float) -> str:
    return f"{likeness:g}"


def _examples(
    found: Mapping[str, Nearest], held: Mapping[str, Indices], threshold: float, place: Place
) -> tuple[Alike, ...]:
    examples = []
    for split, each in found.items():
        for at in np.argsort(-each.likeness, kind="stable")[:_MOST_EXAMPLES].tolist():
            if each.likeness[at] >= threshold:
                row, other = place(int(held[split][at])), place(int(each.rows[at]))
                examples.append(Alike(split, row, other, round(float(each.likeness[at]), 3)))
    return tuple(sorted(examples, key=lambda each: -each.likeness)[:_MOST_EXAMPLES])
