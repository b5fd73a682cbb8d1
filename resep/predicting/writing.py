"""Answers to new prompts, beside what was typed: as CSV for a spreadsheet, or as JSONL."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, TextIO

from resep.predicting.questions import Question
from resep.predictions import asked, system_of, write_rows
from resep.records import Sample

Format = Literal["csv", "jsonl"]


def write(file: TextIO, form: Format, questions: Sequence[Question], samples: Sequence[Sample]) -> None:
    """Write one row for each question. `file` was opened with newline=""."""
    if form == "jsonl":
        file.writelines(
            json.dumps(_record(*pair), ensure_ascii=False) + "\n" for pair in zip(questions, samples, strict=True)
        )
        return
    arm = samples[0].arm
    rows = zip(questions, samples, strict=True)
    write_rows(
        file,
        ["id", "prompt", "system", arm],
        ([question.id, asked(question.typed), system_of(question.typed), sample.output] for question, sample in rows),
    )


def write_file(path: Path, form: Format, questions: Sequence[Question], samples: Sequence[Sample]) -> None:
    """The same in a file, whole or not at all; a CSV begins with a byte order mark, for Excel."""
    partial = path.with_name(f"{path.name}.partial")
    with partial.open("w", encoding="utf-8-sig" if form == "csv" else "utf-8", newline="") as file:
        write(file, form, questions, samples)
    partial.replace(path)


def _record(question: Question, sample: Sample) -> dict[str, Any]:
    typed = {"prompt": question.fields["prompt"]} if "prompt" in question.fields else {}
    return {
        "id": question.id,
        **(typed or {"messages": [vars(message) for message in question.typed]}),
        "arm": sample.arm,
        "output": sample.output,
        "finish_reason": sample.finish_reason,
        "prompt_tokens": sample.prompt_tokens,
        "output_tokens": sample.output_tokens,
        "asked": [vars(message) for message in sample.prompt],
    }
