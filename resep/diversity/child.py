"""The runner's side: texts, labels and ranks go into a folder, a child chooses among them, positions come back."""

from __future__ import annotations

import json
import sys
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resep.errors import ResepError, StageError

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

TEXTS, LABELS, RANKS, CHOSEN, FINDINGS = "texts.jsonl", "labels.npy", "ranks.npy", "chosen.npy", "findings.json"
LONGEST = 1000  # characters of a text that are looked at: what a row is about stands at its beginning


@dataclass(frozen=True)
class Chosen:
    """Whether each row was chosen (bool, in the order of the texts), and what there is to say of it."""

    rows: NDArray[numpy.bool_]
    findings: dict[str, Any]


def write_text(text: str, values: list[str]) -> bytes:
    """A row's line in the file of texts: what it says, and its values of the fields that count as well."""
    import orjson

    whole = text[:LONGEST].encode("utf-8", "replace").decode()  # a lone surrogate cannot be written
    return orjson.dumps({"text": whole, "values": values}) + b"\n"


def choose(folder: Path, labels: array[int], ranks: array[int], request: Mapping[str, Any]) -> Chosen:
    """Let the child choose among the rows whose texts stand in `folder`.

    `labels` (array of i) number the label of each row, `ranks` (of Q) are the places in the draw; `request` holds
    `strategy`, `quotas` (rows wanted of each label), `rule`, `clusters` (or None), `max_fit_rows` and `seed`.
    Raises ResepError where the child cannot do it, with the reason.
    """
    import numpy

    from resep.process import follow

    numpy.save(folder / LABELS, numpy.asarray(labels))
    numpy.save(folder / RANKS, numpy.asarray(ranks))
    whole = {**request, "folder": str(folder.resolve())}
    # More threads than cores free to work burn ten times the time; one is the same on every machine.
    alone = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    command = [sys.executable, "-m", "resep.diversity.worker"]
    try:
        for _ in follow(command, name="prepare", folder=folder / "child", request=whole, environment=alone):
            pass
    except StageError as error:
        raise ResepError(f"preprocessing.sample: {error}") from error  # the log goes with the folder
    findings = json.loads((folder / FINDINGS).read_text(encoding="utf-8"))
    return Chosen(numpy.load(folder / CHOSEN), findings)
