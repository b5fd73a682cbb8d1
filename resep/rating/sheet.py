"""The blind sheets: one CSV for each rater, all with the same rows and sides, and a page of instructions."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from resep.rating.key import Item, Key
from resep.records import Sample
from resep.rubric import asked_text
from resep.spreadsheet import cell
from resep.steps import target_text

SIDES = ("A", "B")
CANNOT, TIE = "cannot judge", "tie"


def rating_columns(criteria: Sequence[str]) -> list[str]:
    """The columns that raters fill in with 1 to 5: both sides of a criterion beside each other."""
    return [f"{name}_{side}" for name in criteria for side in SIDES]


def write_sheets(key: Key, samples: Mapping[str, Mapping[str, Sample]], folder: Path, reference: bool) -> list[Path]:
    """Write `sheet-<rater>.csv` for every rater and README.txt into `folder`; returns the sheets.

    UTF-8 with a byte order mark, without which Excel reads another encoding. `samples`: arm -> row id -> answer.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "README.txt").write_text(instructions(key, reference), encoding="utf-8")
    files = []
    for rater in key.raters:
        file = folder / f"sheet-{rater}.csv"
        with file.open("w", encoding="utf-8-sig", newline="") as target:
            rows = [_row(key, item, rater, samples, reference) for item in key.items]
            writer = csv.DictWriter(target, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        files.append(file)
    return files


def instructions(key: Key, reference: bool) -> str:
    """What a rater reads first."""
    return "\n".join([*_opening(len(key.items), reference), *_criteria(key), *_ending()]) + "\n"


def _row(
    key: Key, item: Item, rater: str, samples: Mapping[str, Mapping[str, Sample]], reference: bool
) -> dict[str, str]:
    first, second = samples[item.a][item.id], samples[item.b][item.id]
    shown = {"reference": cell(target_text(first.target))} if reference else {}
    return {
        "item": str(item.number),
        "question": cell(asked_text(first.prompt)),
        **shown,
        "answer_A": cell(first.output),
        "answer_B": cell(second.output),
        **dict.fromkeys(rating_columns(list(key.criteria)), ""),
        "preference": "",
        "comment": "",
        "rater": rater,
        "sheet": key.code,
    }


def _opening(rows: int, reference: bool) -> Iterator[str]:
    yield "How to rate"
    yield ""
    yield f"Your sheet has {rows} rows. Each has a question and two answers, A and B. Which program wrote which is not"
    yield "said, and changes from row to row. Judge each answer for itself, then compare the two."
    if reference:
        yield "The column reference holds one right answer; others may be right, too."
    yield "Leave capital letters, punctuation and length alone, unless a question is about them."
    yield ""
    yield "For every answer and every criterion write a whole number from 1 to 5:"


def _criteria(key: Key) -> Iterator[str]:
    for criterion in key.questions:
        yield ""
        yield f"{criterion.name}: {criterion.question}"
        yield from (f"  {line}" for line in criterion.anchors.splitlines())


def _ending() -> Iterator[str]:
    yield ""
    yield f"preference: A, B or {TIE}. Which answer would you rather have got?"
    yield f"Where you cannot tell, write: {CANNOT}. What you leave empty counts as not rated yet."
    yield "comment: anything that the numbers do not say."
    yield ""
    yield "Do not change the other columns, and do not add or remove rows. Do not talk to other raters before all are"
    yield "done. Save as CSV (UTF-8), not as a workbook."
