"""When a row is from, as one sortable integer: an ISO 8601 date, or a number such as a year or Unix seconds.

The lowest bit says which of the two it was: dates and numbers have no common order, and place() refuses a mixture.
"""

from __future__ import annotations

import math
import re
import struct
from datetime import UTC, date, datetime, timedelta

from resep.errors import ResepError
from resep.records import Row

FIELD = "time"  # the mapped field that `split.by: time` reads

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?")
_MONTH = re.compile(r"[0-9]{4}-[0-9]{2}")
_SIGN = 1 << 63


def moment_of(row: Row) -> int:
    """The moment in the row's field `time`. Raises ResepError with the row's place, without its value."""
    value = row.fields.get(FIELD)
    try:
        return moment(value)
    except (ValueError, OverflowError) as error:
        what = (
            "is missing" if value in (None, "") else "is neither a date in ISO 8601 (2024-05-31T12:00:00Z) nor a number"
        )
        raise ResepError(f"{row.origin}: the field '{FIELD}' {what}, and `split.by: time` sorts by it") from error


def moment(value: object) -> int:
    """A date (without a time zone: UTC) or a number as an integer of the same order. Raises ValueError."""
    if isinstance(value, bool) or value is None:
        raise ValueError("no moment")
    if isinstance(value, int | float):
        return _from_number(float(value))
    if isinstance(value, date):
        return _from_date(value)
    text = str(value).strip()
    if _NUMBER.fullmatch(text):
        return _from_number(float(text))
    return _from_date(datetime.fromisoformat(f"{text}-01" if _MONTH.fullmatch(text) else text))


def is_date(moment: int) -> bool:
    """Whether it was a date, not a number."""
    return bool(moment & 1)


def shown(moment: int) -> str:
    """The date or the number, to be read by a person."""
    if not is_date(moment):
        ordered = moment >> 1 << 1
        (number,) = struct.unpack("<d", struct.pack("<q", ordered if ordered >= 0 else ordered ^ (_SIGN - 1)))
        return f"{number:.15g}"
    then = _EPOCH + (moment >> 1) * _MICROSECOND
    return then.date().isoformat() if then.time() == _EPOCH.time() else then.replace(tzinfo=None).isoformat() + "Z"


def _from_date(value: date) -> int:
    then = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)
    if then.tzinfo is None:
        then = then.replace(tzinfo=UTC)
    return ((then - _EPOCH) // _MICROSECOND) << 1 | 1


def _from_number(number: float) -> int:
    """The bits of a float, which sort as it does once those of negative ones are turned round; the last bit goes."""
    if not math.isfinite(number):
        raise ValueError("no moment")
    bits: int = struct.unpack("<q", struct.pack("<d", number + 0.0))[0]  # -0.0 is 0.0
    return (bits if bits >= 0 else bits ^ (_SIGN - 1)) & ~1
