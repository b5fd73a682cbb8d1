"""Which class the output names: accuracy and macro-F1; an output that names none, or several, counts as wrong.

Labels are compared by their words, without capitals and punctuation. macro-F1 is the mean over the classes of the
references of each one's F1, so that rare classes count as much as frequent ones. A row whose reference names no class
has no score. Beside it: precision, recall and F1 of each class, and what was taken for what.
labels: the classes; none given: those that the references name
field: the field of a JSON answer, and of a JSON reference, that holds the label: intent, or answer.intent
match: contained also takes the only class that stands in a longer output ("It is spam."; but so does "not spam");
  exact wants the label and nothing else. A field is always exact
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from resep import Context, Metric, Sample, Score, target_text
from resep.errors import ResepError
from resep.labels import Classes, Key, classes_of, read_field

METRICS = (
    Metric("accuracy", direction="higher", low=0, high=1, kind="binary", help="the output names the right class"),
    Metric("macro_f1", direction="higher", low=0, high=1, kind="corpus", help="mean over classes of each one's F1"),
    Metric(
        "label_unparsable", direction="lower", low=0, high=1, kind="binary", help="no class can be read, or several"
    ),
)
TOGETHER = True  # the classes are those of all references

Numbers = NDArray[np.float64]

_MOST_CLASSES = 1000
_MATRIX = 12  # classes: more make a table that nobody reads
_MOST_ROWS = 40
_NO_CLASS = "(none)"


def evaluate(
    samples: Iterable[Sample],
    context: Context,  # noqa: ARG001
    *,
    labels: Sequence[str] = (),
    field: str | None = None,
    match: Literal["contained", "exact"] = "contained",
) -> Iterator[Score]:
    rows = list(samples)
    named = [label_of(row, field) for row in rows]
    classes = classes_of(labels or [label for label in named if label is not None])
    if len(classes.spelling) > _MOST_CLASSES:
        raise ResepError(
            f"evaluator classification: the references name {len(classes.spelling):,} different classes, and "
            f"{_MOST_CLASSES:,} are the most: give the classes as `labels`, or the `field` of a JSON answer"
        )
    targets = [None if label is None else classes.exactly(label) for label in named]
    place = {key: at for at, key in enumerate(sorted({target for target in targets if target is not None}))}
    for row, target in zip(rows, targets, strict=True):
        yield score(row, target, predicted(row.output, classes, field, match), classes, place)


def signature(
    context: Context,  # noqa: ARG001
    *,
    labels: Sequence[str] = (),
    field: str | None = None,
    match: Literal["contained", "exact"] = "contained",
) -> str:
    given = f"{len(labels)} given, averaged: those of the references" if labels else "of the references"
    reading = f"field:{field}" if field else f"match:{match}"
    return f"classification|labels:{given}|{reading}|unparsable:wrong|version:1"


def summarise(samples: Sequence[Sample], scores: Sequence[Score], context: Context, **options: Any) -> dict[str, Any]:  # noqa: ARG001
    """Tables for each arm: precision, recall and F1 of each class, and what was taken for what."""
    without = len({score.id for score in scores if score.values["accuracy"] is None})
    total = len({score.id for score in scores})
    message = f"classification: references that name no class: {without} of {total}; their rows have no score"
    tables = []
    for arm in dict.fromkeys(score.arm for score in scores):
        pairs = Counter(
            (score.detail["target"], score.detail.get("label", _NO_CLASS))
            for score in scores
            if score.arm == arm and "target" in score.detail
        )
        tables += [class_table(pairs, arm), confusion_table(pairs, arm)]
    return {"tables": [table for table in tables if table["rows"]], "warnings": [message] if without else []}


def aggregate_macro_f1(sums: Numbers) -> Numbers:
    """Macro-F1 from sums of rows' counts (..., 2 * classes) -> (...): first the right rows of each class, then the rows
    that are of it plus those that were taken for it. The classes are those of all references.

    F1 = 2 tp / (2 tp + fp + fn), whose denominator is just that sum. A class that a resample does not hold, and that
    nothing in it was taken for, has no F1 and is left out of the mean. NaN where no class is left.
    """
    count = sums.shape[-1] // 2
    right, size = sums[..., :count], sums[..., count:]
    present = size > 0
    f1 = np.where(present, 2 * right / np.where(present, size, 1), 0)
    classes = present.sum(axis=-1)
    return np.where(classes > 0, f1.sum(axis=-1) / np.maximum(classes, 1), np.nan)


AGGREGATES: Mapping[str, Any] = {"macro_f1": aggregate_macro_f1}


def label_of(row: Sample, field: str | None) -> str | None:
    """The label that the reference names."""
    text = target_text(row.target, "text")
    return read_field(text, field) if field else text


def predicted(output: str, classes: Classes, field: str | None, match: str) -> Key | None:
    if field:
        value = read_field(output, field)
        return None if value is None else classes.exactly(value)
    return classes.exactly(output) if match == "exact" else classes.contained(output)


def score(row: Sample, target: Key | None, found: Key | None, classes: Classes, place: Mapping[Key, int]) -> Score:
    """`place`: where a class of the references stands in the counts; no other class is averaged."""
    if target is None:
        nothing = {"accuracy": None, "macro_f1": None, "label_unparsable": float(found is None)}
        return Score(row.id, row.arm, nothing)
    counts = np.zeros((2, len(place)))
    counts[1, place[target]] += 1
    if found is not None and found in place:
        counts[0, place[found]] += found == target
        counts[1, place[found]] += 1
    right = float(found == target)
    values = {"accuracy": right, "macro_f1": right, "label_unparsable": float(found is None)}
    named = {"target": target} | ({} if found is None else {"label": found})
    detail = {name: told(classes.spelling[key]) for name, key in named.items()}
    return Score(row.id, row.arm, values, stats={"macro_f1": tuple(counts.ravel().tolist())}, detail=detail)


def told(label: str) -> str:
    return label[:80].encode("utf-8", "replace").decode()


def class_table(pairs: Mapping[tuple[str, str], int], arm: str) -> dict[str, Any]:
    """Precision, recall and F1 of each class, the most frequent first."""
    wanted: Counter[str] = Counter()
    given: Counter[str] = Counter()
    for (target, label), count in pairs.items():
        wanted[target] += count
        given[label] += count
    rows = [
        [
            label,
            wanted[label],
            pairs[label, label] / given[label] if given[label] else None,
            pairs[label, label] / wanted[label] if wanted[label] else None,
            2 * pairs[label, label] / (wanted[label] + given[label]),
        ]
        for label in sorted({*wanted, *given} - {_NO_CLASS}, key=lambda label: (-wanted[label], label))
    ]
    columns = ["class", "rows", "precision", "recall", "F1"]
    return {"title": f"Classes: {arm}", "columns": columns, "rows": rows[:_MOST_ROWS], **left_out(rows)}


def confusion_table(pairs: Mapping[tuple[str, str], int], arm: str) -> dict[str, Any]:
    """What was taken for what: the whole matrix of few classes, the most frequent mistakes among many."""
    classes = sorted({label for pair in pairs for label in pair} - {_NO_CLASS})
    if len(classes) <= _MATRIX:
        columns = ["reference, by output", *classes, _NO_CLASS]
        matrix = [[target, *(pairs[target, label] for label in columns[1:])] for target in classes]
        return {"title": f"Taken for what: {arm}", "columns": columns, "rows": matrix}
    wrong = sorted(((-count, *pair) for pair, count in pairs.items() if pair[0] != pair[1]))
    rows = [[target, label, -count] for count, target, label in wrong]
    columns = ["reference", "taken for", "rows"]
    return {"title": f"Most frequent mistakes: {arm}", "columns": columns, "rows": rows[:_MOST_ROWS], **left_out(rows)}


def left_out(rows: Sequence[Any]) -> dict[str, str]:
    return {"note": f"{len(rows) - _MOST_ROWS} more are left out."} if len(rows) > _MOST_ROWS else {}
