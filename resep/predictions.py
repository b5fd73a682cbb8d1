"""predictions.csv: every test row with the answers of all arms side by side, for a spreadsheet or a data frame.

UTF-8 with a byte order mark, every cell in quotes, lines end as RFC 4180 wants them. A cell that a spreadsheet would
run, and one that begins with a quote of its own, has a single quote in front: take one away to have the text. Texts
that no cell holds are cut, and say so; samples.jsonl has them whole.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TextIO

from resep.records import Message, Sample, read_jsonl
from resep.spreadsheet import cell
from resep.steps import target_text

COLUMNS = ("id", "prompt", "system", "target")
_QUOTE = "'"


def write_predictions(path: Path, samples: Mapping[str, Path], response_format: str) -> None:
    """Write the file from the samples.jsonl of every arm, all of the same rows in the same order. Read as a stream."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        with partial.open("w", encoding="utf-8-sig", newline="") as file:
            arms = [read_jsonl(each, Sample) for each in samples.values()]
            write_rows(file, [*COLUMNS, *samples], (_row(row, response_format) for row in zip(*arms, strict=True)))
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def write_rows(file: TextIO, header: Sequence[str], rows: Iterable[Iterable[str]]) -> None:
    """Rows of any texts as CSV; `file` was opened with newline=""."""
    writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows([safe(text) for text in row] for row in rows)


def safe(text: str) -> str:
    """The text as a cell that no program runs; `text_of` brings it back."""
    held = cell(text)
    return _QUOTE + held if text.startswith(_QUOTE) else held


def text_of(cell: str) -> str:
    """The text that a cell stands for, where it was not cut."""
    return cell.removeprefix(_QUOTE)


def asked(prompt: Sequence[Message]) -> str:
    """What was asked, the system message aside: the question alone, or a conversation with the name of who speaks."""
    turns = [message for message in prompt if message.role != "system"]
    if len(turns) == 1:
        return turns[0].content
    return "\n\n".join(f"[{turn.role}]\n{turn.content}" for turn in turns)


def system_of(prompt: Sequence[Message]) -> str:
    """The system message, or an empty text."""
    return "\n\n".join(message.content for message in prompt if message.role == "system")


def _row(answers: Sequence[Sample], response_format: str) -> Iterator[str]:
    first = answers[0]
    assert all(answer.id == first.id for answer in answers), "arms answer the same rows in the same order"
    yield from (first.id, asked(first.prompt), system_of(first.prompt), target_text(first.target, response_format))
    yield from (answer.output for answer in answers)
