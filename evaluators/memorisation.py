"""How much of an output stands in the training answers, letter by letter, beside how much of the reference does.

Runs of `length` characters count (in small letters, with single spaces); a shorter text counts where the whole of it is
an answer. Where answers are written alike, references share much with the training rows, too: the control says how
much, and memorised_beyond counts only what the row's own reference does not say. Training rows are read one by one.
length: characters in a row that are more than chance: 50 are about 10 words
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from resep import Context, Example, Metric, Sample, Score, target_text
from resep.records import read_jsonl
from resep.text_windows import Covered, Windows, covered, flat, shared_windows, windows

NEEDS = ("rows",)
METRICS = (
    Metric("memorised", direction="none", low=0, high=1, help="share of the output that stands in training answers"),
    Metric("memorised_beyond", direction="lower", low=0, high=1, help="the same, without what the reference says"),
    Metric("copied", direction="none", low=0, high=1, kind="binary", help="the whole output is a training answer"),
)


@dataclass(frozen=True)
class Text:
    """A text as it is compared, and its windows."""

    flat: str
    windows: Windows


def evaluate(samples: Iterable[Sample], context: Context, *, length: int = 50) -> Iterator[Score]:
    rows = list(samples)
    outputs = [opened(row.output, length) for row in rows]
    references = [opened(target_text(row.target, context.response_format), length) for row in rows]
    shared, copied = seen_in_training([*outputs, *references], context.prepared["train"], length)
    for row, output, reference in zip(rows, outputs, references, strict=True):
        yield score(row, output, reference, shared, copied, length)


def signature(context: Context, *, length: int = 50) -> str:  # noqa: ARG001
    return f"memorisation|runs of {length} characters, casefolded, of all training answers|version:1"


def summarise(
    samples: Sequence[Sample],  # noqa: ARG001
    scores: Sequence[Score],
    context: Context,  # noqa: ARG001
    *,
    length: int = 50,  # noqa: ARG001
) -> dict[str, Any]:
    """The control: what the references of each arm's rows share with the training answers."""
    shares: dict[str, list[float]] = {}
    for given in scores:
        if "reference" in given.detail:
            shares.setdefault(given.arm, []).append(given.detail["reference"])
    return {"the references themselves": {arm: round(fmean(values), 6) for arm, values in shares.items()}}


def opened(text: str, length: int) -> Text:
    compared = flat(text)
    return Text(compared, windows(compared, length))


def seen_in_training(texts: Sequence[Text], train: Path, length: int) -> tuple[Windows, frozenset[str]]:
    """Windows of the texts, and whole texts, that stand in an answer of the training rows."""
    sought, whole = {text.flat for text in texts}, set()

    def answers() -> Iterator[str]:
        for example in read_jsonl(train, Example):
            for message in example.messages:
                if message.role in ("assistant", "completion"):
                    answer = flat(message.content)
                    if answer in sought:
                        whole.add(answer)
                    yield answer

    return shared_windows([text.windows for text in texts], answers(), length), frozenset(whole)


def score(row: Sample, output: Text, reference: Text, shared: Windows, copied: frozenset[str], length: int) -> Score:
    detail = {"reference": float(seen_part(reference, shared, copied, length).mean())} if reference.flat else {}
    if not output.flat:
        return Score(row.id, row.arm, dict.fromkeys((metric.name for metric in METRICS), 0.0), detail=detail)
    seen = seen_part(output, shared, copied, length)
    own = covered(output.windows, np.unique(reference.windows), len(output.flat), length)
    beyond = seen & ~own & (output.flat != reference.flat)
    values = {
        "memorised": float(seen.mean()),
        "memorised_beyond": float(beyond.mean()),
        "copied": float(output.flat in copied),
    }
    return Score(row.id, row.arm, values, detail=detail)


def seen_part(text: Text, shared: Windows, copied: frozenset[str], length: int) -> Covered:
    """For each character whether it lies in a run that stands in a training answer."""
    return covered(text.windows, shared, len(text.flat), length) | (text.flat in copied)
