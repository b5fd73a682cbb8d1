"""A person's own rows, looked at for `resep new`: which fields they have, and what they seem made for."""

from __future__ import annotations

import os.path
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from resep.errors import ResepError
from resep.formats.recognise import shape
from resep.recipe.paths import escapes
from resep.sources import SourceFile, read_file
from resep.suggest import did_you_mean

_LOOKED_AT = 1000  # rows
# Our field <- what it is often called, the likeliest first.
_USUAL: Mapping[str, Sequence[str]] = {
    "messages": ("messages", "conversation", "conversations", "chat"),
    "prompt": ("prompt", "question", "instruction", "input", "text", "query", "title"),
    "response": ("response", "answer", "output", "completion", "steps", "label", "category", "json", "summary"),
}


@dataclass(frozen=True)
class Rows:
    """The person's own rows: the file as the recipe names it, and our field -> theirs. `first` are some of them."""

    file: str
    fields: Mapping[str, str]
    first: Sequence[Mapping[str, Any]]

    @property
    def format(self) -> str:
        if self.are_conversations:
            turns = shape(self.first[0].get(self.fields["messages"]))
            return "sharegpt" if turns == "from/value" else "messages"
        has_input = self.fields["prompt"] == "instruction" and "input" in self.first[0]
        return "alpaca" if has_input else "prompt_response"

    @property
    def are_conversations(self) -> bool:
        return "messages" in self.fields

    @property
    def responses(self) -> list[Any]:
        """The answers in the first rows: texts, or lists of steps. None in conversations."""
        return [row.get(self.fields["response"]) for row in self.first] if "response" in self.fields else []


def read_rows(file: Path, folder: Path, fields: Mapping[str, str]) -> Rows:
    """The person's own file, for a recipe in `folder`. The first row tells what the fields are; `fields` knows better.

    Raises ResepError for a file that cannot be read or lies outside the folder, and where a field cannot be told.
    """
    name = os.path.relpath(file, folder)
    if escapes(name):
        raise ResepError(
            f"{file}: a recipe reads only what lies below its own folder ({folder.absolute()}): move one of the two"
        )
    first = list(islice(read_file(SourceFile(file, name)), _LOOKED_AT))
    if problem := first[0].problem:
        raise ResepError(f"{name}:{problem.line}: {problem.message}")
    row = first[0].values
    found = {ours: theirs for ours, theirs in {**_guessed(row), **fields}.items() if theirs}
    _check_fields(name, found, row)
    return Rows(name, found, [each.values for each in first])


def task_of(rows: Rows) -> str:
    """The task that rows look made for."""
    if rows.are_conversations:
        return "chat"
    return "steps" if all(isinstance(response, list) for response in rows.responses) else "qa"


def _guessed(row: Mapping[str, Any]) -> dict[str, str]:
    """Our fields -> the names in a row that look like them; an empty text where none does."""
    by_name = {key.lower(): key for key in row}
    named = {key: next((by_name[name] for name in names if name in by_name), "") for key, names in _USUAL.items()}
    messages = named.pop("messages")
    return {"messages": messages} if isinstance(row.get(messages), list) else named


def _check_fields(name: str, found: Mapping[str, str], row: Mapping[str, Any]) -> None:
    for theirs in found.values():
        if theirs not in row:
            raise ResepError(f"{name} has no field '{theirs}'{did_you_mean(theirs, row)}; it has {', '.join(row)}")
    missing = [] if "messages" in found else [ours for ours in ("prompt", "response") if ours not in found]
    if missing:
        raise ResepError(
            f"which field of {name} is the {missing[0]}? It has {', '.join(row)}: say it with --field {missing[0]}=..."
        )
