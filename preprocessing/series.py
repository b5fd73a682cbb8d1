"""Write a window of sensor readings as one compact line of text in the prompt: levels, trend, outliers, the last five.

field: which field holds the readings: numbers, {time, value} maps, or a text of numbers with commas
into: which field the line is written to, on a new line where there is text already
unit: the unit of the readings, such as C or ms
digits: how many significant digits a number is written with; digits before the point always stay

`24 readings from 41.2 to 63.9 C; mean 47.1; rising by 0.8 per reading; 1 outlier: 63.9 at 17; 1 missing; last 5: ...`
The trend is the Theil-Sen slope (the median slope of all pairs, of 300 readings evenly spread where there are more);
it is steady where the change over the window is under 3 s sqrt(12/n), s being the robust spread around the slope: what
noise alone gives. Outliers lie more than 3.5 s from the line of the trend, or from the median where steady;
s is 1.4826 MAD, or 1.2533 times the mean absolute deviation where MAD is 0. Positions count from 1.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from statistics import fmean, median
from typing import Any

from resep import Row
from resep.errors import ResepError

Point = tuple[int, float]  # position in the window, from 0, and reading

_MISSING = {"", "nan", "na", "n/a", "null", "none", "missing", "inf", "-inf"}
_LARGEST = 1e100  # beyond it, sums and products leave the range of a float
_MOST_PAIRED = 300
_SHOWN = 5


def process_rows(
    rows: Iterable[Row], *, field: str = "readings", into: str = "prompt", unit: str = "", digits: int = 3
) -> Iterator[Row]:
    if digits < 1:
        raise ResepError(f"preprocessing.series: digits is {digits}; a number has 1 digit or more")
    for row in rows:
        try:
            line = summarise(row.fields.get(field), unit, digits)
        except ValueError as error:
            yield replace(row, dropped=f"{field}: {error}")
        else:
            yield replace(row, fields=_with_line(row.fields, into, line))


def summarise(readings: object, unit: str = "", digits: int = 3) -> str:
    """The readings as one line. Raises ValueError, with a reason that holds no data, where there are none."""
    values, names = _read(readings)
    points = [(index, value) for index, value in enumerate(values) if value is not None]
    if not points:
        raise ValueError("all readings are missing" if values else "no readings")
    written = [_number(value, digits) if value is not None else "missing" for value in values]
    missing = len(values) - len(points)
    parts = _levels(points, f" {unit}" if unit else "", digits)
    if len({value for _, value in points}) > 1:
        parts += _trend_and_outliers(points, written, names, digits)
    if missing:
        parts.append(f"{missing} missing")
    if len(parts) > 1 and len(values) > 1:
        parts.append(f"last {min(_SHOWN, len(values))}: {', '.join(written[-_SHOWN:])}")
    return "; ".join(parts)


def _read(readings: object) -> tuple[list[float | None], list[str]]:
    """The values, None where missing, and what each is called: its time, or its position from 1."""
    if isinstance(readings, str):
        text = readings.strip().strip("[]()").strip()
        readings = re.split(r"\s*[,;]\s*|\s+", text) if text else []
    if readings is None:
        raise ValueError("no readings")
    if not isinstance(readings, list | tuple):
        raise ValueError("not a list of readings")
    values, names = [], []
    for position, item in enumerate(readings, 1):
        time = None
        if isinstance(item, Mapping):
            time, item = item.get("time"), item.get("value")
        values.append(_value(item, position))
        names.append(str(position) if time is None else str(time))
    return values, names


def _value(item: Any, position: int) -> float | None:
    if item is None or (isinstance(item, str) and item.strip().casefold() in _MISSING):
        return None
    if isinstance(item, bool) or not isinstance(item, int | float | str):
        raise ValueError(f"reading {position} is not a number")
    try:
        value = float(item)
    except (ValueError, OverflowError):
        raise ValueError(f"reading {position} is not a number") from None
    if not math.isfinite(value):
        return None
    if abs(value) > _LARGEST:
        raise ValueError(f"reading {position} is beyond {_LARGEST:g}")
    return value


def _levels(points: Sequence[Point], unit: str, digits: int) -> list[str]:
    values = [value for _, value in points]
    low, high = _number(min(values), digits), _number(max(values), digits)
    if len(values) == 1:
        return [f"1 reading: {low}{unit}"]
    if min(values) == max(values):
        return [f"{len(values)} readings, all {low}{unit}"]
    return [f"{len(values)} readings from {low} to {high}{unit}", f"mean {_number(fmean(values), digits)}"]


def _trend_and_outliers(
    points: Sequence[Point], written: Sequence[str], names: Sequence[str], digits: int
) -> list[str]:
    if len(points) < 3:
        return []
    slope = _slope(points)
    steady = _is_steady(points, slope)
    said = (
        "steady" if steady else f"{'rising' if slope > 0 else 'falling'} by {_number(abs(slope), digits)} per reading"
    )
    outliers = _outliers(points, 0.0 if steady else slope)
    if not outliers:
        return [said]
    shown = ", ".join(f"{written[index]} at {names[index]}" for index in sorted(outliers[:_SHOWN]))
    number = "1 outlier" if len(outliers) == 1 else f"{len(outliers)} outliers"
    if len(outliers) > _SHOWN:
        number += f", the {_SHOWN} furthest"
    return [said, f"{number}: {shown}"]


def _slope(points: Sequence[Point]) -> float:
    """Theil-Sen: half of the readings may be wild, and the slope still holds to about 29 % of them."""
    if len(points) > _MOST_PAIRED:
        points = [points[i * (len(points) - 1) // (_MOST_PAIRED - 1)] for i in range(_MOST_PAIRED)]
    return median((b - a) / (j - i) for (i, a), (j, b) in combinations(points, 2))


def _residuals(points: Sequence[Point], slope: float) -> list[float]:
    levels = [value - slope * index for index, value in points]
    middle = median(levels)
    return [level - middle for level in levels]


def _spread(residuals: Sequence[float]) -> float:
    """A standard deviation that outliers do not move, of residuals whose median is 0."""
    sizes = [abs(residual) for residual in residuals]
    return 1.4826 * median(sizes) or 1.2533 * fmean(sizes)


def _is_steady(points: Sequence[Point], slope: float) -> bool:
    change = abs(slope) * (points[-1][0] - points[0][0])
    chance = 3 * 1.4826 * median(map(abs, _residuals(points, slope))) * math.sqrt(12 / len(points))
    return change <= max(chance, _rounding(points))


def _outliers(points: Sequence[Point], slope: float) -> list[int]:
    """Their positions in the window, the furthest first. Under five readings none stands out."""
    if len(points) < 5:
        return []
    residuals = _residuals(points, slope)
    limit = max(3.5 * _spread(residuals), _rounding(points))
    far = [
        (abs(residual), index) for (index, _), residual in zip(points, residuals, strict=True) if abs(residual) > limit
    ]
    return [index for _, index in sorted(far, key=lambda item: (-item[0], item[1]))]


def _rounding(points: Sequence[Point]) -> float:
    """What is too small to be more than the rounding of floats."""
    return 1e-9 * max(abs(value) for _, value in points)


def _number(value: float, digits: int) -> str:
    """`47.1`, `0.012`, `12345`: significant digits, never an exponent where the number is of ordinary size."""
    if value == 0:
        return "0"
    size = math.floor(math.log10(abs(value)))
    if not -6 <= size < 15:
        return f"{value:.{digits}g}"
    text = f"{value:.{max(0, min(digits - 1 - size, 20))}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _with_line(fields: Mapping[str, Any], into: str, line: str) -> dict[str, Any]:
    """The line after the text of `into`; a conversation's prompt is what the user last said."""
    if into == "prompt" and "messages" in fields:
        messages = [dict(message) for message in fields["messages"]]
        for message in reversed(messages):
            if message["role"] == "user":
                message["content"] = _joined(message["content"], line)
                break
        return {**fields, "messages": messages}
    return {**fields, into: _joined(fields.get(into), line)}


def _joined(text: Any, line: str) -> str:
    return f"{text.rstrip()}\n{line}" if isinstance(text, str) and text.strip() else line
