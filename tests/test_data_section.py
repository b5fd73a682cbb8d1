"""The report's section on the data: every row accounted for, old results shown as well as new ones."""

from __future__ import annotations

import json
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resep.rounding import MINUS
from resep.stages.prepare.imbalance import imbalance
from resep.stages.report import render, write_report
from resep.stages.report.data_charts import cluster_map, elbow_curve
from resep.stages.report.data_section import data_section, funnel
from resep.stages.report.sampling_section import samplings
from tests.fake_run import CONFIG, fake_run

EVIL = "<script>alert(1)</script>\x1b[31m\u202e{{ 7*7 }}| <b>"
OLD = {
    "rows_in": 320,
    "rows_kept": 309,
    "dropped": {"duplicate": 9, "bad row: response is empty": 2},
    "splits": {"train": 234, "validation": 30, "test": 45},
    "steps": [{"name": "deduplicate", "rows_in": 318, "rows_out": 309, "changed": 0}],
    "placeholders": {"[EMAIL]": 22},
}


def sampling(text: str = "how do I reset my pin") -> dict[str, Any]:
    """What the step `sample` finds, small."""
    return {
        "strategy": "kcentre",
        "rows_in": 300,
        "rows_out": 30,
        "by": ["category"],
        "labels": [{"label": f"c{at}", "size": 20, "chosen": 2} for at in range(15)],
        "clusters": [
            {"id": at, "size": 100, "chosen": 10, "terms": ["pin", text], "examples": [text]} for at in range(3)
        ],
        "points": [[at / 50, (at % 7) / 7, at % 3, at % 2] for at in range(60)],
        "elbow": {"count": 3, "tried": [[2, 0.9], [3, 0.5], [4, 0.45]]},
        "coverage": {"rows": 300, "chosen": {"mean": 0.2, "p95": 0.3}, "random": {"mean": 0.2, "p95": 0.4}},
        "fitted_rows": 300,
        "silent_rows": 2,
        "warnings": ["sample: a warning of its own"],
    }


def new(text: str = "a") -> dict[str, Any]:
    """Statistics as prepare writes them, with everything that may stand there."""
    kinds = Counter({text: 40, "b": 3})
    balance = {
        "by": "category",
        "strategy": "oversample",
        "values": 2,
        "before": {text: 40, "b": 3},
        "after": {text: 40, "b": 8},
        "ratio_before": 13.33,
        "ratio_after": 5.0,
        "warnings": [],
    }
    steps = [
        {"name": "sample", "rows_in": 300, "rows_out": 30, "changed": 0, "rows_made": 0,
         "dropped": {"not sampled": 270}, "findings": sampling(text)},
        {"name": "balance", "rows_in": 20, "rows_out": 25, "changed": 0, "rows_made": 5, "dropped": {},
         "findings": balance},
    ]  # fmt: skip
    return {
        "rows_in": 310,
        "rows_made": 5,
        "rows_kept": 34,
        "quarantined": 10,
        "dropped": {"not sampled": 270, "bad row: response is empty": 10, "beyond split.max_rows": 1},
        "dropped_of_made": {},
        "splits": {"train": 25, "validation": 4, "test": 5},
        "sources": [
            {"name": text, "rows_in": 200, "rows_kept": 20, "quarantined": 10, "dropped": {"x": 170, "y": 10}},
            {"name": "b.jsonl", "rows_in": 110, "rows_kept": 9, "quarantined": 0, "dropped": {"x": 101}},
        ],
        "steps": steps,
        "placeholders": {},
        "imbalance": imbalance({"category": kinds}, {"category": {"train": kinds}}),
        "leakage": {
            "threshold": 0.8,
            "rows": {"test": 8},
            "exact": {"test": 0},
            "near": {"test": {"0.7": 2, "0.8": 1, "0.9": 0}},
            "not_looked_for": None,
        },
        "warnings": [],
        "tokens": {
            "splits": {"train": {"rows": 25, "tokens": 1000, "trained_tokens": 600, "longest": 90, "over_limit": 0}}
        },
    }


def page_of(folder: Path, data: dict[str, Any]) -> tuple[str, str]:
    """The page and the Markdown of a run whose data is this."""
    inputs = fake_run(folder / "stages")
    out = folder / "report"
    out.mkdir()
    write_report(inputs, CONFIG, "abc123def456", out)
    results = json.loads((out / "results.json").read_text(encoding="utf-8"))
    (out / "results.json").write_text(json.dumps({**results, "data": data}), encoding="utf-8")
    render(out)
    return (out / "report.html").read_text(encoding="utf-8"), (out / "report.md").read_text(encoding="utf-8")


def test_the_funnel_of_old_results_closes() -> None:
    lines = [(line["name"], line["left"], line["change"]) for line in funnel(OLD)]
    assert lines == [
        ("read", "320", ""),
        ("faulty rows", "318", f"{MINUS}2"),
        ("deduplicate", "309", f"{MINUS}9"),
        ("kept", "309", ""),
    ]


def test_the_funnel_names_reasons_where_rows_went_and_rows_that_were_made() -> None:
    lines = [(line["name"], line["left"], line["change"], line["reasons"]) for line in funnel(new())]
    assert lines == [
        ("read", "310", "", []),
        ("faulty rows", "300", f"{MINUS}10", ["response is empty: 10"]),
        ("sample", "30", f"{MINUS}270", ["not sampled: 270"]),
        ("balance", "35", "+5", []),
        ("at the end", "34", f"{MINUS}1", ["beyond split.max_rows: 1"]),
        ("kept", "34", "", []),
    ]


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 9)), max_size=5), st.integers(0, 20), st.integers(0, 9))
def test_every_line_of_a_funnel_is_the_one_before_less_what_went(
    steps: list[tuple[int, int]], faulty: int, late: int
) -> None:
    whole = left = 400
    left -= faulty
    done = []
    for at, (lost, made) in enumerate(steps):
        done.append({"name": f"s{at}", "rows_in": left, "rows_out": left - lost + made, "rows_made": made,
                     "dropped": {f"r{at}": lost}})  # fmt: skip
        left += made - lost
    dropped = {f"r{at}": lost for at, (lost, _) in enumerate(steps)} | {"bad row: x": faulty, "late": late}
    found = funnel({"rows_in": whole, "rows_kept": left - late, "dropped": dropped, "steps": done})
    rows = [int(line["left"].replace(",", "")) for line in found]
    for before, after, line in zip(rows, rows[1:], found[1:], strict=False):
        change = sum(int(part.replace(MINUS, "-")) for part in line["change"].split())
        assert after == before + change
    assert rows[-1] == left - late


def test_many_reasons_are_added_up() -> None:
    data = {**OLD, "steps": [{**OLD["steps"][0], "dropped": {f"reason {at}": 1 for at in range(9)}}]}  # type: ignore[index]
    (line,) = [line for line in funnel(data) if line["name"] == "deduplicate"]
    assert len(line["reasons"]) == 7
    assert line["reasons"][-1] == "3 more reasons: 3"


def test_old_results_are_rendered_and_show_no_table_of_what_they_lack(tmp_path: Path) -> None:
    html, _ = page_of(tmp_path, OLD)
    section = html[html.index('<section id="data">') : html.index('<section id="settings">')]
    assert "[EMAIL]" in section
    assert not {"Sources", "How even", "Sampling", "like a training row"} & set(
        re.findall(r"<h3>([A-Za-z ]+)", section)
    )


def test_new_results_show_everything(tmp_path: Path) -> None:
    html, markdown = page_of(tmp_path, new())
    section = html[html.index('<section id="data">') : html.index('<section id="settings">')]
    for title in ("Sources", "Splits", "How even the values are", "Balance by category", "Why 3 clusters"):
        assert title in section
    assert "Sampling: 30 of 300 rows, k-centre" in section
    assert "fewer than 5 training rows" in section
    assert section.count("<circle") == 60 + 3
    assert re.findall(r"alike to ([\d.]+) or more", section) == ["0.9", "0.8", "0.7"]
    assert "2 (25.0%)" in section
    assert "* sampling: 30 of 300 rows" in markdown
    assert "* balance by category, oversample: ratio 13.33 before, 5.0 after" in markdown
    assert "3 more labels" in section


def test_leakage_that_nobody_looked_for_is_no_zero(tmp_path: Path) -> None:
    leakage = {"rows": {"test": 8}, "exact": {"test": 0}, "near": None, "not_looked_for": "there are more than 9 rows"}
    html, _ = page_of(tmp_path, {**new(), "leakage": leakage})
    assert "Nobody looked for prompts that are nearly the same: there are more than 9 rows." in html
    assert "alike to" not in html


def test_texts_of_rows_stay_texts(tmp_path: Path) -> None:
    html, markdown = page_of(tmp_path, new(EVIL))
    tags: list[str] = []

    class Tags(HTMLParser):
        def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002
            tags.append(tag)

    Tags().feed(html)
    assert "script" not in tags
    assert "alert(1)" in html
    assert not re.search("[\x1b\u202e]", html + markdown)
    assert "<script" not in markdown


def test_a_warning_that_the_page_gives_elsewhere_is_not_given_twice() -> None:
    assert "sample: a warning of its own" in data_section(new())["warnings"]
    assert data_section(new(), ["sample: a warning of its own"])["warnings"] == [
        "1 of 2 values of 'category' has fewer than 5 training rows: 'b'"
    ]


@pytest.mark.parametrize(
    ("mean", "p95", "words"),
    [
        (0.1, 0.2, "are nearer than with a draw by lot"),
        (0.3, 0.6, "farther away"),
        (0.2, 0.4, "not worth its time"),
        (0.25, 0.3, "The average row is farther away; the edge, where rare rows are, is nearer."),
        (0.2, 0.3, "The average row is no nearer; the edge"),
    ],
)
def test_whether_sampling_helped_is_said_as_it_is(mean: float, p95: float, words: str) -> None:
    findings = sampling()
    findings["coverage"]["chosen"] = {"mean": mean, "p95": p95}
    (found,) = samplings([{"name": "sample", "findings": findings}])
    assert words in found["coverage_text"]


def test_charts_of_nothing_are_none() -> None:
    assert cluster_map([]) is None
    assert elbow_curve([], 3) is None
    assert cluster_map([[0.0, 0.0, 0, 1]]) is not None


def test_the_numbers_of_clusters_do_not_cover_each_other() -> None:
    drawn = str(cluster_map([[0.5, 0.5, at, 0] for at in range(12)]))
    places = re.findall(r'<text class="number" x="([\d.]+)%" y="([\d.]+)%"', drawn)
    assert len(set(places)) == 12
