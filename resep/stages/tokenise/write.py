"""The work of the tokenise stage: read examples, encode them, make them fit, write parquet, count."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from resep.errors import ResepError
from resep.records import Example, read_jsonl
from resep.stages.tokenise import counts
from resep.stages.tokenise.counts import Lengths, Rule, Tally, places
from resep.stages.tokenise.overflow import shorten
from resep.store import Emit, Task
from resep.templates import Encoded, Template, Tokenizer, encode, encode_prompt, plain_markers

SPLITS = ("train", "validation")
BATCH_ROWS = 1000
UNTRAINED = -100
TOO_LONG = "longer than training.sequence_len"


def tokenise(task: Task, template: Template, tokenizer: Tokenizer, emit: Emit) -> None:
    """Fill `task.out`. Raises ResepError for rows too long under `fail`, without a trained token, or none at all."""
    rule = Rule(
        template=template,
        tokenizer=tokenizer,
        train_on=task.config["prompt.train_on"],
        limit=task.config["training.sequence_len"],
        policy=task.config["training.overflow"],
        markers=plain_markers(template, tokenizer),
    )
    prepared = task.inputs["prepare"]
    tallies = {split: _write_split(prepared, split, task.out, rule, emit) for split in SPLITS}
    overflow = [entry for tally in tallies.values() for entry in tally.overflow]
    if overflow and rule.policy == "fail":
        raise ResepError(counts.why_too_long(tallies, rule.limit, prepared))
    if not tallies["train"].rows:
        raise ResepError(counts.why_no_rows(len(overflow), rule.limit))
    test = _lengths_of_test(prepared / "test.jsonl", rule, emit)
    found = counts.statistics(tallies, test, rule)
    for warning in found["warnings"]:
        emit({"event": "warning", "message": warning})
    text = json.dumps(found, indent=2, ensure_ascii=False) + "\n"
    (task.out / "statistics.json").write_text(text, encoding="utf-8")
    (task.out / "lengths.json").write_text(json.dumps(counts.lengths(tallies, test)) + "\n", encoding="utf-8")
    given_up = {entry["id"]: entry["tokens"] for entry in overflow if not entry["kept"]}
    write_ledger(prepared / "ledger.jsonl", given_up, rule.limit, task.out / "ledger.jsonl")


def write_ledger(source: Path, given_up: Mapping[str, int], limit: int, target: Path) -> None:
    """Prepare's ledger, with the rows that were too long (id -> tokens) as dropped."""
    with source.open(encoding="utf-8") as lines, target.open("w", encoding="utf-8") as file:
        for line in lines:
            entry = json.loads(line) if given_up else {}
            if entry.get("id") in given_up and entry["status"] == "kept":
                reason = f"{TOO_LONG}: {given_up[entry['id']]} tokens, the limit is {limit}"
                entry |= {"status": "dropped", "split": None, "reason": reason}
                line = json.dumps(entry, ensure_ascii=False, separators=(",", ":")) + "\n"
            file.write(line)


def _write_split(prepared: Path, split: str, out: Path, rule: Rule, emit: Emit) -> Tally:
    source, tally = prepared / f"{split}.jsonl", Tally()
    total = _count_lines(source)
    rows = _encoded_rows(source, split, rule, tally)
    for done in _write_parquet(out / f"{split}.parquet", rows):
        emit({"event": "progress", "done": done, "total": total, "unit": f"{split} rows"})
    return tally


def _lengths_of_test(source: Path, rule: Rule, emit: Emit) -> Lengths:
    """How long the test rows are, and the answers that are wanted: nothing of them is written."""
    lengths, total = Lengths(), _count_lines(source)
    for done, example in enumerate(read_jsonl(source, Example), 1):
        with _told(source, "test", example):
            whole = encode(rule.template, rule.tokenizer, example.messages, rule.train_on, example.tools)
            asked = encode_prompt(rule.template, rule.tokenizer, example.prompt, example.tools)
        lengths.add(len(whole.ids), len(whole.ids) - len(asked.ids))
        if done % BATCH_ROWS == 0 or done == total:
            emit({"event": "progress", "done": done, "total": total, "unit": "test rows"})
    return lengths


def _count_lines(source: Path) -> int:
    with source.open("rb") as lines:
        return sum(1 for _ in lines)


@contextmanager
def _told(source: Path, split: str, example: Example) -> Iterator[None]:
    """A block whose errors are told with the row and its place."""
    try:
        yield
    except ResepError as error:
        place = places(source.parent, {example.id}).get(example.id, "")
        raise ResepError(f"{split} row {example.id}{place}: {error}") from error


def _encoded_rows(source: Path, split: str, rule: Rule, tally: Tally) -> Iterator[Encoded]:
    """The rows to write, one by one; what was seen goes into the tally."""
    for example in read_jsonl(source, Example):
        with _told(source, split, example):
            encoded = _encoded(example, split, rule, tally)
        if encoded is not None:
            tally.add(encoded)
            yield encoded


def _encoded(example: Example, split: str, rule: Rule, tally: Tally) -> Encoded | None:
    """One row within the limit, or None where it is given up."""
    encoded = encode(rule.template, rule.tokenizer, example.messages, rule.train_on, example.tools)
    if not any(encoded.trained):
        raise ResepError(f"not one of its {len(encoded.ids)} tokens would be trained on")
    if any(marker in message.content for message in example.messages for marker in rule.markers):
        tally.marker_ids.append(example.id)
    length = len(encoded.ids)
    tally.lengths.add(length, sum(encoded.trained))
    if length <= rule.limit:
        return encoded
    tally.losses.add(encoded, rule.limit)
    entry = {"id": example.id, "split": split, "tokens": length}
    if rule.policy == "fail":
        tally.overflow.append(entry)
        return None
    shortened = shorten(
        example.messages,
        encoded,
        lambda messages: encode(rule.template, rule.tokenizer, messages, rule.train_on, example.tools),
        rule.limit,
        rule.policy,
    )
    kept = len(shortened.encoded.ids) if shortened.encoded else 0
    tally.overflow.append({**entry, "kept": kept, "lost": shortened.lost})
    return shortened.encoded


def _write_parquet(path: Path, rows: Iterable[Encoded]) -> Iterator[int]:
    """Write the rows batch by batch and yield how many there are so far. The same rows give the same bytes."""
    import pyarrow
    import pyarrow.parquet

    integers = pyarrow.list_(pyarrow.int32())
    schema = pyarrow.schema([("input_ids", integers), ("attention_mask", integers), ("labels", integers)])
    done, rows = 0, iter(rows)
    with pyarrow.parquet.ParquetWriter(path, schema) as writer:
        while batch := list(islice(rows, BATCH_ROWS)):
            writer.write_table(pyarrow.table(_columns(batch), schema=schema))
            done += len(batch)
            yield done


def _columns(batch: list[Encoded]) -> dict[str, list[list[int]]]:
    return {
        "input_ids": [row.ids for row in batch],
        "attention_mask": [[1] * len(row.ids) for row in batch],
        "labels": [
            [token if trained else UNTRAINED for token, trained in zip(row.ids, row.trained, strict=True)]
            for row in batch
        ],
    }
