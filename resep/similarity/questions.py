"""The questions in files of test rows, each with its place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from resep.errors import ResepError
from resep.formats.recognise import CONVERSATIONS, PROMPTS
from resep.sources import RawRow, SourceFile, read_file
from resep.suggest import did_you_mean

_QUESTIONS = (*PROMPTS, *CONVERSATIONS, "instruction", "input", "text")
_USERS = ("user", "human")


def questions(files: Sequence[str], field: str | None) -> Iterator[tuple[str, str]]:
    """(place, question) of every row of the files, as the field says or else a field with a usual name.

    Of a conversation, the question is what its user says. Raises ResepError for a file or a row that cannot be used:
    a test row that is not read is one that is not kept out of training.
    """
    for path, label in zip(files, labels(files), strict=True):
        name = field
        for row in read_file(SourceFile(Path(path), label)):
            name = name or _usual(row)
            yield str(row.origin), _question(row, name)


def labels(files: Sequence[str]) -> list[str]:
    """What messages call the files: their names, with as many folders before them as it takes to tell them apart."""
    parts = [Path(file).parts for file in files]
    length = 1
    while len({each[-length:] for each in parts}) < len({*parts}) and length < max(map(len, parts)):
        length += 1
    return [str(Path(*each[-length:])) for each in parts]


def _usual(row: RawRow) -> str:
    usual = {name.lower(): name for name in reversed([*row.values])}
    found = next((usual[name] for name in _QUESTIONS if name in usual), None)
    if found is None and not row.problem:
        raise ResepError(f"{row.origin}: no field has a usual name for a question{_has(row)}")
    return found or _QUESTIONS[0]


def _question(row: RawRow, field: str) -> str:
    if row.problem:
        raise ResepError(f"{row.origin}: {row.problem.message}; test rows that cannot be read cannot be looked for")
    value = row.values.get(field)
    turns = [*_users(value)] if isinstance(value, list) else [value]
    said = [text for text in turns if isinstance(text, str)]
    if not said or len(said) < len(turns):
        raise ResepError(f"{row.origin}: field {field!r} holds no text and no conversation{_has(row, field)}")
    return "\n".join(said)


def _users(turns: Sequence[Any]) -> Iterator[Any]:
    for turn in turns:
        if not isinstance(turn, Mapping):
            yield None
        elif turn.get("role", turn.get("from")) in _USERS:
            yield turn.get("content", turn.get("value"))


def _has(row: RawRow, wanted: str = "") -> str:
    has = ", ".join(map(repr, row.values)) or "none"
    return f"; the row has {has}{did_you_mean(wanted, row.values)} (the option `field` names it)"
