"""Tables that evaluators make for the report."""

import json
from pathlib import Path
from typing import Any

import pytest

from resep.rounding import NOTHING
from resep.stages.report import write_report
from resep.stages.report.extra_tables import extra_tables
from tests.fake_run import CONFIG, fake_run

TABLE = {"title": "Fields", "columns": ["field", "rows", "tuned"], "rows": [["city", 1200, 0.5], ["day", 3, None]]}


def shown(tables: Any) -> list[dict[str, Any]]:
    return extra_tables({"controls": {"order_accuracy": {"chance": {}}, "mine": {"tables": tables}}})


def test_cells_are_written_for_people() -> None:
    (table,) = shown([{**TABLE, "note": "All of them."}])
    assert table["rows"] == [["city", "1,200", "0.500"], ["day", "3", NOTHING]]
    assert (table["evaluator"], table["title"], table["note"], table["fault"]) == ("mine", "Fields", "All of them.", "")


def test_a_table_that_is_too_long_says_what_is_left_out() -> None:
    rows = [[str(n), *range(50)] for n in range(150)]
    (table,) = shown([{"title": "Much", "columns": ["a", *map(str, range(50))], "rows": rows}])
    assert (len(table["rows"]), len(table["rows"][0]), len(table["columns"])) == (100, 40, 40)
    assert table["note"] == "50 more rows. 11 more columns."


@pytest.mark.parametrize(
    "table",
    [
        5,
        {},
        {**TABLE, "rows": [["city"]]},
        {**TABLE, "rows": "none"},
        {**TABLE, "columns": []},
        {"columns": ["a"], "rows": []},
    ],
)
def test_what_is_no_table_is_told_and_breaks_nothing(table: Any) -> None:
    (found,) = shown([table] if isinstance(table, dict) else table)
    assert "is not {title, columns, rows}" in found["fault"]


def test_evaluators_without_tables_have_none() -> None:
    assert extra_tables({"controls": {}}) == shown(None) == shown([]) == []


def test_the_report_shows_them_and_lets_no_markup_through(tmp_path: Path) -> None:
    inputs = fake_run(tmp_path / "stages")
    file = inputs["evaluate:exact_match"] / "metrics.json"
    evil = "<script>alert(1)</script>|x"
    summary = json.loads(file.read_text(encoding="utf-8"))
    summary["extra"] = {"tables": [{**TABLE, "rows": [[evil, 1, 0.25]], "note": evil}, {}]}
    file.write_text(json.dumps(summary), encoding="utf-8")
    out = tmp_path / "report"
    out.mkdir()
    write_report(inputs, CONFIG, "abc123def456", out)
    page, markdown = ((out / name).read_text(encoding="utf-8") for name in ("report.html", "report.md"))
    assert "What the evaluators found" in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script" not in page + markdown
    assert '<td class="n">0.250</td>' in page
    assert "one of its tables is not" in page
    assert "| field | rows | tuned |\n|---|--:|--:|\n" in markdown
    assert "\\|x | 1 | 0.250 |" in markdown


def test_a_report_without_tables_has_no_section_for_them(tmp_path: Path) -> None:
    out = tmp_path / "report"
    out.mkdir()
    write_report(fake_run(tmp_path / "stages"), CONFIG, "abc123def456", out)
    assert "What the evaluators found" not in (out / "report.html").read_text(encoding="utf-8")
