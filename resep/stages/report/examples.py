"""Examples for the page: the largest gains, the largest losses, some at random, some equal. Losses always show."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from resep.records import Sample, Score
from resep.steps import target_text

GAINS = LOSSES = 5
CHANCE, TIES = 3, 2
_SEED = 20
_ROUNDING = 1e-12


@dataclass(frozen=True)
class StepMark:
    """One step of an output. `fate`: matched, crossing (matched, but out of order) or extra; `target` counts from 1."""

    text: str
    fate: str
    target: int | None


@dataclass(frozen=True)
class Alignment:
    """An output's steps against the target's. `links` are (output, target, crossing), from 0; `missing` from 1."""

    steps: tuple[StepMark, ...]
    missing: tuple[tuple[int, str], ...]
    links: tuple[tuple[int, int, bool], ...]
    targets: int


@dataclass(frozen=True)
class Side:
    """One arm's answer to the row."""

    arm: str
    output: str
    value: float | None
    finish_reason: str
    alignment: Alignment | None


@dataclass(frozen=True)
class Example:
    """One row with the answers side by side, the baseline first."""

    id: str
    prompt: str
    target: str
    target_steps: tuple[str, ...]
    difference: float | None
    sides: tuple[Side, ...]


@dataclass(frozen=True)
class Group:
    """Examples that were chosen for one reason. `total`: how many rows there are of the kind."""

    title: str
    examples: tuple[Example, ...]
    total: int


Values = Mapping[str, Mapping[str, float | None]]  # arm -> row id -> value of the primary metric


def choose(
    samples: Iterable[Sample], scores: Iterable[Score], metric: str, arms: Sequence[str], lower_is_better: bool = False
) -> list[Group]:
    """Groups of examples for `arms` (baseline, candidate), by difference in `metric`, then by id; no row twice."""
    answers = {(s.arm, s.id): s for s in samples if s.arm in arms}
    values, details = _values(scores, metric)
    ids = sorted({row for arm, row in answers if arm == arms[-1]} & {row for arm, row in answers if arm == arms[0]})
    found = {row: _example(row, arms, answers, values, details) for row in ids}
    merit = {row: (-d if lower_is_better else d) for row in ids if (d := found[row].difference) is not None}
    gains = sorted((row for row in merit if merit[row] > 0), key=lambda row: (-merit[row], row))
    losses = sorted((row for row in merit if merit[row] < 0), key=lambda row: (merit[row], row))
    ties = [row for row in merit if merit[row] == 0]
    taken = {*gains[:GAINS], *losses[:LOSSES], *ties[:TIES]}
    rest = [row for row in ids if row not in taken]
    random = sorted(Random(_SEED).sample(rest, min(CHANCE, len(rest))))
    chosen = (
        ("Largest gains", gains[:GAINS], len(gains)),
        ("Largest losses", losses[:LOSSES], len(losses)),
        ("Drawn at random", random, len(rest)),
        ("Equal", ties[:TIES], len(ties)),
    )
    return [Group(title, tuple(found[row] for row in rows), total) for title, rows, total in chosen]


def align(detail: Mapping[str, Any]) -> Alignment | None:
    """The alignment in a Score's detail (`output_steps`, `reference_steps`, `pairs`), or None where there is none."""
    targets = detail.get("reference_steps", detail.get("target_steps"))
    if targets is None or "pairs" not in detail or "output_steps" not in detail:
        return None
    pairs = {int(pair[0]): int(pair[1]) for pair in detail["pairs"]}
    straight = _in_order([pairs[i] for i in sorted(pairs)])
    steps = [_mark(text, pairs.get(i), straight) for i, text in enumerate(detail["output_steps"])]
    missing = [(j + 1, text) for j, text in enumerate(targets) if j not in pairs.values()]
    links = [(i, j, j not in straight) for i, j in sorted(pairs.items())]
    return Alignment(tuple(steps), tuple(missing), tuple(links), len(targets))


def _mark(text: str, target: int | None, straight: set[int]) -> StepMark:
    if target is None:
        return StepMark(text, "extra", None)
    return StepMark(text, "matched" if target in straight else "crossing", target + 1)


def _in_order(order: Sequence[int]) -> set[int]:
    """The members of one longest increasing subsequence: the steps that kept their order; the others crossed them."""
    ends: list[int] = []
    ranks = []
    for number in order:
        rank = bisect_left(ends, number)
        ends[rank : rank + 1] = [number]
        ranks.append(rank)
    kept: set[int] = set()
    wanted = len(ends) - 1
    for number, rank in zip(reversed(order), reversed(ranks), strict=True):
        if rank == wanted and (not kept or number < min(kept)):
            kept.add(number)
            wanted -= 1
    return kept


def _values(scores: Iterable[Score], metric: str) -> tuple[Values, Mapping[tuple[str, str], Mapping[str, Any]]]:
    values: dict[str, dict[str, float | None]] = {}
    details = {}
    for score in scores:
        if metric in score.values:
            values.setdefault(score.arm, {})[score.id] = score.values[metric]
        if "pairs" in score.detail:
            details[score.arm, score.id] = score.detail
    return values, details


def _example(
    row: str,
    arms: Sequence[str],
    answers: Mapping[tuple[str, str], Sample],
    values: Values,
    details: Mapping[tuple[str, str], Mapping[str, Any]],
) -> Example:
    sides = tuple(
        Side(
            arm=arm,
            output=answers[arm, row].output,
            value=values.get(arm, {}).get(row),
            finish_reason=answers[arm, row].finish_reason,
            alignment=align(details.get((arm, row), {})),
        )
        for arm in arms
    )
    sample = answers[arms[-1], row]
    before, after = sides[0].value, sides[-1].value
    difference = None if before is None or after is None or len(sides) < 2 else after - before
    if difference is not None and abs(difference) < _ROUNDING:
        difference = 0.0
    steps = tuple(sample.target) if not isinstance(sample.target, str) else ()
    question = "\n\n".join(m.content for m in sample.prompt if m.role != "system")
    return Example(row, question, target_text(sample.target), steps, difference, sides)
