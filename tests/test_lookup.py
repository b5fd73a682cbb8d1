"""`lookup`: columns of a table added to the rows of a source, and every way in which that cannot be."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet

from resep import cli
from resep.capabilities import capabilities
from resep.errors import RecipeError, ResepError
from resep.formats import BadRowError, mapping_of, to_fields
from resep.formats.lookup import Lookup
from resep.inspection.trace import plan_for
from resep.preflight import before_run
from resep.problems import format_problems
from resep.recipe import load
from resep.repeatable import read_inputs, write_repeatable
from resep.sources import lookup, open_lookup, reads
from resep.stages import prepare
from resep.stages.report import _config
from tests.conftest import Golden
from tests.preparing import examples, ledger, prepared, recipe, statistics, write_rows
from tests.recipe_texts import SMALLEST, write_recipe

SOURCE = """\
data:
  sources:
    - path: rows.csv
      fields: {prompt: text, primary: primary, secondary: category}
      answer: [primary, secondary]
      lookup: {path: table.csv, by: {category: label}}
  max_dropped: 1
"""
NAMES = ("card_arrival", "fee")
ROWS = "text,category\n" + "".join(f"how do I {n},{NAMES[n % 2]}\n" for n in range(40))
TABLE = "label,primary\nfee,transfer\ncard_arrival,card\n"
BY = "data.sources[0].lookup.by"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rows.csv").write_text(ROWS)
    (tmp_path / "table.csv").write_text(TABLE)
    return tmp_path


def table(values: dict[Any, dict[str, Any]]) -> Lookup:
    return Lookup("table.jsonl", "category", "label", values)


def said(folder: Path, *overrides: str) -> str:
    """What preparation says against the recipe, without its advice on bad rows."""
    shutil.rmtree(folder / "out", ignore_errors=True)
    with pytest.raises(ResepError) as caught:
        prepared(recipe(folder, SOURCE, *overrides), folder)
    return str(caught.value).partition("\n")[0]


def files(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(out.iterdir())}


# --- what comes out


def test_rows_get_the_columns_of_their_row_in_the_table(here: Path) -> None:
    made = examples(prepared(recipe(here, SOURCE), here))
    answers = {each.target: dict(each.metadata) for each in made}
    assert answers == {
        '{"primary": "card", "secondary": "card_arrival"}': {"primary": "card", "secondary": "card_arrival"},
        '{"primary": "transfer", "secondary": "fee"}': {"primary": "transfer", "secondary": "fee"},
    }


@pytest.mark.parametrize("kind", ["tsv", "json", "jsonl", "parquet"])
def test_a_table_is_any_file_that_sources_are(kind: str, here: Path) -> None:
    rows = [{"label": "fee", "primary": "transfer"}, {"label": "card_arrival", "primary": "card"}]
    lines = "".join(json.dumps(each) + "\n" for each in rows)
    texts = {"tsv": TABLE.replace(",", "\t"), "json": json.dumps(rows), "jsonl": lines}
    if kind == "parquet":
        parquet.write_table(pyarrow.Table.from_pylist(rows), here / "table.parquet")
    else:
        (here / f"table.{kind}").write_text(texts[kind])
    loaded = recipe(here, SOURCE, f"data.sources[0].lookup.path=table.{kind}")
    assert open_lookup(loaded, 0) == Lookup(
        f"table.{kind}", "category", "label", {"fee": {"primary": "transfer"}, "card_arrival": {"primary": "card"}}
    )


def test_an_id_may_be_looked_up(here: Path) -> None:
    numbers = "".join(f"how do I {n},nr {n},{NAMES[n % 2]}\n" for n in range(40))
    (here / "table.csv").write_text("label,nr,primary\n" + numbers)
    overrides = [f"{BY}={{text: label}}", "data.sources[0].fields.id=nr"]
    found = ledger(prepared(recipe(here, SOURCE, *overrides), here))
    assert [each["id"] for each in found] == [f"nr {n}" for n in range(40)]


def test_the_condition_sees_what_was_looked_up(here: Path) -> None:
    found = ledger(prepared(recipe(here, SOURCE, "data.sources[0].where=primary == 'card'"), here))
    assert [each["reason"] for each in found] == [None, "not where: primary == 'card'"] * 20


def test_rows_keep_the_ids_of_what_their_own_file_says(here: Path) -> None:
    ids = [each["id"] for each in ledger(prepared(recipe(here, SOURCE), here))]
    (here / "table.csv").write_text(TABLE.replace("transfer", "transfers"))
    shutil.rmtree(here / "out")
    assert [each["id"] for each in ledger(prepared(recipe(here, SOURCE), here))] == ids


def test_a_format_that_is_recognised_sees_the_columns_of_the_table(here: Path) -> None:
    write_rows(here, [{"question": f"so {n}?", "category": ("fee", "none")[n % 2]} for n in range(60)])
    (here / "table.csv").write_text("label,answer\nfee,It is free.\n")
    text = """\
    data:
      sources: [{path: rows.jsonl, format: auto, lookup: {path: table.csv, by: {category: label}}}]
      on_bad_row: skip
      max_dropped: 1
    """
    made = examples(prepared(recipe(here, text), here))
    assert {(each.messages[0].content, each.target) for each in made} == {
        (f"so {n}?", "It is free.") for n in range(0, 60, 2)
    }


def test_rows_read_one_by_one_and_by_many_workers_are_the_same(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outs = []
    for name, cores in (("at once", "1"), ("by two", "2"), ("one by one", "1")):
        monkeypatch.setenv("RESEP_WORKERS", cores)
        monkeypatch.setattr("resep.stages.prepare.engine._ENOUGH_FOR_MANY", 0 if cores == "2" else 10**9)
        if name == "one by one":
            monkeypatch.setattr("resep.stages.prepare.reading.to_table", lambda *_: None)
        (here / name).mkdir()
        outs.append(files(prepared(recipe(here, SOURCE), here / name)))
    assert outs[0] == outs[1] == outs[2]
    assert len(outs[0]["ledger.jsonl"].splitlines()) == 40


# --- rows that are not found


def test_a_row_that_is_not_in_the_table_is_a_bad_row_named_without_its_value(here: Path) -> None:
    (here / "rows.csv").write_text(ROWS + "why,secret-label\n")
    message = "the value of field 'category' is not among those of 'label' in table.csv"
    assert said(here) == f"rows.csv:42: {message}; add a row for it to the table"
    shutil.rmtree(here / "out")
    out = prepared(recipe(here, SOURCE, "data.on_bad_row=quarantine"), here)
    assert statistics(out)["quarantined"] == 1
    assert ledger(out)[40]["reason"] == f"bad row: {message}"
    assert "secret" not in (out / "ledger.jsonl").read_text()
    (line,) = (out / "quarantined.jsonl").read_text().splitlines()
    assert json.loads(line).items() >= {"text": "why", "category": "secret-label"}.items()
    assert "primary" not in json.loads(line)  # the row as it was: mended and fed back, it is looked up again


@pytest.mark.parametrize(
    ("values", "row", "words"),
    [
        ({"a": {}}, {"categry": "a"}, r"'category' is missing.*did you mean 'categry'\?.*by: \{...: label\}"),
        ({"a": {}}, {"category": None}, "is null: only a text or a number"),
        ({"a": {}}, {"category": True}, "is true or false: only"),
        ({1: {}}, {"category": True}, "is true or false: only"),
        ({"a": {}}, {"category": ["a"]}, "is a list: only"),
        ({"a": {}}, {"category": "A"}, "add a row for it"),
        ({"a": {}}, {"category": " a"}, "add a row for it"),
        ({"7": {}}, {"category": 7}, "which are texts, and it is a number: write both alike"),
        ({7: {}}, {"category": "7"}, "which are numbers, and it is a text: write both alike"),
        ({7: {}, "a": {}}, {"category": "7"}, "add a row for it"),
        ({1: {}}, {"category": float("nan")}, "is a number: only"),
    ],
)
def test_texts_are_compared_letter_for_letter_and_are_no_numbers(
    values: dict[Any, dict[str, Any]], row: dict[str, Any], words: str
) -> None:
    with pytest.raises(BadRowError, match=words):
        table(values).joined(row)


@pytest.mark.parametrize(("ours", "theirs"), [("a", "a"), ("", ""), (7, 7), (7, 7.0), (7.5, 7.5), (2**70, 2**70)])
def test_equal_texts_and_equal_numbers_are_found(ours: Any, theirs: Any) -> None:
    assert table({theirs: {"more": [1]}}).joined({"category": ours, "x": 1}) == {
        "category": ours,
        "x": 1,
        "more": [1],
    }


def test_a_column_of_the_same_name_as_the_tables_own_stays_the_rows() -> None:
    assert table({"a": {"more": 1}}).joined({"category": "a", "label": "mine"})["label"] == "mine"


# --- tables that cannot be used

# (table, how what is said begins)
BROKEN = {
    "a value twice": ("label,primary\nfee,a\nx,b\nfee,c\n", "table.csv:4: the same value of 'label' as in table.csv:2"),
    "no such column": ("lable,primary\nfee,a\n", "table.csv: the table has no column 'label'; it has 'lable'"),
    "no rows": ("label,primary\n", "table.csv: the file has no rows"),
    "nothing": ("", "table.csv: the file is empty"),
    "a row that is too short": ("label,primary\nfee\n", "table.csv:2: 1 values under 2 columns"),
    "a column of the rows": ("label,text\nfee,a\ncard_arrival,b\n", "rows.csv:2: the row has a field 'text', and so"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_table_that_cannot_be_used_stops_the_run(name: str, here: Path) -> None:
    text, words = BROKEN[name]
    (here / "table.csv").write_text(text)
    assert said(here, "data.on_bad_row=skip").startswith(words)  # the recipe is wrong, not a row


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (
            '{"label": null}',
            "table.jsonl:1: the value of 'label' is null, and rows are looked up by a text or a number",
        ),
        ('{"label": true}', "table.jsonl:1: the value of 'label' is true or false"),
        ('{"label": 1}\n{"label": 1.0}', "table.jsonl:2: the same value of 'label' as in table.jsonl:1"),
        ('{"label": "1", "a": 1}\n{"label": 1}', "table.jsonl:1 has a column 'a', and table.jsonl:2 has not"),
        ('{"label": "1"}\n{"label": "2", "a": 1}', "table.jsonl:2 has a column 'a', and table.jsonl:1 has not"),
        ('{"label": "1"}\n{"label": "1', "table.jsonl:2: "),
    ],
)
def test_rows_of_a_table_that_cannot_be_used_are_named(lines: str, words: str, here: Path) -> None:
    (here / "table.jsonl").write_text(lines + "\n")
    assert said(here, "data.sources[0].lookup.path=table.jsonl").startswith(words)


def test_a_table_has_an_upper_bound(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert lookup.MOST_ROWS == 100_000
    monkeypatch.setattr(lookup, "MOST_ROWS", 2)
    prepared(recipe(here, SOURCE), here)
    (here / "table.csv").write_text(TABLE + "more,x\n")
    assert said(here).startswith("table.csv: a table to look rows up in has at most 2 rows; write the columns")


def test_a_table_that_is_not_there_is_said_before_anything_is_read(here: Path) -> None:
    (here / "table.csv").rename(here / "tables.csv")
    with pytest.raises(ResepError, match=r"table\.csv: no such file in .*; did you mean 'tables\.csv'\?"):
        prepare.stage(recipe(here, SOURCE))


def test_a_clash_that_comes_late_is_named_by_its_row(here: Path) -> None:
    write_rows(here, [{"text": f"how {n}", "category": "fee"} for n in range(60)] + [{"category": "fee", "primary": 1}])
    assert said(here, "data.sources[0].path=rows.jsonl").startswith("rows.jsonl:61: the row has a field 'primary'")


# --- what the recipe may say, and what its data says against it


@pytest.mark.parametrize(
    ("given", "where", "words"),
    [
        ("{path: s3://bucket/table.csv, by: {a: b}}", ".path", "a table is not fetched; put the file beside"),
        ("{path: https://me:pass@x.org/t.csv, by: {a: b}}", ".path", "an address: a table is not fetched"),
        ("{path: table.xlsx, by: {a: b}}", ".path", "save a spreadsheet as .csv"),
        ("{path: table.csv, by: {a: b, c: d}}", ".by", "looked up by one column, and these are 2 (a and c)"),
        ("{path: table.csv, by: {}}", ".by", "must not be empty"),
        ("{path: table.csv, by: {a: 3}}", ".by.a", "expected a text"),
        ("{path: table.csv}", ".by", "this key is missing; add it"),
        ("{by: {a: b}}", ".path", "this key is missing; add it"),
        ("{path: table.csv, om: {a: b}, by: {a: b}}", ".om", "unknown key; known here: path, by"),
        ("table.csv", "", "a map of keys"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_lookup_is_said_at_its_place(given: str, where: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(RecipeError) as caught:
        load(write_recipe(tmp_path, SMALLEST), [f"data.sources[0].lookup={given}"])
    problem = caught.value.problems[0]
    assert problem.where == f"data.sources[0].lookup{where}"
    assert words in problem.message
    assert "pass" not in problem.message


@pytest.mark.parametrize("path", ["../table.csv", "/etc/table.csv", "~/table.csv"])
def test_a_recipe_reads_no_table_outside_its_folder(path: str, tmp_path: Path) -> None:
    text = SMALLEST.replace("rows.jsonl", f"rows.jsonl\n      lookup: {{path: {path}, by: {{a: b}}}}")
    with pytest.raises(RecipeError, match=r"data\.sources\[0\]\.lookup\.path: .*--set"):
        load(write_recipe(tmp_path, text))


def test_a_table_is_not_followed_out_of_the_folder_by_a_link(here: Path, tmp_path_factory: Any) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "table.csv"
    shutil.move(here / "table.csv", elsewhere)
    (here / "table.csv").symlink_to(elsewhere)
    with pytest.raises(ResepError, match="through a link"):
        prepare.stage(recipe(here, SOURCE))


def test_the_screens_of_what_the_rows_say_against_a_table(here: Path, golden: Golden) -> None:
    screens = [_screen(here, *each) for each in (
        [f"{BY}={{category: lable}}"],
        [f"{BY}={{categry: label}}"],
        [f"{BY}={{text: label}}"],
        ["data.sources[0].lookup.path=none.csv"],
        ["data.sources[0].fields.primary=primry"],
        ["data.sources[0].fields.prompt=query"],
        ["data.sources[0].where=primry == 'card'"],
    )]  # fmt: skip
    (here / "table.csv").write_text(TABLE.replace("primary", "text"))
    golden("preflight/lookup.txt", "\n".join([*screens, _screen(here)]))


def _screen(folder: Path, *overrides: str) -> str:
    screen = format_problems(before_run(recipe(folder, SOURCE, *overrides)))
    return screen.replace(f"{folder}/", "").replace(str(folder), "HERE") + "\n"


def test_rows_that_are_not_found_are_left_to_preparation(here: Path) -> None:
    (here / "rows.csv").write_text(ROWS + "why,unknown\n")
    assert [each for each in before_run(recipe(here, SOURCE)) if "lookup" in each.where] == []


# --- what a stage, a run and others know of the table


def test_another_table_prepares_again(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe(here, SOURCE)

    def run() -> str:
        assert cli.main(["run", "recipe.yaml", "--until", "prepare"]) == 0
        return capsys.readouterr().err

    assert "prepare  run, for the first time" in run()
    assert "prepare  reuse" in run()
    (here / "table.csv").write_text(TABLE.replace("transfer", "payment"))
    assert "prepare  run, because table.csv changed" in run()


def test_what_is_read_is_told(here: Path) -> None:
    loaded = recipe(here, SOURCE)
    assert reads(loaded) == {"rows.csv": here / "rows.csv", "table.csv": here / "table.csv"}
    assert dict(capabilities(loaded, here, here))["reads"].split(", ")[1:3] == ["rows.csv", "table.csv"]
    assert {*prepare.stage(loaded).reads} >= {"rows.csv", "table.csv"}


def test_a_mapping_with_a_table_travels_to_other_processes(here: Path) -> None:
    loaded = recipe(here, SOURCE)
    mapped = mapping_of(loaded["data.sources[0]"], lookup=open_lookup(loaded, 0))
    again = pickle.loads(pickle.dumps(mapped))
    row = {"text": "how", "category": "fee"}
    assert again == mapped
    assert to_fields(again.joined(row), again) == {
        "prompt": "how",
        "primary": "transfer",
        "secondary": "fee",
        "response": '{"primary": "transfer", "secondary": "fee"}',
    }


def test_rows_that_are_shown_have_the_columns_of_the_table(here: Path) -> None:
    plan, _ = plan_for(recipe(here, SOURCE))
    assert plan.mapped[0].joined({"text": "how", "category": "fee"})["primary"] == "transfer"


def test_a_run_that_is_repeated_elsewhere_needs_the_table_too(here: Path, tmp_path_factory: Any) -> None:
    folder = tmp_path_factory.mktemp("run") / "recipe"
    write_repeatable(recipe(here, SOURCE), folder)
    inputs = {each.key: each for each in read_inputs(folder)}
    assert inputs.keys() == {"data.sources[0].path", "data.sources[0].lookup.path"}
    assert inputs["data.sources[0].lookup.path"].path == "table.csv"
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "table.csv"
    shutil.copyfile(here / "table.csv", elsewhere)
    write_repeatable(recipe(here, SOURCE, f"data.sources[0].lookup.path={elsewhere}"), folder)
    repeated = load(folder / "recipe.yaml")
    assert repeated["data.sources[0].lookup"] == {"path": "data/0-lookup-table.csv", "by": {"category": "label"}}
    assert repeated["data.sources[0].fields"].keys() == {"prompt", "primary", "secondary"}
    assert {each.digest for each in read_inputs(folder)} == {each.digest for each in inputs.values()}


def test_a_report_does_not_depend_on_where_the_table_lies(here: Path) -> None:
    def digest(path: Sequence[str]) -> Any:
        loaded = recipe(here, SOURCE, *path)
        return _config(loaded.data)["recipe_sha256"]

    assert digest([]) == digest([f"data.sources[0].lookup.path={here / 'table.csv'}"])
    (here / "other.csv").write_text(TABLE)
    assert digest([]) != digest(["data.sources[0].lookup.path=other.csv"])
