"""The child that chooses rows: texts -> vectors in a file, clusters, choice, findings. Needs scikit-learn.

Request: `folder` (see child.py for its files), `strategy`, `quotas` (rows wanted of each label), `rule`, `clusters` (or
null), `max_fit_rows`, `seed`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resep.digests import write_json
from resep.diversity.child import CHOSEN, FINDINGS, LABELS, RANKS, TEXTS
from resep.errors import ResepError
from resep.events import emit, work

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from resep.diversity.features import Features
    from resep.diversity.records import Vectors

_BATCH = 2_000
_FIT_CHARACTERS = 15_000_000  # of the rows that are fitted on: an n-gram takes eight bytes, three begin at a character


def job(request: Mapping[str, Any]) -> None:
    """Choose the rows that the request asks for; leave CHOSEN and FINDINGS in its folder."""
    try:
        import sklearn  # noqa: F401
    except ModuleNotFoundError as error:
        raise ResepError(
            f"strategy {request['strategy']} compares texts, which needs scikit-learn: pip install 'resep[data]', or "
            "use strategy random, or stratified with by"
        ) from error
    import numpy as np

    from resep.diversity import features
    from resep.diversity.clusters import assign, centres, elbow
    from resep.diversity.findings import findings
    from resep.diversity.records import Choice, Elbow
    from resep.diversity.selection import select

    folder, seed = Path(request["folder"]), int(request["seed"])
    labels, ranks = np.load(folder / LABELS), np.load(folder / RANKS)
    drawn = np.argsort(ranks, kind="stable")[: request["max_fit_rows"]]
    fitted, texts, values = _part(folder / TEXTS, drawn)
    vectors = _vectors(folder, len(labels), features.fit(texts, values, seed))
    speaking = vectors[fitted[vectors[fitted].any(axis=1)]]
    if not len(speaking):
        raise ResepError("all texts are empty or unlike any other, so there is nothing to compare; use strategy random")
    bend = Elbow(request["clusters"]) if request["clusters"] else elbow(speaking, seed)
    middles = centres(speaking, bend.count, seed)
    clusters = assign(vectors, middles)
    chosen = select(request["strategy"], vectors, clusters, labels, ranks, request["quotas"], request["rule"])
    np.save(folder / CHOSEN, chosen)
    choice = Choice(vectors, clusters, ranks, chosen, fitted)
    write_json(folder / FINDINGS, findings(choice, bend, middles, texts, seed))


def _part(texts: Path, fitted: NDArray[Any]) -> tuple[NDArray[Any], list[str], list[list[str]]]:
    """The rows to fit on, in the order of their ranks: as many as their characters allow; their texts and values."""
    import numpy as np

    wanted = set(fitted.tolist())
    found = {at: line for at, line in enumerate(_lines(texts)) if at in wanted}
    sizes = np.cumsum([len(found[at]["text"]) for at in fitted.tolist()])
    within = fitted[: max(1, int(np.searchsorted(sizes, _FIT_CHARACTERS, side="right")))]
    rows = [found[at] for at in within.tolist()]
    return within, [row["text"] for row in rows], [row["values"] for row in rows]


def _vectors(folder: Path, rows: int, fitted: Features | None) -> Vectors:
    """The vectors of all rows, in a file: batch after batch."""
    import numpy as np

    if fitted is None:
        return np.zeros((rows, 1), dtype=np.float32)
    written = 0
    with (folder / "vectors").open("wb") as file:
        lines = _lines(folder / TEXTS)
        while batch := list(islice(lines, _BATCH)):
            vectors = fitted.of([line["text"] for line in batch], [line["values"] for line in batch])
            file.write(np.ascontiguousarray(vectors).tobytes())
            written += len(batch)
            emit("progress", done=written, total=rows)
    return np.memmap(folder / "vectors", dtype=np.float32, mode="r").reshape(rows, -1)


def _lines(texts: Path) -> Iterator[dict[str, Any]]:
    import orjson

    with texts.open("rb") as file:
        for line in file:
            yield orjson.loads(line)


if __name__ == "__main__":
    work(job)
