"""A block of raw rows as rows under our names; what cannot be used stops the run, is left out, or is quarantined."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

import orjson

from resep.errors import ResepError
from resep.formats import BadRowError, LeftOut, Mapped, Rows, Table, as_table, to_fields, to_table
from resep.problems import format_problem
from resep.sources import Block, RawRow, plain_rows, quarantine_line, raw_rows
from resep.stages.prepare.batch import Batch
from resep.stages.prepare.ids import ID_DIGITS
from resep.stages.prepare.plan import READ, Plan
from resep.stages.prepare.shard import Drop
from resep.suggest import a_json_type

BAD_ROW = "bad row: "  # how the reason of a row begins that could not be read


def read_block(block: Block, plan: Plan, drops: list[Drop], quarantined: bytearray) -> tuple[Batch, dict[str, Any]]:
    """The rows of a block under our names, and what the ledger says of every input row."""
    mapped = plan.mapped[block.source]
    batch, ids, lines = _all_at_once(block, mapped) or _one_by_one(block, plan, drops, quarantined)
    said = {"ids": ids, "lines": lines, "values": _values(batch)}
    return batch, {"file": block.file, "source": block.source, **said}


def _all_at_once(block: Block, mapped: Mapped) -> tuple[Batch, list[str], list[int]] | None:
    """The rows, the ids and the lines of all, where nothing is wrong with any of them."""
    if not mapped.is_plain or (found := plain_rows(block)) is None:
        return None
    lines, rows = found
    whole = _all_joined(rows, mapped) if mapped.adds_columns else rows
    if (table := to_table(whole, mapped)) is None:
        return None
    ids, count = _digests(rows), len(rows)
    files, sources = [block.file] * count, [block.source] * count
    return Batch(list(range(count)), ids, files, lines, sources, table, [{} for _ in rows]), ids, lines


def _one_by_one(
    block: Block, plan: Plan, drops: list[Drop], quarantined: bytearray
) -> tuple[Batch, list[str], list[int]]:
    """The rows that can be used, and the ids and lines of all."""
    mapped, on_bad_row = plan.mapped[block.source], plan.on_bad_row
    id_field = mapped.fields.get("id")
    raws = list(raw_rows(block))
    numbers, ids, rows = [], [], []
    for number, raw in enumerate(raws):
        try:
            if raw.problem:
                raise BadRowError(raw.problem.message)
            values = _joined(raw, mapped) if mapped.adds_columns else raw.values
            fields = to_fields(values, mapped)
            name = _digest(raw) if id_field is None else _own_id(values, id_field)
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
            numbers.append(number)
            ids.append(name)
            rows.append(fields)
    lines = [raw.origin.line for raw in raws]
    of_rows, places = [ids[number] for number in numbers], [lines[number] for number in numbers]
    files, sources = [block.file] * len(numbers), [block.source] * len(numbers)
    return Batch(numbers, of_rows, files, places, sources, as_table(rows), [{} for _ in numbers]), ids, lines


def _all_joined(rows: Sequence[Mapping[str, Any]], mapped: Mapped) -> Sequence[Mapping[str, Any]]:
    """The rows with the columns that are added to them; none where one is wrong, which is then told row by row."""
    try:
        return list(map(mapped.joined, rows))
    except ResepError:
        return ()


def _joined(raw: RawRow, mapped: Mapped) -> Mapping[str, Any]:
    try:
        return mapped.joined(raw.values)
    except BadRowError:
        raise
    except ResepError as error:  # wrong in the recipe, whatever it does with bad rows
        raise ResepError(f"{raw.origin}: {error}") from error


def _values(batch: Batch) -> dict[str, Counter[str]]:
    """How often each value of a mapped field stands in the batch."""
    columns = metadata_columns(batch.fields)
    counts = {name: Counter(values) for name, values in columns.items()}
    return {
        name: Counter({value: n for value, n in each.items() if value is not None}) for name, each in counts.items()
    }


_TEXTS = frozenset({"prompt", "response", "messages", "tools", "system"})
_LONGEST_VALUE = 80  # characters of a value that is still counted


def metadata_columns(rows: Rows) -> dict[str, list[str | None]]:
    """The further fields of rows, as their values are counted; None for what no statistic is made of."""
    if isinstance(rows, Table):
        return {name: _all_counted(rows.columns[name]) for name in sorted(rows.columns.keys() - _TEXTS)}
    names = sorted(set().union(*rows) - _TEXTS)
    return {name: [_counted(fields.get(name, ())) for fields in rows] for name in names}


def _all_counted(values: list[Any]) -> list[str | None]:
    is_short_text = {*map(type, values)} == {str} and max(map(len, values)) <= _LONGEST_VALUE
    return values if is_short_text else list(map(_counted, values))


def _counted(value: Any) -> str | None:
    if value is None:
        return ""
    if isinstance(value, str):
        return value if len(value) <= _LONGEST_VALUE else None
    return str(value) if isinstance(value, int | bool) else None


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
    return _digest_of(raw.text.encode(errors="surrogatepass") if raw.problem else _content(raw.values)).hex()


def _digests(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The same for rows that could be read."""
    try:
        contents = [orjson.dumps(values, option=orjson.OPT_SORT_KEYS) for values in rows]
    except TypeError:
        contents = list(map(_content, rows))
    digits = b"".join(map(_digest_of, contents)).hex()
    return [digits[at : at + ID_DIGITS] for at in range(0, len(digits), ID_DIGITS)]


def _content(values: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(values, default=str, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # a number beyond 64 bits
        return _CANONICAL.encode(values).encode()


def _digest_of(content: bytes) -> bytes:
    state = _EMPTY.copy()
    state.update(content)
    return state.digest()


_EMPTY = blake2b(digest_size=ID_DIGITS // 2)  # a copy of it takes two thirds of the time of a new one


_CANONICAL = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)
