"""What an arm leaves: samples.jsonl in the order of the test rows, and arm.json, which says how they came about."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO, TypeVar

from resep.digests import write_json
from resep.records import Sample, to_line, write_jsonl
from resep.resume import finished_records

SAMPLES, CARD = "samples.jsonl", "arm.json"
LATENCY = "latency.jsonl"  # beside them, and no part of the result: how long each answer took, when it was given
Batch = TypeVar("Batch")


@contextmanager
def kept_samples(out: Path) -> Iterator[tuple[dict[str, Sample], TextIO]]:
    """What an interruption left in the folder, by row, and the file that further samples are appended to."""
    done = {sample.id: sample for sample in finished_records(out / SAMPLES, Sample)}
    with (out / SAMPLES).open("a", encoding="utf-8") as file:
        yield done, file


def append(file: TextIO, samples: Iterable[Sample]) -> None:
    """Put samples on the disk itself, so that neither a kill nor a power failure takes them back."""
    file.writelines(to_line(sample) for sample in samples)
    file.flush()
    os.fsync(file.fileno())


def timed(batches: Iterable[Batch]) -> Iterator[tuple[float, Batch]]:
    """Each batch with the seconds that passed until it was there."""
    started = time.monotonic()
    for batch in batches:
        yield time.monotonic() - started, batch
        started = time.monotonic()


def note_latency(out: Path, samples: Sequence[Sample], seconds: float) -> None:
    """Note of the answers of one batch that it took so long: a line per answer, also after an interruption."""
    facts = {"seconds": round(seconds, 4), "batch_rows": len(samples)}
    with (out / LATENCY).open("a", encoding="utf-8") as file:
        for sample in samples:
            file.write(json.dumps({"id": sample.id, **facts, "output_tokens": sample.output_tokens}) + "\n")


def finish(out: Path, samples: Sequence[Sample], facts: Mapping[str, Any]) -> None:
    """Write the samples anew in their order, and the card: `facts`, and what can be counted."""
    write_jsonl(out / f"{SAMPLES}.new", samples)
    (out / f"{SAMPLES}.new").replace(out / SAMPLES)
    write_json(out / CARD, {**facts, **counted(samples)})


def counted(samples: Sequence[Sample]) -> dict[str, Any]:
    """What an arm's card says of its answers that can be counted again at any time."""
    reasons = Counter(sample.finish_reason for sample in samples)
    return {
        "truncated": reasons["length"],
        "empty": sum(not sample.output.strip() for sample in samples),
        "finish_reasons": dict(sorted(reasons.items())),
        "rows": len(samples),
    }
