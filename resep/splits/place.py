"""The split of every row, decided at once from arrays.

By its hash no row moves when others are added; for the sake of classes only as many as these lack. Rows of one key (a
prompt, a group, near-duplicates) stay on one side, whatever decides it, unless the data itself puts them apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from resep.errors import ResepError
from resep.splits import SPLITS, TEST, TRAIN, UNTESTABLE, VALIDATION
from resep.splits.classes import Ranges, exact_positions, top_up
from resep.splits.columns import Codes, Columns, Positions, Prompts, prompts_of
from resep.splits.limits import limit
from resep.splits.rare import Uncovered, sentences, uncovered, untestable
from resep.splits.rule import SplitRule, ranges_of
from resep.splits.timeline import check_times, spans, timeline, why_far_off

__all__ = ["Columns", "Placement", "SplitRule", "Uncovered", "place"]


@dataclass(frozen=True)
class Placement:
    """`codes`: of each row the index of its split in SPLITS, or a code of LEFT_OUT.

    `moved_prompts`: how many prompts changed sides so that a class is in every split. `small_strata`: classes with
    fewer prompts than there are splits. `uncovered`: each class that has no row in a split, and why. `spans`: oldest
    and newest time of each split, where it goes by time. `warnings`: what a person should be told.
    """

    codes: Codes
    moved_prompts: int = 0
    small_strata: tuple[str, ...] = ()
    uncovered: tuple[Uncovered, ...] = ()
    spans: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def place(columns: Columns, rule: SplitRule) -> Placement:
    """Share the rows out. Raises ResepError where times have no common order, or leave a split without rows."""
    shared = _as_given(columns, rule) if columns.given is not None else _shared(columns, rule, rule.fractions)
    codes = shared.codes.copy()
    limit(codes, columns, rule.max_rows)
    rare = uncovered(columns, shared.codes, codes, {*shared.small_strata}) if columns.stratum is not None else ()
    placed = replace(shared, codes=codes, uncovered=tuple(rare))
    told = (*shared.warnings, untestable(codes), *sentences(placed.uncovered, rule.stratify_by))
    return replace(placed, warnings=tuple(filter(None, told)))


def _as_given(columns: Columns, rule: SplitRule) -> Placement:
    """Rows where the data puts them; of the training rows a share for validation, where none are given for it."""
    assert columns.given is not None
    codes, share = np.array(columns.given, dtype=np.int8), rule.fractions.get("validation", 0)
    if columns.has_question is not None:
        codes[(codes == TEST) & ~columns.has_question] = UNTESTABLE
    if not share:
        return Placement(codes)
    if (codes == VALIDATION).any():
        told = "split.fractions.validation is without effect: the data brings validation rows along"
        return Placement(codes, warnings=(told,))
    rows = np.flatnonzero(codes == TRAIN)
    taken = _shared(replace(columns.take(rows), given=None), rule, {"train": 1 - share, "validation": share})
    codes[rows] = taken.codes
    return replace(taken, codes=codes)


def _shared(columns: Columns, rule: SplitRule, fractions: Mapping[str, float]) -> Placement:
    """Rows by their hash, by their rank within their class, or by time; every class in every split."""
    ranges = ranges_of(fractions)
    if columns.is_placed_alone:
        return Placement(_split_at(columns.position, ranges))
    prompts = prompts_of(columns)
    if columns.time is not None:
        return _by_time(columns, prompts, fractions)
    positions = prompts.position
    if prompts.stratum is not None and rule.stratify == "exact":
        positions = exact_positions(prompts, rule.salt)
    codes = _split_at(positions, ranges)
    if prompts.testable is not None:
        codes[(codes == TEST) & ~prompts.testable] = TRAIN
    moved, small = top_up(codes, prompts, positions, ranges) if prompts.stratum is not None else (0, ())
    return Placement(codes[prompts.of_row], moved, small)


def _by_time(columns: Columns, prompts: Prompts, fractions: Mapping[str, float]) -> Placement:
    assert columns.time is not None
    check_times(columns)
    ranges = ranges_of(fractions)
    codes = _split_at(timeline(prompts), ranges)[prompts.of_row]
    empty = [SPLITS[code] for code in ranges if not (codes == code).any() and code != VALIDATION]
    if empty and len(columns):
        missing = " and no ".join(empty)
        raise ResepError(
            f"split.by: time leaves no {missing} rows: too many of the {len(columns)} rows have one "
            "time, and rows of one time stay together; give finer times or other split.fractions"
        )
    told = why_far_off(codes, fractions)
    if columns.has_question is not None:  # never to training: that would be learning from what is newer than the test
        codes[(codes == TEST) & ~columns.has_question] = UNTESTABLE
    return Placement(codes, spans=spans(columns.time, codes), warnings=(told,))


def _split_at(positions: Positions, ranges: Ranges) -> Codes:
    """The split whose range a position falls into; the last one for what rounding leaves above it."""
    codes: Codes = np.full(len(positions), next(iter(ranges)), np.int8)
    for code, (low, _) in ranges.items():
        codes[positions >= low] = code
    return codes
