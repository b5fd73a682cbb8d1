"""What a person asks a tuned model: prompts from a file, through the same text steps as the rows it was trained on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resep.errors import ResepError
from resep.formats import BadRowError, empty_part, texts_of, to_example, with_texts
from resep.formats.messages import conversation
from resep.formats.values import check_text
from resep.numbering import number_row
from resep.records import Example, Message, Origin, Row
from resep.sources import RawRow, SourceFile, read_file
from resep.stages.prepare.text import fused, text_function
from resep.suggest import nearest

if TYPE_CHECKING:
    from resep.recipe import StepSpec

_FIELDS = ("prompt", "response")
_NO_ANSWER = {"role": "assistant", "content": "-"}  # a conversation ends with an answer; this one is never read

Fields = Mapping[str, Any]


@dataclass(frozen=True)
class Question:
    """One row of the file: its id (the file's own, else the number of its line), as typed, and where it stands."""

    id: str
    fields: Fields
    place: str

    @property
    def typed(self) -> tuple[Message, ...]:
        """The conversation as the person wrote it."""
        if "prompt" in self.fields:
            system = self.fields.get("system")
            return (*([Message("system", system)] if system else []), Message("user", self.fields["prompt"]))
        return tuple(Message(**message) for message in self.fields["messages"])


def read_questions(file: Path) -> list[Question]:
    """The questions in a file: a .txt has one per line; any file of rows a `prompt` (and perhaps a `system`) in each,
    or `messages`, whose answer at the end, if there is one, is left out. `id` is taken over.

    Raises ResepError for a file or a row that cannot be used, with its place.
    """
    if not file.is_file():
        raise ResepError(f"{file}: there is no such file")
    rows = _lines(file) if file.suffix.lower() == ".txt" else read_file(SourceFile(file, str(file)))
    return [_question(row) for row in rows]


def asked(questions: Sequence[Question], steps: Sequence[StepSpec], system: str | None) -> list[Example]:
    """The questions as the model is to see them, each under the number of its place in the list.

    `system` stands before those without one of their own. Raises ResepError where nothing is left of a question.
    """
    clean = cleaner(steps)
    return [as_example(number, question, clean(question.fields), system) for number, question in enumerate(questions)]


def cleaner(steps: Sequence[StepSpec]) -> Callable[[Fields], dict[str, Any]]:
    """What the recipe's text steps make of the texts of a row that a person typed."""
    functions = {
        field: fused([f for step in steps if field in step.fields and (f := text_function(step))]) for field in _FIELDS
    }

    def clean(fields: Fields) -> dict[str, Any]:
        parts = {field: [functions[field](text) for text in texts_of(fields, field)] for field in _FIELDS}
        numbered = iter(number_row([*chain.from_iterable(parts.values())]))
        cleaned = dict(fields)
        for field, part in parts.items():
            texts = [next(numbered) for _ in part]
            cleaned = with_texts(cleaned, field, texts) if texts else cleaned
        return cleaned

    return clean


def as_example(number: int, question: Question, fields: Fields, system: str | None) -> Example:
    """What the model is to see of a question with these cleaned fields. Raises ResepError where nothing is left."""
    if part := empty_part(fields):
        raise ResepError(f"{question.place}: nothing is left of the {part} after the recipe's own text steps")
    answer = {"messages": [*fields["messages"], _NO_ANSWER]} if "messages" in fields else {"response": "-"}
    row = Row(str(number), {**fields, **answer}, Origin(question.place, number))
    example = to_example(row, system, "text")
    return Example(example.id, example.messages, "")


def _lines(file: Path) -> Iterator[RawRow]:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ResepError(f"{file}: this is not UTF-8 (byte {error.start}); save it as UTF-8") from error
    found = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    if not found:
        raise ResepError(f"{file}: the file has no prompts")
    return (RawRow(Origin(str(file), number), {"prompt": line.strip()}) for number, line in found)


def _question(row: RawRow) -> Question:
    if row.problem:
        raise ResepError(f"{row.origin}: {row.problem.message}")
    name = row.values.get("id")
    given = str(name) if isinstance(name, str | int) and not isinstance(name, bool) else str(row.origin.line)
    try:
        return Question(given, _fields(row.values), str(row.origin))
    except BadRowError as error:
        raise ResepError(f"{row.origin}: {error}") from error


def _fields(values: Mapping[str, Any]) -> dict[str, Any]:
    if "prompt" in values:
        check_text(values["prompt"], "field 'prompt'")
        system = values.get("system")
        return {
            "prompt": values["prompt"],
            **({"system": system} if isinstance(system, str) and system.strip() else {}),
        }
    if "messages" in values:
        given = values["messages"]
        last = given[-1] if isinstance(given, list) and given else None
        is_open = isinstance(last, Mapping) and last.get("role") != "assistant"
        whole = conversation([*given, _NO_ANSWER] if is_open else given, "field 'messages'")
        return {"messages": whole[:-1]}
    has = ", ".join(map(repr, values)) or "nothing"
    near = nearest("prompt", values) or nearest("messages", values)
    hint = f"; rename '{near}' to '{nearest(near, ('prompt', 'messages'))}'" if near else ""
    raise BadRowError(f"neither 'prompt' nor 'messages' is here; the row has {has}{hint}")
