"""How long an answer takes, and how many tokens a second an arm writes: what generation noted while it ran.

Answers come in batches: an answer's share is its batch's time divided by the answers in it, which is what it costs; who
waits for one answer alone waits longer than that. Not a matter of quality, and not of the recipe: the numbers are those
of the machine and the moment, so they are in no stage's key, stay as they are when answers are reused, and cannot be
computed again from the samples.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from json import loads
from pathlib import Path
from statistics import quantiles
from typing import Any

import numpy as np

from resep import Context, Metric, Sample, Score

NEEDS = ("timings",)
TEXTS = "raw"
METRICS = (
    Metric("seconds_per_answer", direction="lower", low=0, unit="seconds", help="an answer's share of its batch"),
    Metric(
        "tokens_per_second", direction="higher", low=0, kind="corpus", unit="tokens", help="answers of an arm together"
    ),
)
FILE = "latency.jsonl"


def evaluate(samples: Iterable[Sample], context: Context) -> Iterator[Score]:
    timings = {arm: read(folder / FILE) for arm, folder in context.answer_files.items()}
    yield from map(partial(score, timings), samples)


def signature(context: Context) -> str:  # noqa: ARG001
    return "latency|wall seconds of a batch / its answers|version:1"


def summarise(samples: Sequence[Sample], scores: Sequence[Score], context: Context) -> dict[str, Any]:  # noqa: ARG001
    """How large the batches were, and the wait of half and of 95 of 100 answers where they were asked one at a time."""
    timings = {arm: list(read(folder / FILE).values()) for arm, folder in context.answer_files.items()}
    return {
        "answers in a batch": {
            arm: max((row["batch_rows"] for row in rows), default=None) for arm, rows in timings.items()
        },
        "wait for one answer, half and 95 of 100 (seconds)": {arm: waits(rows) for arm, rows in timings.items()},
    }


def tokens_per_second(sums: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """(..., [tokens, seconds]) -> (...)"""
    return np.asarray(sums[..., 0] / np.where(sums[..., 1] > 0, sums[..., 1], np.nan))


AGGREGATES = {"tokens_per_second": tokens_per_second}


def score(timings: Mapping[str, Mapping[str, Any]], sample: Sample) -> Score:
    timed = timings.get(sample.arm, {}).get(sample.id)
    if timed is None:
        why = "how long this answer took was not noted: it is shared with another arm, or older than such notes"
        return Score(sample.id, sample.arm, {"seconds_per_answer": None, "tokens_per_second": None}, error=why)
    share, tokens = timed["seconds"] / timed["batch_rows"], float(timed["output_tokens"])
    values = {"seconds_per_answer": share, "tokens_per_second": tokens / share if share else None}
    return Score(sample.id, sample.arm, values, {"tokens_per_second": (tokens, share)})


def read(path: Path) -> dict[str, dict[str, Any]]:
    """Row id -> {"seconds", "batch_rows", "output_tokens"}; a line that an interruption tore is passed over."""
    if not path.exists():
        return {}
    lines = path.read_text(encoding="utf-8").split("\n")[:-1]
    return {row["id"]: row for row in map(loads, lines)}


def waits(rows: Sequence[Mapping[str, Any]]) -> str | None:
    seconds = [float(row["seconds"]) for row in rows if row["batch_rows"] == 1]
    if len(seconds) < 2:
        return None
    cuts = quantiles(seconds, n=20, method="inclusive")
    return f"{cuts[9]:.3g}, {cuts[18]:.3g}"
