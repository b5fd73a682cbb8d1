"""Order accuracy: which output step is which reference step, and how much of the reference's order is kept.

Align one to one on similarity (threshold BEFORE the assignment: afterwards, a pair that was given up for two weak ones
cannot come back), then count. The precedent is RIBES (Isozaki 2010), which scores word order on aligned words;
`sequence_f1` is WorFBench's chain F1 (arXiv 2410.07869) without its floor of one match.

A step that the output repeats more often than the reference does is one step said again. Were its copies further steps,
an output that loops would match with each copy another step of the subject: eight times the same sentence once scored
0.6 against five steps, and 0 when it stood there once.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, product
from math import comb, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resep.words import words

Pair = tuple[int, int]  # positions from 0: (in the output, in the reference)
Matrix = NDArray[np.floating[Any]]

_MAX_INTERCHANGES = 512


@dataclass(frozen=True)
class OrderScore:
    """None where the value is not defined: the first four fields follow Kendall's counting, see `score_order`."""

    order_accuracy: float | None
    order_given_matched: float | None
    step_recall: float | None
    step_precision: float | None
    step_f1: float | None
    sequence_f1: float | None
    sequence_exact: float | None


def align(
    similarity: Matrix, threshold: float, output: Sequence[str] = (), reference: Sequence[str] = ()
) -> tuple[Pair, ...]:
    """The one-to-one pairs of steps with similarity >= threshold that maximise the sum of similarities.

    `similarity` has a row per output step and a column per reference step. Ties go to the pairs closest to the diagonal
    (a squared, so strictly convex, term: equal steps never cross). Where the texts are given, equal output steps match
    at most as many reference steps as the reference has that equal them, at least one; and steps of identical text are
    interchanged for the best order: which of two equal steps was "meant" must not cost anything.
    """
    if not output or not reference:
        return _assign(similarity, threshold)
    counted = _counted(output, reference)
    pairs = tuple((counted[row], column) for row, column in _assign(similarity[counted], threshold))
    if len(counted) < len(output):
        pairs = _assign(np.where(_in_group(pairs, output, len(reference)), similarity, -np.inf), threshold)
    return _best_interchange(pairs, output, reference)


def score_order(pairs: Sequence[Pair], output_length: int, reference_length: int) -> OrderScore:
    """All values of one row from its aligned pairs.

    order_accuracy: of all "A before B" facts of the reference, the share that the output shows; None when the reference
    has fewer than two steps, never for what the output lacks. order_given_matched: the same among matched steps only.
    The identity holds: order_accuracy = order_given_matched * C(k,2) / C(n,2), k pairs, n reference steps.
    """
    m, n, k = output_length, reference_length, len(pairs)
    order = [column for _, column in sorted(pairs)]
    kept, facts = concordant(order), comb(n, 2)
    return OrderScore(
        order_accuracy=kept / facts if facts else None,
        order_given_matched=kept / comb(k, 2) if k >= 2 else None,
        step_recall=k / n if n else None,
        step_precision=k / m if m and n else None,
        step_f1=2 * k / (m + n) if n else None,
        sequence_f1=2 * longest_increasing(order) / (m + n) if n else None,
        sequence_exact=float(m == n == k and kept == facts) if n else None,
    )


def concordant(order: Sequence[int]) -> int:
    """How many pairs of distinct numbers stand in increasing order."""
    return sum(first < second for first, second in combinations(order, 2))


def longest_increasing(order: Sequence[int]) -> int:
    """The length of the longest increasing subsequence of distinct numbers."""
    ends: list[int] = []
    for number in order:
        place = bisect_left(ends, number)
        ends[place : place + 1] = [number]
    return len(ends)


def _assign(similarity: Matrix, threshold: float) -> tuple[Pair, ...]:
    from scipy.optimize import linear_sum_assignment

    rows, columns = similarity.shape
    if not rows or not columns:
        return ()
    at_row, at_column = (np.arange(rows) + 0.5) / rows, (np.arange(columns) + 0.5) / columns
    distance = (at_row[:, None] - at_column[None, :]) ** 2
    weight = np.where(similarity >= threshold, similarity + 1e-3 - 1e-7 * distance, 0.0)
    chosen = zip(*linear_sum_assignment(weight, maximize=True), strict=True)
    return tuple((int(row), int(column)) for row, column in chosen if weight[row, column] > 0)


def _counted(output: Sequence[str], reference: Sequence[str]) -> list[int]:
    """The positions of the output steps that can match: of equal ones as many as the reference has, at least one."""
    asked = Counter(map(_wording, reference))
    seen: Counter[str] = Counter()
    counted = []
    for position, wording in enumerate(map(_wording, output)):
        if seen[wording] < max(1, asked[wording]):
            counted.append(position)
        seen[wording] += 1
    return counted


def _in_group(pairs: Sequence[Pair], output: Sequence[str], columns: int) -> NDArray[np.bool_]:
    """(output step, reference step) -> whether the reference step was matched by an equal of the output step."""
    wordings = [_wording(text) for text in output]
    owner = {column: wordings[row] for row, column in pairs}
    return np.array([[owner.get(column) == wording for column in range(columns)] for wording in wordings])


def _wording(step: str) -> str:
    """What two steps are equal by: their words, without capitals and punctuation; else their characters."""
    return " ".join(words(step)) or step.strip()


def _best_interchange(pairs: tuple[Pair, ...], output: Sequence[str], reference: Sequence[str]) -> tuple[Pair, ...]:
    """The best of all choices which of several equal steps are matched: most concordant, then longest in order."""
    sides = [([i for i, _ in pairs], output), ([j for _, j in pairs], reference)]
    if prod(_choice_count(matched, texts) for matched, texts in sides) > _MAX_INTERCHANGES:
        return pairs
    rows, columns = (_choices(matched, texts) for matched, texts in sides)
    candidates = (
        _uncrossed(pairs, set().union(*choice[: len(rows)]), set().union(*choice[len(rows) :]), output, reference)
        for choice in product(*rows, *columns)
    )
    return max((pairs, *candidates), key=_merit)


def _merit(pairs: Sequence[Pair]) -> tuple[int, int]:
    order = [column for _, column in sorted(pairs)]
    return concordant(order), longest_increasing(order)


def _choice_count(matched: Sequence[int], texts: Sequence[str]) -> int:
    """How many choices there are, before any is made: they may be billions."""
    groups = _positions(texts, range(len(texts))).values()
    return prod(comb(len(positions), len(set(positions) & set(matched))) for positions in groups)


def _choices(matched: Sequence[int], texts: Sequence[str]) -> list[list[tuple[int, ...]]]:
    """For each distinct text, every way to choose which of its positions are matched, as many as are matched now."""
    taken = set(matched)
    return [
        list(combinations(positions, sum(position in taken for position in positions)))
        for positions in _positions(texts, range(len(texts))).values()
    ]


def _uncrossed(
    pairs: Sequence[Pair], rows: set[int], columns: set[int], output: Sequence[str], reference: Sequence[str]
) -> tuple[Pair, ...]:
    """The pairs on the chosen rows and columns, none crossing another of the same text (each move gains order)."""
    now = sorted(pairs)
    while True:
        moved = _reassign(now, rows, output)
        moved = sorted((i, j) for j, i in _reassign([(j, i) for i, j in moved], columns, reference))
        if moved == now:
            return tuple(now)
        now = moved


def _reassign(pairs: Sequence[Pair], chosen: set[int], texts: Sequence[str]) -> list[Pair]:
    """Pairs with new first positions: those of one text take its chosen positions in the order of their second ones."""
    seconds = defaultdict(list)
    for first, second in pairs:
        seconds[texts[first]].append(second)
    places = _positions(texts, sorted(chosen))
    return sorted(
        (first, second)
        for text, columns in seconds.items()
        for first, second in zip(places[text], sorted(columns), strict=True)
    )


def _positions(texts: Sequence[str], among: Sequence[int]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for position in among:
        found[texts[position]].append(position)
    return found
