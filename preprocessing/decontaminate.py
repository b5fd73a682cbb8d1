"""Drop rows that ask what a test file asks: the same, nearly the same, or within a longer text.

files: the files of test rows, relative to the recipe: .jsonl, .json, .csv, .tsv or .parquet
field: the field of these files that holds the question, or a conversation; null: the one with a usual name
threshold: how alike a prompt may not be to a question, from 0.5 to 1 (shared runs of five characters)
ngram: a row that has so many words of a question in a row, anywhere, goes as well; 13 is usual; null: whole
    questions only
"""

from collections.abc import Generator, Sequence
from typing import Any

from resep import Digests, Judgement, Row
from resep.formats import texts_of
from resep.similarity.contamination import WIDTH, Asked, findings, judged
from resep.splits.keys import split_key


def digest_rows(
    rows: Sequence[Row],
    *,
    files: Sequence[str] = (),
    field: str | None = None,
    threshold: float = 0.8,
    ngram: int | None = 13,
) -> list[bytes]:
    prompts = [split_key(row) for row in rows]
    texts = [[*texts_of(row.fields, "prompt"), *texts_of(row.fields, "response")] for row in rows]
    found = findings(prompts, texts, Asked(tuple(files), field, threshold, ngram))
    # A test file may be a source too: its own rows are not what it is looked for in.
    return [bytes(WIDTH) if _is_from(row, files) else each for row, each in zip(rows, found, strict=True)]


def _is_from(row: Row, files: Sequence[str]) -> bool:
    return any(f"/{file}".endswith(f"/{row.origin.file}") for file in files)


def judge_rows(
    digests: Digests,
    *,
    files: Sequence[str] = (),
    field: str | None = None,
    threshold: float = 0.8,
    ngram: int | None = 13,
) -> Generator[Judgement, None, dict[str, Any]]:
    return judged(digests, Asked(tuple(files), field, threshold, ngram))
