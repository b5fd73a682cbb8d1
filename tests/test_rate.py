"""`resep rate`: a made-up run -> blind sheets -> filled in by simulated raters -> import -> the report's section."""

from __future__ import annotations

import csv
import io
import json
import random
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from resep import runs
from resep.cli import main
from resep.rating.choice import choose_rows, draw_sides
from resep.rating.key import read_key
from resep.recipe import load
from resep.records import Sample
from resep.spreadsheet import MOST_CHARACTERS, cell
from resep.stages.report import render, write_report
from tests.fake_run import ARMS, CONFIG, fake_run
from tests.recipe_texts import write_recipe

Captured = pytest.CaptureFixture[str]
Rows = list[dict[str, str]]
CRITERIA = ("correctness", "completeness", "clarity")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("finished")
    inputs = fake_run(folder / "stages", outputs={"row-003": '=HYPERLINK("http://x","y")', "row-004": "- open it"})
    (folder / "run").mkdir()
    write_report(inputs, CONFIG, "abc123def456", folder / "run")
    return folder / "run"


@pytest.fixture
def run(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "rows.jsonl").write_text("{}", encoding="utf-8")
    copy = tmp_path / "run"
    copy.mkdir()
    for file in finished.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    monkeypatch.chdir(tmp_path)
    return copy


def rate(*arguments: object) -> int:
    return main(["rate", *map(str, arguments)])


def read(file: Path) -> Rows:
    return list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8-sig"), newline="")))


def write(file: Path, rows: Rows, delimiter: str = ",", encoding: str = "utf-8-sig") -> Path:
    with file.open("w", encoding=encoding, newline="") as target:
        writer = csv.DictWriter(target, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return file


def fill(file: Path, seed: int = 0) -> Rows:
    """Fill a sheet in as a rater would who likes answers with many of the reference's steps, and is a little unsure."""
    rows, rng = read(file), random.Random(f"{file.name} {seed}")
    for row in rows:
        merit = {}
        for side in "AB":
            wanted = {line.partition(". ")[2] for line in row["reference"].splitlines()}
            said = {line.partition(". ")[2] for line in row[f"answer_{side}"].splitlines()}
            merit[side] = len(wanted & said) / len(wanted) - 0.1 * len(said - wanted)
            for name in CRITERIA:
                row[f"{name}_{side}"] = str(max(1, min(5, round(1 + 4 * merit[side] + rng.choice((-0.4, 0, 0, 0.4))))))
        row["preference"] = "tie" if merit["A"] == merit["B"] else max("AB", key=lambda side: merit[side])
    write(file, rows)
    return rows


def sheets_of(run: Path, *options: object) -> list[Path]:
    assert rate(run, "--out", "sheets", *options) == 0
    return sorted(Path("sheets").glob("sheet-*.csv"))


def ratings(run: Path) -> dict[str, Any]:
    return dict(json.loads((run / "ratings.json").read_text(encoding="utf-8")))


def test_the_whole_loop_ends_in_the_report(run: Path, capsys: Captured) -> None:
    before = (run / "results.json").read_bytes()
    sheets = sheets_of(run, "--rows", 40)
    for sheet in sheets:
        fill(sheet)
    assert rate(run, "--import", *sheets) == 0
    said = capsys.readouterr().out
    assert "People prefer tuned" in said
    summary = ratings(run)["summary"]
    assert (summary["raters"], summary["rows"], summary["complete"]) == (2, 40, 80)
    overall = summary["criteria"]["overall"]
    assert overall["comparison"]["delta"] == pytest.approx(
        overall["arms"]["tuned"]["mean"] - overall["arms"]["base@native-template"]["mean"]
    )
    assert 0.5 < summary["criteria"]["clarity"]["alpha"]["alpha"] < 1
    best = summary["agreement"][0]
    assert best["metric"] in ("sequence_f1", "order_accuracy", "bertscore_f1")
    html = (run / "report.html").read_text(encoding="utf-8")
    assert "What people say" in html
    assert "People prefer tuned" in html
    assert "What people say" in (run / "report.md").read_text(encoding="utf-8")
    assert (run / "results.json").read_bytes() == before


def test_rendering_a_rated_run_again_gives_the_same_bytes(run: Path) -> None:
    sheets = sheets_of(run, "--rows", 12)
    for sheet in sheets:
        fill(sheet)
    assert rate(run, "--import", *sheets) == 0
    before = (run / "report.html").read_bytes()
    render(run)
    assert (run / "report.html").read_bytes() == before


def test_a_run_that_nobody_has_rated_has_no_such_section(run: Path) -> None:
    assert "What people say" not in (run / "report.html").read_text(encoding="utf-8")


def test_a_recipe_that_wants_people_is_told_that_none_have_rated(run: Path) -> None:
    results = json.loads((run / "results.json").read_text(encoding="utf-8"))
    results["controls"]["human"] = {"human": {"criteria": {"tone": {}}, "rows": 7, "raters": 3, "reference": False}}
    (run / "results.json").write_text(json.dumps(results), encoding="utf-8")
    render(run)
    assert "Nobody has rated this run yet (tone)" in (run / "report.html").read_text(encoding="utf-8")


def test_the_sheets_are_blind(run: Path) -> None:
    sheets = sheets_of(run)
    for sheet in (*sheets, Path("sheets/README.txt")):
        text = sheet.read_text(encoding="utf-8-sig")
        assert not re.search(r"tuned|native|order_accuracy|row-0|key", text), sheet
    assert not list(Path("sheets").rglob("*.json"))
    (key,) = (run / "rating").glob("key-*.json")
    assert read_key(key).arms == ("base@native-template", "tuned")


def test_each_arm_is_side_a_in_half_of_the_rows_and_all_raters_see_the_same(run: Path) -> None:
    first, second = sheets_of(run, "--rows", 40)
    (key,) = (run / "rating").glob("key-*.json")
    assert Counter(item.a for item in read_key(key).items) == {"tuned": 20, "base@native-template": 20}
    strip = [[{**row, "rater": ""} for row in read(sheet)] for sheet in (first, second)]
    assert strip[0] == strip[1]


def test_the_same_seed_draws_the_same_sheets_and_another_others(run: Path) -> None:
    written = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert rate(run, "--out", name, "--seed", seed, "--rows", 10) == 0
        written.append((Path(name) / "sheet-rater-1.csv").read_bytes())
    assert written[0] == written[1] != written[2]


def test_every_kind_of_row_is_covered_in_proportion() -> None:
    kinds = {**dict.fromkeys(range(80), "common"), **dict.fromkeys(range(80, 96), "some"), 96: "rare"}
    samples = {str(n): Sample(str(n), "tuned", "t", "o", metadata={"kind": kind}) for n, kind in kinds.items()}
    chosen = choose_rows(samples, 24, 1, ["kind"])
    assert len(set(chosen)) == 24
    counts = Counter(kinds[int(row)] for row in chosen)
    assert counts["rare"] == 1
    assert counts["some"] == 4
    assert choose_rows(samples, 500, 1, ["kind"]) == choose_rows(samples, 97, 1, [])


@pytest.mark.parametrize("rows", [0, 1, 2, 7, 50])
def test_sides_are_balanced_to_one_row(rows: int) -> None:
    sides = draw_sides([str(n) for n in range(rows)], ("a", "b"), 3)
    first = sum(side == ("a", "b") for side in sides)
    assert abs(2 * first - rows) <= 1
    assert len(sides) == rows


def test_no_cell_is_a_formula_and_excel_reads_the_encoding(run: Path) -> None:
    (sheet,) = sheets_of(run, "--rows", 45, "--raters", 1)
    assert sheet.read_bytes().startswith(b"\xef\xbb\xbf")
    cells = [value for row in read(sheet) for value in row.values()]
    assert any(value.startswith("'=HYPERLINK") for value in cells)
    assert any(value.startswith("'- open it") for value in cells)
    assert not [value for value in cells if value.startswith(("=", "+", "-", "@", "\t"))]


@pytest.mark.parametrize("text", ["=1+1", " =1", "+1", "-1", "@x", "\t=1", "\uff1d1", "\n=1"])
def test_what_could_be_a_formula_gets_a_quote(text: str) -> None:
    assert cell(text) == f"'{text}"


def test_a_cell_is_what_a_spreadsheet_can_hold() -> None:
    assert cell('plain, \u00e4 "text"') == 'plain, \u00e4 "text"'
    assert cell("a\0b\ud800") == "a\ufffdb?"
    long = cell("x" * 100_000)
    assert long.endswith("[cut here: 70,000 more characters]")
    assert len(long) < MOST_CHARACTERS + 100


def test_the_recipes_criteria_and_numbers_are_those_of_the_sheet(run: Path) -> None:
    results = json.loads((run / "results.json").read_text(encoding="utf-8"))
    tone = {"tone": {"question": "Is it polite?", "levels": {"1": "rude", "5": "polite"}}}
    results["controls"]["human"] = {"human": {"criteria": tone, "raters": 3, "rows": 7, "reference": False}}
    (run / "results.json").write_text(json.dumps(results), encoding="utf-8")
    sheets = sheets_of(run)
    assert len(sheets) == 3
    rows = read(sheets[0])
    assert len(rows) == 7
    assert {"tone_A", "tone_B"} <= rows[0].keys()
    assert not {"reference", "clarity_A"} & rows[0].keys()
    assert "tone: Is it polite?\n  1: rude\n  5: polite" in Path("sheets/README.txt").read_text(encoding="utf-8")


def test_another_arm_can_be_the_one_to_compare_with(run: Path, capsys: Captured) -> None:
    assert rate(run, "--out", "s", "--against", "base", "--rows", 5) == 0
    (key,) = (run / "rating").glob("key-*.json")
    assert read_key(key).arms == ("base", "tuned")
    assert rate(run, "--out", "s", "--against", "bse") == 2
    assert "did you mean 'base'?" in capsys.readouterr().err


def test_the_key_and_the_sheets_never_lie_together(run: Path, capsys: Captured) -> None:
    assert rate(run, "--out", run / "rating") == 2
    assert "lies in the run's folder" in capsys.readouterr().err


def test_sheets_that_may_be_filled_in_are_not_overwritten(run: Path, capsys: Captured) -> None:
    (sheet,) = sheets_of(run, "--raters", 1)
    fill(sheet)
    before = sheet.read_bytes()
    assert rate(run, "--out", "sheets") == 2
    assert "sheet-rater-1.csv is there already" in capsys.readouterr().err
    assert sheet.read_bytes() == before


def test_a_run_that_is_repeated_keeps_what_people_said(run: Path, tmp_path: Path) -> None:
    (sheet,) = sheets_of(run, "--rows", 6, "--raters", 1)
    fill(sheet)
    assert rate(run, "--import", sheet) == 0
    names = ("prepare", "tokenise", "configure", "train", "report", "evaluate:exact_match")
    folders = {name: tmp_path / "store" / name / "abc123def456" for name in names}
    for folder in folders.values():
        folder.mkdir(parents=True)
        outputs = {"axolotl.yaml": "digest"} if folder.parent.name == "configure" else {}
        ingredients: dict[str, Any] = {"reads": {}, "config": {}}
        stage = {"key": "k", "ingredients": ingredients, "outputs": outputs, "provenance": {"versions": {}}}
        (folder / "stage.json").write_text(json.dumps(stage), encoding="utf-8")
    for name in ("tokenise/abc123def456/ledger.jsonl", "configure/abc123def456/axolotl.yaml"):
        (tmp_path / "store" / name).write_text("", encoding="utf-8")
    for name in ("report.html", "report.md", "results.json", "samples.jsonl", "scores.jsonl"):
        (folders["report"] / name).write_bytes((run / name).read_bytes())
    (folders["report"] / "report.html").write_text("as the stage wrote it", encoding="utf-8")
    published = runs.publish(tmp_path / "runs", load(write_recipe(tmp_path)), folders)
    assert (published / "report.html").read_text(encoding="utf-8") == "as the stage wrote it"
    (published / "ratings.json").write_bytes((run / "ratings.json").read_bytes())
    runs.publish(tmp_path / "runs", load(write_recipe(tmp_path)), folders)
    assert "What people say" in (published / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("separator", [";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_what_spreadsheets_make_of_a_sheet_is_read(run: Path, separator: str, encoding: str) -> None:
    (sheet,) = sheets_of(run, "--rows", 6, "--raters", 1)
    rows = fill(sheet)
    changed = [dict(reversed(list(row.items()))) for row in reversed(rows)]
    changed[0] |= {"clarity_A": "4.0", "clarity_B": " 4,0 ", "preference": "a", "completeness_A": "Cannot  Judge"}
    write(sheet, changed, separator, encoding)
    assert rate(run, "--import", sheet) == 0
    said = ratings(run)["opinions"]
    last = next(each for each in said if "cannot judge" in json.dumps(each))
    assert [marks["clarity"] for marks in last["marks"].values()] == [4, 4]
    assert last["preference"] in ARMS


def edit(change: Callable[[Rows], object]) -> Callable[[Path], object]:
    def apply(file: Path) -> None:
        rows = read(file)
        changed = change(rows)
        write(file, rows if changed is None else changed)  # type: ignore[arg-type]

    return apply


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (edit(lambda rows: rows[2].update(clarity_A="6")), "item 3: clarity_A is '6': a whole number from 1 to 5"),
        (edit(lambda rows: rows[2].update(clarity_A="-3")), "item 3: clarity_A is '-3'"),
        (edit(lambda rows: rows[2].update(clarity_A="4.5")), "item 3: clarity_A is '4.5'"),
        (edit(lambda rows: rows[0].update(preference="C")), "item 1: preference is 'C': A, B, tie"),
        (edit(lambda rows: rows.pop(3) and rows), "item 4 is missing: put the rows back"),
        (edit(lambda rows: rows[0].update(item="99")), "item '99' is none of this rating, which has 1 to 6"),
        (edit(lambda rows: rows[0].update(item="2")), "item 2 stands there 2 times"),
        (edit(lambda rows: rows[0].update(sheet="deadbeef")), "has to hold one code in all rows"),
        (edit(lambda rows: [r.update(sheet="deadbeef") for r in rows] and rows), "belong to another run"),
        (edit(lambda rows: rows[0].update(rater="ana")), "has to hold one name in all rows"),
        (edit(lambda rows: [{k: v for k, v in r.items() if k != "clarity_B"} for r in rows]), "clarity_B is missing"),
        (edit(lambda rows: [{k: v for k, v in r.items() if k != "sheet"} for r in rows]), "it has no column sheet"),
        (edit(lambda rows: [r | dict.fromkeys([c for c in r if c[-2:] in ("_A", "_B") and c[:6] != "answer"], "")
                            | {"preference": ""} for r in rows]), "nothing is filled in"),
        (lambda file: file.write_bytes(b"PK\x03\x04"), "is a workbook, not a CSV file"),
        (lambda file: file.write_bytes(file.read_bytes() + b"\xe9"), "is not UTF-8"),
        (lambda file: file.write_bytes(b""), "this is no sheet of ours"),
        (lambda file: file.write_text("a,b\n1,2\n"), "it has no column item"),
        (lambda file: file.unlink(), "cannot be read"),
    ],
)  # fmt: skip
def test_a_spoilt_sheet_is_told_and_nothing_is_imported(
    run: Path, capsys: Captured, spoil: Callable[[Path], object], words: str
) -> None:
    (sheet,) = sheets_of(run, "--rows", 6, "--raters", 1)
    fill(sheet)
    spoil(sheet)
    assert rate(run, "--import", sheet) == 2
    assert words in capsys.readouterr().err
    assert not (run / "ratings.json").exists()


def test_every_fault_of_a_sheet_is_told_at_once(run: Path, capsys: Captured) -> None:
    (sheet,) = sheets_of(run, "--rows", 6, "--raters", 1)
    rows = fill(sheet)
    for row in rows:
        row["clarity_A"] = "good"
    write(sheet, rows)
    rate(run, "--import", sheet)
    assert capsys.readouterr().err.count("clarity_A is 'good'") == 6


def test_a_sheet_of_another_run_finds_no_key(run: Path, capsys: Captured) -> None:
    (sheet,) = sheets_of(run, "--rows", 6, "--raters", 1)
    fill(sheet)
    (key,) = (run / "rating").glob("key-*.json")
    moved = key.rename(Path("key.json").resolve())
    assert rate(run, "--import", sheet) == 2
    assert "this run has no key at all" in capsys.readouterr().err
    assert rate(run, "--import", sheet, "--key", moved) == 0


def test_the_key_of_other_sheets_is_refused(run: Path, capsys: Captured) -> None:
    (sheet,) = sheets_of(run, "--rows", 6, "--raters", 1)
    fill(sheet)
    rate(run, "--rows", 5, "--out", "other")
    other = next(file for file in (run / "rating").glob("key-*.json") if len(read_key(file).items) == 5)
    assert rate(run, "--import", sheet, "--key", other) == 2
    assert "is the key of sheets with the code" in capsys.readouterr().err


def test_a_key_that_was_changed_is_refused(run: Path, capsys: Captured) -> None:
    (sheet,) = sheets_of(run, "--rows", 6, "--raters", 1)
    fill(sheet)
    (key,) = (run / "rating").glob("key-*.json")
    data = json.loads(key.read_text(encoding="utf-8"))
    data["items"][0]["a"], data["items"][0]["b"] = data["items"][0]["b"], data["items"][0]["a"]
    key.write_text(json.dumps(data), encoding="utf-8")
    assert rate(run, "--import", sheet) == 2
    assert "was changed since it was written" in capsys.readouterr().err


def test_the_key_of_another_run_is_refused(run: Path, capsys: Captured) -> None:
    (sheet,) = sheets_of(run, "--rows", 6, "--raters", 1)
    fill(sheet)
    results = json.loads((run / "results.json").read_text(encoding="utf-8"))
    (run / "results.json").write_text(json.dumps({**results, "run_id": "999"}), encoding="utf-8")
    assert rate(run, "--import", sheet) == 2
    assert "is run 999" in capsys.readouterr().err


def test_one_rater_is_not_taken_twice(run: Path, capsys: Captured) -> None:
    first, second = sheets_of(run, "--rows", 6)
    fill(first)
    write(second, read(first))
    assert rate(run, "--import", first, second) == 2
    assert "are both of rater-1" in capsys.readouterr().err


def test_a_later_sheet_joins_and_a_corrected_one_replaces(run: Path) -> None:
    first, second = sheets_of(run, "--rows", 6)
    rows = fill(first)
    fill(second)
    assert rate(run, "--import", first) == 0
    assert rate(run, "--import", second) == 0
    assert ratings(run)["summary"]["raters"] == 2
    write(first, [{**row, "comment": "again"} for row in rows])
    assert rate(run, "--import", first) == 0
    again = ratings(run)
    assert again["summary"]["raters"] == 2
    assert {o["comment"] for o in again["opinions"] if o["rater"] == "rater-1"} == {"again"}


def test_cannot_judge_and_empty_cells_are_counted_and_are_no_ratings(run: Path) -> None:
    (sheet,) = sheets_of(run, "--rows", 10, "--raters", 1)
    rows = fill(sheet)
    rows[0] |= {"clarity_A": "cannot judge", "preference": "cannot judge"}
    rows[1] |= {"clarity_B": ""}
    write(sheet, rows)
    assert rate(run, "--import", sheet) == 0
    summary = ratings(run)["summary"]
    assert (summary["cannot_judge"], summary["empty_cells"]) == (1, 1)
    assert summary["preference"]["cannot_judge"] == summary["preference"]["unrated"] == 1
    assert summary["criteria"]["clarity"]["comparison"]["n"] == 8
    assert summary["criteria"]["correctness"]["comparison"]["n"] == 10
    html = (run / "report.html").read_text(encoding="utf-8")
    assert "One rater alone" in html


def test_a_folder_that_is_no_run_is_told(run: Path, capsys: Captured) -> None:
    assert rate("nowhere") == 2
    assert "not the folder of a finished run" in capsys.readouterr().err
    (run / "results.json").write_text("{", encoding="utf-8")
    assert rate(run) == 2
    assert "is damaged" in capsys.readouterr().err


@pytest.mark.parametrize("option", [("--rows", 0), ("--raters", 0)])
def test_nobody_and_nothing_cannot_be_rated(run: Path, capsys: Captured, option: Sequence[object]) -> None:
    assert rate(run, *option) == 2
    assert "at least 1" in capsys.readouterr().err


def test_comments_stay_out_of_the_page(run: Path) -> None:
    (sheet,) = sheets_of(run, "--rows", 6, "--raters", 1)
    rows: list[Mapping[str, str]] = [{**row, "comment": "my phone is 0812"} for row in fill(sheet)]
    write(sheet, [dict(row) for row in rows])
    assert rate(run, "--import", sheet) == 0
    assert "0812" not in (run / "report.html").read_text(encoding="utf-8")
    assert "6 comments in ratings.json" in (run / "report.html").read_text(encoding="utf-8")
