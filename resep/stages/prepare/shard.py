"""What a pass leaves of a batch, and its file: complete when it exists, so that a run that was killed goes on after it.

The file is one line of JSON, which says how long the parts are, and the parts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

Digest = Callable[[Iterable[tuple[str, str]]], frozenset[bytes]]  # of (kind, value) pairs


@dataclass
class Seen:
    """What a step did to rows: how many came in and went on, how many it changed, and what it replaced in them."""

    rows_in: int = 0
    rows_out: int = 0
    changed: int = 0
    replaced: dict[str, int] = field(default_factory=dict)  # values taken out, by kind


@dataclass(frozen=True)
class Drop:
    """A row that goes no further: its number, the step that says so, and why."""

    number: int
    step: str
    reason: str


def add_counts(counts: dict[str, int], further: Mapping[str, int]) -> None:
    for kind, count in further.items():
        counts[kind] = counts.get(kind, 0) + count


@dataclass
class Tally:
    """What is noted while a batch goes through the steps. `private` are digests of what placeholders replaced."""

    drops: list[Drop] = field(default_factory=list)
    seen: dict[int, Seen] = field(default_factory=dict)
    private: set[bytes] = field(default_factory=set)

    def note(self, step: int, found: Sequence[tuple[str, str]], digest: Digest | None) -> None:
        """Count what a step took out of texts, by kind, and keep digests of it."""
        if found:
            add_counts(self.seen.setdefault(step, Seen()).replaced, Counter(kind for kind, _ in found))
            if digest:
                self.private |= digest(found)


@dataclass(frozen=True)
class Shard:
    """A batch after a pass. `rows` holds a line for each row that goes on; `arrays` the numbers of KINDS, as bytes: of
    each of these rows its `numbers` and (last pass only) what decides its split, of each input row its `lines`.

    `read` says of each input row (first pass only): its id, source and file. `columns` are what the statistics need of
    each row that goes on (last pass only). `digests` are one string of bytes per judge.
    """

    rows: bytes
    arrays: Mapping[str, bytes]
    drops: list[Drop]
    seen: Mapping[int, Seen]
    read: Mapping[str, Any] = field(default_factory=dict)
    columns: Mapping[str, Any] = field(default_factory=dict)
    quarantined: bytes = b""
    digests: list[bytes] = field(default_factory=list)
    private: bytes = b""

    @property
    def numbers(self) -> NDArray[np.int64]:
        """Of each row that goes on, its number among the input rows of the shard."""
        return self.array("numbers")

    def array(self, name: str) -> NDArray[Any]:
        return np.frombuffer(self.arrays[name], KINDS[name])

    def lines(self) -> list[bytes]:
        """The lines of `rows`."""
        return self.rows.splitlines(keepends=True)  # JSON writes "\r" as an escape


FORM = 2  # of the file: what a program of another form has left half done is begun anew
KINDS = {
    "numbers": "int64",
    "lines": "uint32",
    "source": "int32",
    "position": "float64",
    "question": "bool",
    "time": "int64",
    "given": "int8",
}
_BYTES = ("rows", "quarantined", "private")


def packed(**arrays: Sequence[Any] | NDArray[Any] | None) -> dict[str, bytes]:
    """The arrays of a shard, by their names in KINDS; None for one that it has not."""
    given = {name: values for name, values in arrays.items() if values is not None}
    return {name: np.asarray(values, KINDS[name]).tobytes() for name, values in given.items()}


def save(shard: Shard, path: Path) -> None:
    """Write a shard; the file appears when it is whole."""
    parts = [*(getattr(shard, name) for name in _BYTES), *shard.arrays.values(), *shard.digests]
    head = {each.name: getattr(shard, each.name) for each in fields(shard) if each.name not in (*_BYTES, "digests")}
    head["arrays"] = list(shard.arrays)
    head["seen"] = {str(step): asdict(seen) for step, seen in shard.seen.items()}
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        file.write(orjson.dumps({**head, "parts": [len(part) for part in parts]}) + b"\n")
        file.writelines(parts)
    partial.rename(path)


def load(path: Path) -> Shard:
    """Read a shard that `save` wrote."""
    with path.open("rb") as file:
        head = orjson.loads(file.readline())
        parts = [file.read(length) for length in head.pop("parts")]
    head["drops"] = [Drop(**drop) for drop in head["drops"]]
    head["seen"] = {int(step): Seen(**seen) for step, seen in head["seen"].items()}
    rows, quarantined, private, *rest = parts
    arrays = dict(zip(head.pop("arrays"), rest, strict=False))
    digests = rest[len(arrays) :]
    return Shard(**head, rows=rows, arrays=arrays, quarantined=quarantined, private=private, digests=digests)
