"""A block of raw rows as rows under our names; what cannot be used stops the run, is left out, or is quarantined."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

import orjson

from resep.errors import ResepError
from resep.formats import BadRowError, LeftOut, to_fields
from resep.problems import format_problem
from resep.sources import Block, RawRow, quarantine_line, raw_rows
from resep.stages.prepare.batch import Batch
from resep.stages.prepare.plan import READ, Plan
from resep.stages.prepare.shard import Drop
from resep.suggest import a_json_type

BAD_ROW = "bad row: "  # how the reason of a row begins that could not be read


def read_block(block: Block, plan: Plan, drops: list[Drop], quarantined: bytearray) -> tuple[Batch, Mapping[str, Any]]:
    """The rows of a block under our names, and what the ledger says of every input row."""
    mapped, on_bad_row = plan.mapped[block.source], plan.on_bad_row
    id_field = mapped.fields.get("id")
    batch = Batch([], [], [], [], [], [])
    ids: list[str] = []
    lines: list[int] = []
    for number, raw in enumerate(raw_rows(block)):
        lines.append(raw.origin.line)
        try:
            if raw.problem:
                raise BadRowError(raw.problem.message)
            fields = to_fields(raw.values, mapped)
            name = _digest(raw) if id_field is None else _own_id(raw.values, id_field)
        except LeftOut as left_out:
            ids.append(_digest(raw))
            drops.append(Drop(number, READ, str(left_out)))
        except BadRowError as error:
            if on_bad_row == "fail":
                raise _refusal(raw, error) from error
            ids.append(_digest(raw))
            drops.append(Drop(number, READ, f"{BAD_ROW}{error.message}"))
            if on_bad_row == "quarantine":
                quarantined += quarantine_line(raw, error.message)
        else:
            ids.append(name)
            batch.numbers.append(number)
            batch.ids.append(name)
            batch.origins.append(raw.origin)
            batch.fields.append(fields)
    batch.sources.extend([block.source] * len(batch.numbers))
    batch.own.extend({} for _ in batch.numbers)
    said = {"ids": ids, "hashes": list(map(hash_of, ids)), "lines": lines, "values": _values(batch)}
    return batch, {"file": block.file, "source": block.source, **said}


def _values(batch: Batch) -> dict[str, Counter[str]]:
    """How often each value of a mapped field stands in the batch."""
    columns = metadata_columns(batch.fields)
    return {name: Counter(value for value in values if value is not None) for name, values in columns.items()}


_TEXTS = frozenset({"prompt", "response", "messages", "tools", "system"})
_LONGEST_VALUE = 80  # characters of a value that is still counted


def metadata_columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[str | None]]:
    """The further fields of rows, as their values are counted; None for what no statistic is made of."""
    names = sorted(set().union(*rows) - _TEXTS)
    return {name: [_counted(fields.get(name, ())) for fields in rows] for name in names}


def _counted(value: Any) -> str | None:
    if value is None:
        return ""
    if isinstance(value, str):
        return value if len(value) <= _LONGEST_VALUE else None
    return str(value) if isinstance(value, int | bool) else None


def hash_of(name: str) -> int:
    """A number of 64 bits for an id: equal for equal ids."""
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "big")


def _refusal(raw: RawRow, error: BadRowError) -> ResepError:
    place = format_problem(raw.problem) if raw.problem else f"{raw.origin}: {error}"
    return ResepError(
        f"{place}\n`data.on_bad_row: skip` leaves such rows out and lists them in the ledger; `quarantine` also "
        "writes them into a file to be mended"
    )


def _own_id(values: Mapping[str, Any], id_field: str) -> str:
    value = values.get(id_field)
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        what = f"is {a_json_type(value)}" if id_field in values else "is missing"
        raise BadRowError(f"field {id_field!r} {what}: an id is a text or a whole number")
    return str(value)


def _digest(raw: RawRow) -> str:
    """The id of a row without one: a digest of what it says."""
    if raw.problem:
        content = raw.text.encode(errors="surrogatepass")
    else:
        try:
            content = orjson.dumps(raw.values, default=str, option=orjson.OPT_SORT_KEYS)
        except TypeError:  # a number beyond 64 bits
            content = _CANONICAL.encode(raw.values).encode()
    return blake2b(content, digest_size=8).hexdigest()


_CANONICAL = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)
