"""Aligned columns of text: numbers to the right, words to the left."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

_GAP = "  "


def aligned(rows: Iterable[Sequence[str]]) -> list[str]:
    """The rows as lines. A column is right-aligned where all its cells but the first row's are numbers or empty."""
    table = [list(row) for row in rows]
    columns = [list(column) for column in zip(*table, strict=True)]
    widths = [max(map(len, column)) for column in columns]
    right = [any(column[1:]) and all(map(_is_number, filter(None, column[1:]))) for column in columns]
    return [
        _GAP.join(
            f"{cell:>{width}}" if is_right else f"{cell:<{width}}"
            for cell, width, is_right in zip(row, widths, right, strict=True)
        ).rstrip()
        for row in table
    ]


def number(value: int) -> str:
    """`1,234`, and nothing for 0: what did not happen takes no attention."""
    return f"{value:,}" if value else ""


def _is_number(cell: str) -> bool:
    return cell.replace(",", "").isdigit()
