"""Filled sheets, checked cell by cell: every fault is told with its item and column, all at once.

Spreadsheets change what they open: the separator (; or tabs), the encoding, the order of rows and columns. That is
read. What they must not change are the numbers of the items and the code of the sheet.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from resep.errors import ResepError
from resep.rating.key import Item, Key
from resep.rating.sheet import CANNOT, SIDES, TIE, rating_columns
from resep.suggest import did_you_mean

Mark = int | str | None  # 1 to 5, "cannot judge", or None: nothing was written
_FIXED = ("item", "rater", "sheet", "preference")
_NUMBER = re.compile(r"([1-5])([.,]0+)?")
_MOST_TOLD = 20


@dataclass(frozen=True)
class Opinion:
    """What one rater says of one row: arm -> criterion -> mark, and the arm that is preferred, `tie`, or a mark."""

    rater: str
    id: str
    marks: Mapping[str, Mapping[str, Mark]]
    preference: str | None
    comment: str

    @property
    def is_empty(self) -> bool:
        marks = (mark for by_criterion in self.marks.values() for mark in by_criterion.values())
        return self.preference is None and all(mark is None for mark in marks)


@dataclass(frozen=True)
class Sheet:
    """A file as it was read: its rows by column, its code, who filled it in."""

    file: Path
    rows: Sequence[Mapping[str, str]]
    code: str
    rater: str


def read_sheet(file: Path) -> Sheet:
    """Read a filled sheet, whatever a spreadsheet made of it. Raises ResepError where it is none."""
    rows = _table(file, _text(file))
    codes, raters = ({row[name].strip() for row in rows} for name in ("sheet", "rater"))
    if len(codes) != 1 or not min(codes):
        raise ResepError(f"{file}: the column sheet has to hold one code in all rows, not {_some(codes)}: restore it")
    if len(raters) != 1 or not min(raters):
        raise ResepError(f"{file}: the column rater has to hold one name in all rows, not {_some(raters)}")
    return Sheet(file, rows, codes.pop(), raters.pop())


def opinions(sheet: Sheet, key: Key) -> list[Opinion]:
    """What the rater says of every item of the key, in its order. Raises ResepError with every fault of the sheet."""
    criteria = list(key.criteria)
    missing = [name for name in rating_columns(criteria) if name not in sheet.rows[0]]
    if missing:
        raise ResepError(f"{sheet.file}: the column {missing[0]} is missing; the sheet as it was written has it")
    faults = [*_item_faults(sheet, key), *_cell_faults(sheet, criteria)]
    if faults:
        more = [f"... and {len(faults) - _MOST_TOLD} more"] if len(faults) > _MOST_TOLD else []
        raise ResepError("\n".join([*(f"{sheet.file}: {fault}" for fault in faults[:_MOST_TOLD]), *more]))
    rows = {row["item"].strip(): row for row in sheet.rows}
    found = [_opinion(sheet.rater, rows[str(item.number)], item, criteria) for item in key.items]
    if all(opinion.is_empty for opinion in found):
        raise ResepError(f"{sheet.file}: nothing is filled in")
    return found


def _opinion(rater: str, row: Mapping[str, str], item: Item, criteria: Sequence[str]) -> Opinion:
    marks = {item.arm(side): {name: _mark(row[f"{name}_{side}"]) for name in criteria} for side in SIDES}
    chosen = _preference(row["preference"])
    preferred = item.arm(chosen) if chosen in SIDES else chosen
    return Opinion(rater, item.id, marks, preferred, row.get("comment", "").strip())


def _item_faults(sheet: Sheet, key: Key) -> Iterator[str]:
    wanted = [str(item.number) for item in key.items]
    counts = Counter(row["item"].strip() for row in sheet.rows)
    for name, count in counts.items():
        if name not in wanted:
            yield f"item {_short(name)} is none of this rating, which has 1 to {len(wanted)}: restore the column item"
        elif count > 1:
            yield f"item {name} stands there {count} times: keep one of them"
    gone = [name for name in wanted if name not in counts]
    if gone:
        yield (
            f"item{'s' * (len(gone) > 1)} {', '.join(gone[:10])}{' ...' * (len(gone) > 10)} "
            f"{'are' if len(gone) > 1 else 'is'} missing: put the rows back, empty where they were not rated"
        )


def _cell_faults(sheet: Sheet, criteria: Sequence[str]) -> Iterator[str]:
    for row in sheet.rows:
        for column in rating_columns(criteria):
            if _mark(row[column]) == "":
                yield (
                    f"item {row['item'].strip()[:20]}: {column} is {_short(row[column])}: a whole number from 1 to 5, "
                    f"'{CANNOT}', or nothing"
                )
        if _preference(row["preference"]) == "":
            yield (
                f"item {row['item'].strip()[:20]}: preference is {_short(row['preference'])}: A, B, {TIE}, '{CANNOT}', "
                "or nothing"
            )


def _mark(text: str) -> Mark:
    """What a cell says; an empty text stands for what cannot be read."""
    said = _plain(text)
    number = _NUMBER.fullmatch(said)
    if number:
        return int(number[1])
    return {"": None, CANNOT: CANNOT}.get(said, "")


def _preference(text: str) -> str | None:
    said = _plain(text)
    return {"": None, "a": "A", "b": "B", TIE: TIE, CANNOT: CANNOT}.get(said, "")


def _plain(text: str) -> str:
    return " ".join(text.strip().strip("'\"").lower().replace("_", " ").split())


def _text(file: Path) -> str:
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise ResepError(f"{file} cannot be read: {error.strerror}") from error
    if raw.startswith(b"PK"):
        raise ResepError(f"{file} is a workbook, not a CSV file: in your spreadsheet choose Save as, CSV (UTF-8)")
    encoding = "utf-16" if raw.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        raise ResepError(f"{file} is not UTF-8: in your spreadsheet choose Save as, CSV (UTF-8)") from error


def _table(file: Path, text: str) -> list[dict[str, str]]:
    """The rows by column, with whatever separator gives the columns that every sheet has."""
    csv.field_size_limit(1 << 27)
    tables = {mark: list(csv.reader(io.StringIO(text, newline=""), delimiter=mark)) for mark in ",;\t"}
    rows = max(tables.values(), key=lambda table: len({*_FIXED} & {*_head(table)}))
    head = _head(rows)
    if lost := [name for name in _FIXED if name not in head]:
        raise ResepError(
            f"{file}: this is no sheet of ours: it has no column {lost[0]}{did_you_mean(lost[0], head)}; the columns "
            "of a sheet keep their names"
        )
    filled = [row for row in rows[1:] if any(cell.strip() for cell in row)]
    if not filled:
        raise ResepError(f"{file}: the sheet has no rows")
    return [dict(zip(head, [*row, *[""] * (len(head) - len(row))], strict=False)) for row in filled]


def _head(table: Sequence[Sequence[str]]) -> list[str]:
    return [name.strip() for name in table[0]] if table else []


def _short(text: str) -> str:
    said = " ".join(text.split())
    return repr(said if len(said) <= 20 else f"{said[:20]}...")


def _some(found: set[str]) -> str:
    return ", ".join(_short(each) for each in sorted(found)[:3]) or "nothing"
