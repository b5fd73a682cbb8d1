"""The records that flow between stages, and how they are written to disk: one JSON object per line.

Row (read from a source) -> Example (a conversation with its target) -> Sample (what an arm answered) -> Score.
All are frozen: a stage makes new records, it never edits those of an earlier one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, TypeVar

import orjson

Target = str | tuple[str, ...]  # a text, or the texts of ordered steps


@dataclass(frozen=True, init=False)
class Message:
    """One turn of a conversation. `role` is system, user, assistant or tool; or `completion`, which stands alone.

    `tool_calls` of an assistant: {"id", "type": "function", "function": {"name", "arguments": {...}}}; `tool_call_id`
    and `name` of a tool's result. `weight` 0: an answer that is not trained on. A completion is a text without a
    question, to be learnt as a whole.
    """

    role: str
    content: str
    tool_calls: tuple[Mapping[str, Any], ...] = ()
    tool_call_id: str | None = None
    name: str | None = None
    weight: int = 1

    def __init__(
        self,
        role: str,
        content: str,
        tool_calls: Sequence[Mapping[str, Any]] = (),
        tool_call_id: str | None = None,
        name: str | None = None,
        weight: int = 1,
    ) -> None:
        # What is left at its default stands in the class only: `vars` of an ordinary message, and so its JSON, has two
        # keys. Faster than the generated way, too: 0.16 us instead of 0.53.
        known = self.__dict__
        known["role"] = role
        known["content"] = content
        if tool_calls:
            known["tool_calls"] = tuple(tool_calls)
        if tool_call_id is not None:
            known["tool_call_id"] = tool_call_id
        if name is not None:
            known["name"] = name
        if weight != 1:
            known["weight"] = weight


@dataclass(frozen=True)
class Origin:
    """Where a row came from: the file as the recipe names it, and the line (from 1) on which the row begins.

    Of a table without lines, and of a JSON list that stands on one, it is the number of the row.
    """

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, init=False)
class Row:
    """One input row under the recipe's own field names.

    `fields` holds `prompt` (text) and `response` (text or list of steps), or `response` alone (a text without a
    question), or `messages` (list of {role, content}, as Message) and perhaps `tools`, and whatever else the recipe
    maps. `dropped` says why the row does not go on, if it does not; `parent` is the id
    of the row that this one was made from, if it was made by a step.
    """

    id: str
    fields: Mapping[str, Any]
    origin: Origin
    dropped: str | None = None
    parent: str | None = None

    def __init__(
        self,
        id: str,
        fields: Mapping[str, Any],
        origin: Origin,
        dropped: str | None = None,
        parent: str | None = None,
    ) -> None:
        known = self.__dict__  # as in Message: 0.3 us instead of 0.6
        known["id"] = id
        known["fields"] = fields
        known["origin"] = origin
        known["dropped"] = dropped
        known["parent"] = parent


@dataclass(frozen=True, init=False)
class Example:
    """A whole conversation, its last assistant turn included, ready for a chat template.

    `target` is that last answer as a text, or as a list of steps where the data gave one. `tools` are the functions
    that the assistant may call, as OpenAI defines them: {"type": "function", "function": {...}}.
    """

    id: str
    messages: tuple[Message, ...]
    target: Target
    metadata: Mapping[str, Any]
    tools: tuple[Mapping[str, Any], ...] = ()

    def __init__(
        self,
        id: str,
        messages: tuple[Message, ...],
        target: Target,
        metadata: Mapping[str, Any] | None = None,
        tools: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        known = self.__dict__  # as in Message: an example without tools has no such key in its JSON
        known["id"] = id
        known["messages"] = messages
        known["target"] = target
        known["metadata"] = {} if metadata is None else metadata
        if tools:
            known["tools"] = tuple(tools)

    @property
    def prompt(self) -> tuple[Message, ...]:
        """What an arm is asked: every message before the last answer."""
        return self.messages[:-1]


@dataclass(frozen=True)
class Sample:
    """What one arm answered to one example. `finish_reason` is stop, length (cut at max_new_tokens) or given."""

    id: str
    arm: str
    target: Target
    output: str
    prompt: tuple[Message, ...] = ()
    finish_reason: str = "given"
    prompt_tokens: int | None = None
    output_tokens: int | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Score:
    """What one evaluator says of one sample.

    A value of None means that the sample could not be scored: it is counted and shown, never taken for 0.
    `stats` are the per-row sufficient statistics of a metric whose mean over rows would be wrong (corpus BLEU).
    `detail` is for the reader: pairs of steps, a judge's words. `error` is the text of a crash in this row.
    """

    id: str
    arm: str
    values: Mapping[str, float | None]
    stats: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    detail: Mapping[str, Any] = field(default_factory=dict)
    error: str | None = None


@dataclass(frozen=True)
class Metric:
    """What an evaluator's METRICS say of one number: which way is better, its range and its kind.

    `direction` none: a description (length), neither good nor bad. `unit`: "" or e.g. "tokens". `relative`: an arm's
    number says how it fares beside another arm of its run (a preference), so alone, or beside another run, it says
    nothing.
    """

    name: str
    direction: Literal["higher", "lower", "none"]
    low: float | None = None
    high: float | None = None
    kind: Literal["continuous", "binary", "ordinal", "corpus"] = "continuous"
    unit: str = ""
    help: str = ""
    relative: bool = False


Record = TypeVar("Record", Row, Example, Sample, Score)


def write_jsonl(path: Path, records: Iterable[Row | Example | Sample | Score]) -> int:
    """Write one record per line and return how many there were."""
    count = 0
    with path.open("wb") as file:
        for record in records:
            file.write(to_bytes(record))
            count += 1
    return count


def read_jsonl(path: Path, kind: type[Record]) -> Iterator[Record]:
    """Read records that `write_jsonl` (or `to_line`) wrote."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield from_json(kind, json.loads(line))


_ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=vars).encode


def to_line(record: Row | Example | Sample | Score) -> str:
    """One record as a line of JSON, with its line end. Non-ASCII text stays readable."""
    return to_bytes(record).decode()


def to_bytes(record: Row | Example | Sample | Score) -> bytes:
    """The same in UTF-8."""
    return json_line(vars(record))


def json_line(values: Mapping[str, Any]) -> bytes:
    """What a record holds as a line of JSON in UTF-8."""
    try:
        # `vars`, because `asdict` copies every value deeply, and orjson would ask for every field of a dataclass.
        return orjson.dumps(values, default=vars, option=_AS_WE_SAY)
    except TypeError:  # a number of more than 64 bits, or half a character
        line = _ENCODE(values)
    try:
        return line.encode() + b"\n"
    except UnicodeEncodeError:  # half a character, which has no UTF-8: escaped, it is read back as it was
        return json.dumps(values, separators=(",", ":"), default=vars).encode() + b"\n"


_AS_WE_SAY = orjson.OPT_APPEND_NEWLINE | orjson.OPT_PASSTHROUGH_DATACLASS


def from_json(kind: type[Record], data: Mapping[str, Any]) -> Record:
    """A record from its JSON object; keys that the record does not have are refused by its constructor."""
    names = {f.name for f in fields(kind)}
    return kind(**{name: _revive(name, value) if name in names else value for name, value in data.items()})


def _revive(name: str, value: Any) -> Any:
    if name in {"messages", "prompt"}:
        return tuple(Message(**message) for message in value)
    if name == "target" and isinstance(value, list):
        return tuple(value)
    if name == "origin":
        return Origin(**value)
    if name == "stats":
        return {metric: tuple(numbers) for metric, numbers in value.items()}
    return value
