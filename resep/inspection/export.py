"""The prepared rows as one file for other tools, and to be fed back: Parquet with an explicit schema, or JSONL.

A row has `id` and `split`; then `prompt` and `response` (a text, or a list of steps) with `system` where there is one,
or, where any row is a longer conversation, OpenAI's `messages` and `tools`; or `text`, where it is one without a
question; then the further fields that the recipe maps, and `parent`: the id of the row that it was made from, or null.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from resep.errors import ResepError
from resep.sources.quarantine import json_line
from resep.splits import SPLITS
from resep.splits.given import NAMES

ENDINGS = (".parquet", ".jsonl", ".jsonl.gz")


@dataclass(frozen=True)
class Rows:
    """Prepared rows as they are exported, to be gone through as often as one likes.

    `as_messages`: they are conversations. `parents`: id of a row that was made -> id of the one it was made from.
    """

    folder: Path
    splits: Sequence[str]
    parents: Mapping[str, str]
    as_messages: bool

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for split, example in _examples(self.folder, self.splits):
            yield _row(example, split, self.parents.get(example["id"]), as_messages=self.as_messages)


def check_target(path: Path, *, force: bool) -> None:
    """Raises ResepError where nothing can or should be written there."""
    if not path.name.endswith(ENDINGS):
        why = " (a CSV file cannot tell a list of steps from a text)" if path.suffix in (".csv", ".tsv") else ""
        raise ResepError(f"--export {path}: the name must end in {', '.join(ENDINGS)}{why}")
    if not path.parent.is_dir():
        raise ResepError(f"--export {path}: there is no folder {path.parent}")
    if path.is_dir() or (path.exists() and not force):
        hint = "it is a folder" if path.is_dir() else "the file is there already; --force replaces it"
        raise ResepError(f"--export {path}: {hint}")


def export(folder: Path, split: str, path: Path) -> tuple[int, list[str]]:
    """Write the prepared rows of one split, or of `all`, into a file that appears when it is whole.

    Returns how many there are, and what has to be said of their form. Raises ResepError where they do not fit one file.
    """
    splits = SPLITS if split == "all" else (split,)
    forms = {_form(example) for _, example in _examples(folder, splits)}
    is_parquet = path.suffix == ".parquet"
    is_mixed = is_parquet and {"text", "steps"} <= forms  # which no column holds
    rows = Rows(folder, splits, _parents(folder / "ledger.jsonl"), is_mixed or "turns" in forms)
    partial = path.with_name(f".{path.name}.partial")
    try:
        count, notes = _write(rows, partial, path.suffix)
        partial.rename(path)
    finally:
        partial.unlink(missing_ok=True)
    return count, [*([_MIXED] if is_mixed else []), *notes]


_MIXED = "answers are texts in some rows and lists of steps in others: in Parquet all are messages, steps as one text"


def _write(rows: Rows, path: Path, ending: str) -> tuple[int, list[str]]:
    if ending == ".parquet":
        from resep.inspection.arrow import write_parquet

        return write_parquet(rows, path)
    with path.open("wb") as file:
        if ending != ".gz":
            return _write_lines(rows, file), []
        # Without a name and a time in it, the same rows give the same bytes.
        with gzip.GzipFile("", "wb", 6, file, mtime=0) as packed:
            return _write_lines(rows, packed), []


def _write_lines(rows: Rows, file: BinaryIO | gzip.GzipFile) -> int:
    return sum(1 for row in rows if file.write(json_line(row)))


def _examples(folder: Path, splits: Sequence[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    for split in splits:
        with (folder / f"{split}.jsonl").open("rb") as lines:
            for line in lines:
                yield split, json.loads(line)  # orjson would round a number of more than 64 bits


def _parents(ledger: Path) -> dict[str, str]:
    with ledger.open("rb") as lines:
        made = [orjson.loads(line) for line in lines if b'"parent":' in line]
    return {entry["id"]: entry["parent"] for entry in made}


def _form(example: Mapping[str, Any]) -> str:
    """What a row is: a question with a `text` or `steps` as its answer, a conversation in `turns`, a text `alone`."""
    messages = example["messages"]
    if messages[0]["role"] == "completion":
        return "alone"
    roles = [message["role"] for message in messages]
    is_plain = all(message.keys() <= {"role", "content"} for message in messages) and "tools" not in example
    if not is_plain or roles not in (["user", "assistant"], ["system", "user", "assistant"]):
        return "turns"
    return "text" if isinstance(example["target"], str) else "steps"


def _row(example: Mapping[str, Any], split: str, parent: str | None, *, as_messages: bool) -> dict[str, Any]:
    further = dict(example["metadata"])
    parent = parent or further.pop("parent", None)
    if NAMES.get(str(further.get("split")).strip().lower()) == split:
        del further["split"]  # the recipe splits by it
    row = {"id": example["id"], "split": split, **_texts(example, as_messages=as_messages)}
    if taken := sorted(further.keys() & row.keys()):
        raise ResepError(f"--export: the rows have a field '{taken[0]}' of their own; map it under another name")
    return {**row, **further, "parent": parent}


def _texts(example: Mapping[str, Any], *, as_messages: bool) -> dict[str, Any]:
    messages = example["messages"]
    if messages[0]["role"] == "completion":
        return {"text": messages[0]["content"]}
    if as_messages:
        tools = {"tools": example["tools"]} if example.get("tools") else {}
        return {"messages": list(map(_message, messages)), **tools}
    system = {"system": messages[0]["content"]} if messages[0]["role"] == "system" else {}
    return {**system, "prompt": messages[-2]["content"], "response": example["target"]}


def _message(message: Mapping[str, Any]) -> Mapping[str, Any]:
    """The message as OpenAI writes it: the arguments of a call are a text in JSON."""
    return {**message, "tool_calls": list(map(_call, message["tool_calls"]))} if "tool_calls" in message else message


def _call(call: Mapping[str, Any]) -> dict[str, Any]:
    function = call["function"]
    return {**call, "function": {**function, "arguments": json.dumps(function["arguments"], ensure_ascii=False)}}
