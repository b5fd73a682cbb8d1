"""Tables that evaluators make of their own findings: confusions, fields, faults.

The `extra` of an evaluator's `summarise` holds `tables`, each {"title", "columns", "rows", "note"}: a name per column,
and rows of as many cells, which are texts, numbers or None (could not tell). The first column names the row. The note
may be left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from resep.rounding import NOTHING, plain

_MOST_ROWS, _MOST_COLUMNS = 100, 40


def extra_tables(results: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every table of every evaluator as strings, with the name of the evaluator; `fault` instead where one is none."""
    return [
        {"evaluator": evaluator, **_table(table)}
        for evaluator, extra in results["controls"].items()
        for table in _listed(extra.get("tables"))
    ]


def _table(table: Any) -> dict[str, Any]:
    if not _is_table(table):
        fault = "one of its tables is not {title, columns, rows} with as many cells in each row as there are columns"
        return {"title": "", "columns": [], "rows": [], "note": "", "fault": fault}
    rows, columns = table["rows"][:_MOST_ROWS], table["columns"][:_MOST_COLUMNS]
    left = [f"{len(table['rows']) - len(rows):,} more rows."] if len(rows) < len(table["rows"]) else []
    left += [f"{len(table['columns']) - len(columns):,} more columns."] if len(columns) < len(table["columns"]) else []
    return {
        "title": str(table["title"]),
        "columns": [str(column) for column in columns],
        "rows": [[_cell(cell) for cell in row[: len(columns)]] for row in rows],
        "note": " ".join([*([str(table["note"])] if table.get("note") else []), *left]),
        "fault": "",
    }


def _is_table(table: Any) -> bool:
    if not isinstance(table, Mapping) or not {"title", "columns", "rows"} <= set(table):
        return False
    columns, rows = table["columns"], table["rows"]
    if not isinstance(columns, list) or not isinstance(rows, list) or not columns:
        return False
    return all(isinstance(row, list) and len(row) == len(columns) for row in rows)


def _listed(tables: Any) -> Sequence[Any]:
    return tables if isinstance(tables, list) else [] if tables is None else [tables]


def _cell(value: Any) -> str:
    """A number as it can be read, a text as it is; escaping is the template's."""
    if value is None:
        return NOTHING
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:,}" if isinstance(value, int) else plain(value, 3)
