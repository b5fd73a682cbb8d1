"""Keep a part of the rows: drawn by lot, a quota of each label, or chosen so that they differ.

rows: how many to keep
share: which share to keep, in place of rows; 0.1 is a tenth
strategy: random; stratified (by lot within each label); cluster (by lot within groups of like texts); kcentre (texts
  far from each other: finds rare ones); facility (texts near to all others: stands for the whole); null: stratified
  where `by` names a field, else kcentre
by: fields that hold the labels; each label gets its quota before anything else is looked at
quotas: what a label (with strategy cluster: a cluster too) gets: a share like its own, the same share for all, or
  between them, by square roots; one row at least
of: the texts that are compared; a conversation's prompt is all of it but the last answer
with_fields: further fields whose values make rows differ
clusters: how many groups of like texts there are; null: where more of them explain little more
max_fit_rows: rows that the comparison is fitted on; all are then compared
seed: another number draws others

random and stratified need nothing else; the rest needs scikit-learn (pip install 'resep[data]').
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal

from resep import Row
from resep.diversity import child
from resep.drawing import MOST_LABELS, apportion, label_of, rank, sampling_faults, uses_texts, weights
from resep.errors import ResepError
from resep.row_texts import row_texts

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray


def process_rows(
    given: Iterable[Row],
    /,
    *,
    rows: int | None = None,
    share: float | None = None,
    strategy: Literal["random", "stratified", "cluster", "kcentre", "facility"] | None = None,
    by: list[str] = [],  # noqa: B006 - options are read from literals
    quotas: Literal["proportional", "square_root", "equal"] = "proportional",
    of: list[Literal["prompt", "response"]] = ["prompt"],  # noqa: B006
    with_fields: list[str] = [],  # noqa: B006
    clusters: int | None = None,
    max_fit_rows: int = 50_000,
    seed: int = 42,
) -> Generator[Row, None, dict[str, Any]]:
    asked = {"rows": rows, "share": share, "strategy": strategy, "by": by}
    for option, message in sampling_faults({**asked, "clusters": clusters, "max_fit_rows": max_fit_rows}):
        raise ResepError(f"preprocessing.sample.{option}: {message}")
    strategy = strategy or ("stratified" if by else "kcentre")
    with TemporaryDirectory(prefix="resep-sample-") as name:
        folder = Path(name)
        if uses_texts(asked):
            with (folder / child.TEXTS).open("wb") as file:
                pool = _read(given, by, seed, lambda row: file.write(_line(row, of, with_fields)))
        else:
            pool = _read(given, by, seed, None)
        wanted = rows if rows is not None else max(1, round((share or 0) * len(pool.ranks)))
        quota = apportion(weights(pool.counts, quotas), wanted, pool.counts)
        if uses_texts(asked) and pool.ranks:
            request = {"strategy": strategy, "quotas": quota, "rule": quotas, "clusters": clusters}
            chosen = child.choose(
                folder, pool.labels, pool.ranks, {**request, "max_fit_rows": max_fit_rows, "seed": seed}
            )
        else:
            chosen = child.Chosen(_drawn(pool, quota), {})
    for row, is_chosen in zip(given, chosen.rows, strict=True):
        yield row if is_chosen else replace(row, dropped="not sampled")
    return {
        "strategy": strategy,
        "rows_in": len(pool.ranks),
        "rows_out": sum(quota),
        "labels": _labels(pool, quota) if by else [],
        "by": by,
        **chosen.findings,
        "warnings": list(_warnings(pool, quota, wanted)),
    }


@dataclass
class _Pool:
    """What is remembered of the rows: the number of each one's label, its place in the draw, and the labels' names."""

    labels: array[int] = field(default_factory=lambda: array("i"))
    ranks: array[int] = field(default_factory=lambda: array("Q"))
    names: dict[str, int] = field(default_factory=dict)
    counts: list[int] = field(default_factory=list)

    def add(self, label: str, place: int) -> None:
        number = self.names.setdefault(label, len(self.names))
        if number == len(self.counts):
            self.counts.append(0)
        self.counts[number] += 1
        self.labels.append(number)
        self.ranks.append(place)


def _read(given: Iterable[Row], by: list[str], seed: int, write: Callable[[Row], object] | None) -> _Pool:
    pool = _Pool()
    for row in given:
        pool.add(label_of(row, by), rank(seed, row.id))
        if write:
            write(row)
    return pool


def _line(row: Row, of: list[Literal["prompt", "response"]], with_fields: list[str]) -> bytes:
    texts = row_texts(row)
    return child.write_text("\n".join(texts[part] for part in of), [label_of(row, [name]) for name in with_fields])


def _drawn(pool: _Pool, quota: list[int]) -> NDArray[numpy.bool_]:
    """The rows of the lowest ranks, as many of each label as its quota."""
    import numpy as np

    labels, ranks = np.asarray(pool.labels), np.asarray(pool.ranks)
    order = np.lexsort((ranks, labels))
    starts = np.cumsum([0, *pool.counts])[:-1]
    place = np.empty(len(labels), dtype=np.int64)
    place[order] = np.arange(len(labels)) - starts[labels[order]]
    return np.asarray(place < np.asarray(quota, dtype=np.int64)[labels])


def _labels(pool: _Pool, quota: list[int]) -> list[dict[str, Any]]:
    """The labels by size, the largest first, no more than a page can show."""
    sized = sorted(pool.names, key=lambda name: -pool.counts[pool.names[name]])
    return [
        {"label": name, "size": pool.counts[pool.names[name]], "chosen": quota[pool.names[name]]}
        for name in sized[:MOST_LABELS]
    ]


def _warnings(pool: _Pool, quota: list[int], wanted: int) -> Iterator[str]:
    if wanted > len(pool.ranks):
        yield f"sample: {wanted} rows were asked for and there are {len(pool.ranks)}: all of them were kept"
    without = sum(not rows for rows in quota)
    if without:
        yield f"sample: {wanted} rows are fewer than the {len(quota)} labels: {without} labels have none"
