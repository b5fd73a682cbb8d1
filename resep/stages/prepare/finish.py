"""The end of preparation: lines are routed to their splits and counted, and every row is accounted for."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import compress
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from resep.formats import texts_of, to_example, with_texts
from resep.numbering import give_numbers, renumber
from resep.records import to_bytes
from resep.splits import SPLITS, TRAIN
from resep.splits.place import Placement
from resep.stages.prepare.batch import Kept, kept_row
from resep.stages.prepare.ledger import ledger_line, made_line, what_became
from resep.stages.prepare.made import Made
from resep.stages.prepare.plan import Plan
from resep.stages.prepare.reading import BAD_ROW
from resep.stages.prepare.shard import Shard, add_counts
from resep.stages.prepare.state import Left, Passed


@dataclass
class Shared:
    """What the splits hold: rows, placeholders, values of the mapped fields, warnings; and how many rows were made."""

    splits: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(SPLITS, 0)))
    placeholders: Counter[str] = field(default_factory=Counter)
    values: dict[str, dict[str, Counter[str]]] = field(
        default_factory=lambda: defaultdict(partial(defaultdict, Counter))
    )
    warnings: list[str] = field(default_factory=list)
    made: int = 0
    leakage: Mapping[str, Any] | None = None
    placement: Placement | None = None
    made_dropped: Counter[str] = field(default_factory=Counter)


def route(plan: Plan, passed: Passed, splits: NDArray[np.int8], out: Path, shared: Shared) -> None:
    """Write every line into its split's file. `splits` holds the split of every input row, -1 for none.

    Training rows that go through further steps are counted here and written after these.
    """
    with ExitStack() as stack:
        files = [stack.enter_context((out / f"{split}.jsonl").open("wb")) for split in SPLITS]
        for offset, shard in passed.left.shards():
            numbers = shard.numbers + offset
            of_rows = splits[numbers]
            count(shared, of_rows, shard.columns)
            lines = _finished(shard, passed, numbers) if plan.renders_early else shard.lines()
            for split, file in enumerate(files):
                part = compress(lines, (of_rows == split).tolist())
                if plan.renders_early:
                    file.writelines(part)
                elif split != TRAIN:
                    file.writelines(_rendered(line, passed, offset, plan) for line in part)


def _rendered(line: bytes, passed: Passed, offset: int, plan: Plan) -> bytes:
    row = numbered_alike(kept_row(line, offset, passed.fates.name), passed.book)
    return to_bytes(to_example(row, plan.system, plan.response_format))


def numbered_alike(row: Kept, book: Mapping[str, int]) -> Kept:
    """The row with the numbers of its placeholders that the whole data set shares."""
    fields = dict(row.fields)
    for name in fields if row.own else ():
        texts = texts_of(fields, name)
        fields = with_texts(fields, name, renumber(texts, row.own, book)) if texts else fields
    return replace(row, fields=fields)


def enter_numbers(passed: Passed, splits: NDArray[np.int8]) -> None:
    """Give numbers to the values of all rows that are kept, in the order of the rows."""
    last: dict[str, int] = {}
    for offset, shard in passed.left.shards() if passed.shares_numbers else ():
        for at, own in shard.columns["own"]:
            if splits[offset + shard.numbers[at]] >= 0:
                give_numbers(own, passed.book, last)


def _finished(shard: Shard, passed: Passed, numbers: NDArray[np.int64]) -> list[bytes]:
    """The lines of examples, told apart from earlier rows that say the same, their placeholders numbered."""
    lines = shard.lines()
    for at, own in shard.columns["own"]:
        lines[at] = renumber([lines[at].decode()], own, passed.book)[0].encode()
    for at in np.flatnonzero(passed.fates.repeats[numbers]).tolist():
        example = orjson.loads(lines[at])
        name = passed.fates.name(example["id"], int(numbers[at]))
        lines[at] = orjson.dumps({**example, "id": name}, option=orjson.OPT_APPEND_NEWLINE)
    return lines


def count(shared: Shared, splits: NDArray[np.int8], columns: Mapping[str, Any]) -> None:
    """Count rows by the split of each, and what stands in them."""
    of_rows = splits.tolist()
    for code, split in enumerate(SPLITS):
        shared.splits[split] += of_rows.count(code)
    for name, values in columns["values"].items():
        for (value, code), rows in Counter(zip(values, of_rows, strict=True)).items():
            if value is not None and code >= 0:
                shared.values[name][SPLITS[code]][value] += rows
    for at, placeholders in columns["placeholders"]:
        if of_rows[at] >= 0:
            add_counts(shared.placeholders, placeholders)


def write_ledger(
    first: Left, passed: Passed, splits: NDArray[np.int8], made: Made, path: Path, *, quarantine: bool
) -> None:
    """One line per input row, in the order of the input, then one for each row that was made."""
    fates, reason_of = passed.fates, passed.fates.reasons()
    with path.open("wb") as file:
        for offset, shard in first.shards():
            read, end = shard.read, offset + len(shard.read["ids"])
            file_name, source = orjson.dumps(read["file"]), read["source"]
            kept = [what_became(source, split, None) for split in SPLITS]
            columns = (fates.lines[offset:end], fates.fates[offset:end], splits[offset:end], fates.repeats[offset:end])
            rows = zip(read["ids"], *(column.tolist() for column in columns), strict=True)
            for name, line, fate, split, again in rows:
                became = kept[split] if split >= 0 else _dropped(source, reason_of(fate), quarantine=quarantine)
                file.write(ledger_line(f"{name}#{again + 1}" if again else name, file_name, line, became))
        for row in made.kept.values():
            file.write(made_line(row, SPLITS[TRAIN], None))
        for dropped, step, reason in made.dropped:
            file.write(made_line(dropped, None, (step, reason)))


def _dropped(source: int, why: tuple[str, str] | None, *, quarantine: bool) -> bytes:
    is_bad = quarantine and why is not None and why[1].startswith(BAD_ROW)
    return what_became(source, None, why, quarantined=is_bad)


def write_quarantined(first: Left, path: Path) -> None:
    """The rows that could not be used, as lines that can be mended and read again."""
    with path.open("wb") as file:
        file.writelines(shard.quarantined for _, shard in first.shards())
