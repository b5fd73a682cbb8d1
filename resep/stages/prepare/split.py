"""Which side a row falls on: a salted hash of its prompt, so that rows added later move no row that was there.

All answers to one prompt stay together. Where the hash leaves a class without a row in some split, its nearest prompt
moves there.
"""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from resep.records import Row

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Placement:
    """The split of each row, None for one beyond `max_rows`; how many prompts moved for a class; classes too small."""

    splits: tuple[str | None, ...]
    moved_prompts: int = 0
    small_strata: tuple[str, ...] = ()


def split_key(row: Row, group_by: str | None = None) -> str:
    """What decides a row's side: the field `group_by` where it has one, else its prompt (all that the user says)."""
    if group_by and (group := row.fields.get(group_by)) not in (None, ""):
        return normalised(str(group))
    if "messages" in row.fields:
        return normalised("\n".join(m["content"] for m in row.fields["messages"] if m["role"] == "user"))
    return normalised(row.fields["prompt"])


def normalised(text: str) -> str:
    """The text without the differences of capitals, white space and ways to write an accent."""
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


def position(key: str, salt: str) -> float:
    """Where a key falls in [0, 1): evenly spread, the same on every machine, another with every salt."""
    digest = blake2b(f"{salt}\0{key}".encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) / 2**53


def place(
    positions: Sequence[float],
    fractions: Mapping[str, float],
    strata: Sequence[str] | None = None,
    max_rows: Mapping[str, int] | None = None,
) -> Placement:
    """The split of every row. `positions` are those of the rows' keys; `fractions` of 1 in the order of SPLITS.

    With `strata` (one per row), a class with at least as many prompts as there are splits has one or more in each.
    Of a split with more than `max_rows` rows, those with the lowest positions stay, one of each class before the rest.
    """
    ranges = _ranges(fractions)
    by_position = {u: _split_at(u, ranges) for u in positions}
    moved, small = 0, []
    for stratum, prompts in _prompts_by_stratum(positions, strata):
        if len(prompts) < len(ranges):
            small.append(stratum)
            continue
        moves = dict(_top_up({u: by_position[u] for u in prompts}, ranges))
        by_position.update(moves)
        moved += len(moves)
    splits = [by_position[u] for u in positions]
    return Placement(_limited(splits, positions, strata, max_rows or {}), moved, tuple(sorted(small)))


def _ranges(fractions: Mapping[str, float]) -> dict[str, tuple[float, float]]:
    """Each split that is asked for, with the positions that it covers."""
    ranges, low = {}, 0.0
    for split in SPLITS:
        if fraction := fractions.get(split) or 0:
            ranges[split] = (low, low + fraction)
            low += fraction
    return ranges


def _split_at(u: float, ranges: Mapping[str, tuple[float, float]]) -> str:
    return next((split for split, (_, high) in ranges.items() if u < high), next(reversed(list(ranges))))


def _prompts_by_stratum(positions: Sequence[float], strata: Sequence[str] | None) -> Iterator[tuple[str, list[float]]]:
    """Each class with its prompts, by name. A prompt under several classes counts for the first of them."""
    if strata is None:
        return
    of_prompt: dict[float, str] = {}
    for u, stratum in zip(positions, strata, strict=True):
        of_prompt[u] = min(stratum, of_prompt.get(u, stratum))
    grouped = defaultdict(list)
    for u, stratum in of_prompt.items():
        grouped[stratum].append(u)
    for stratum in sorted(grouped):
        yield stratum, sorted(grouped[stratum])


def _top_up(placed: dict[float, str], ranges: Mapping[str, tuple[float, float]]) -> Iterator[tuple[float, str]]:
    """Moves that give each split a prompt of this class: the nearest one of a split that has another to keep."""
    for split in reversed(list(ranges)):
        counts = Counter(placed.values())
        if counts[split] == 0:
            low, high = ranges[split]
            spare = [u for u, of in placed.items() if counts[of] > 1]
            nearest = min(spare, key=lambda u: (max(low - u, u - high), u))
            placed[nearest] = split
            yield nearest, split


def _limited(
    splits: Sequence[str], positions: Sequence[float], strata: Sequence[str] | None, max_rows: Mapping[str, int]
) -> tuple[str | None, ...]:
    limited: list[str | None] = list(splits)
    for split, limit in max_rows.items():
        rows = sorted((i for i, of in enumerate(splits) if of == split), key=lambda i: (positions[i], i))
        for index in _one_of_each_first(rows, strata)[limit:]:
            limited[index] = None
    return tuple(limited)


def _one_of_each_first(rows: Sequence[int], strata: Sequence[str] | None) -> list[int]:
    if strata is None:
        return list(rows)
    first: dict[str, int] = {}
    for row in rows:
        first.setdefault(strata[row], row)
    leaders = set(first.values())
    return sorted(rows, key=lambda row: row not in leaders)
