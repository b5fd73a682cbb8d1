"""`resep compare`: runs side by side, on the rows that both were asked, with everything else that differs told."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from resep import cli
from resep.plugins.trust import trust
from tests.finished_run import edit_json, edit_lines, finished_run


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("settings")))
        yield finished_run(tmp_path_factory.mktemp("run"))


@pytest.fixture
def runs(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Two equal runs, `fake/first` and `fake/second`, under the current folder."""
    monkeypatch.chdir(tmp_path)
    first, second = (tmp_path / "runs" / "fake" / name for name in ("first", "second"))
    shutil.copytree(made, first)
    shutil.copytree(made, second)
    trust(first / "recipe" / "evaluators" / "word_recall.py")
    return first, second


def compared(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert cli.main(["compare", "fake/first", "fake/second", "--json", *arguments]) == 0
    [found] = json.loads(capsys.readouterr().out)
    return dict(found)


def answer_as_base(run: Path) -> None:
    """The tuned arm of this run scored what base did."""

    def edit(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
        kept = [line for line in lines if line["arm"] != "tuned"]
        return kept + [{**line, "arm": "tuned"} for line in lines if line["arm"] == "base"]

    edit_lines(run / "scores.jsonl", edit)


@pytest.mark.usefixtures("runs")
def test_a_run_does_not_differ_from_itself(capsys: pytest.CaptureFixture[str]) -> None:
    found = compared(capsys)
    assert found["rows"]["common"] == 45
    assert (found["notes"], found["left_out"]) == ([], {})
    assert {c["delta"] for c in found["metrics"].values()} == {0.0}
    assert {c["outcome"] for c in found["metrics"].values() if c["p_adjusted"] is not None} == {"no_difference"}


def test_a_difference_is_that_of_the_report_on_the_same_rows(
    runs: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    answer_as_base(runs[0])
    found = compared(capsys)
    results = json.loads((runs[1] / "results.json").read_text())
    for name in ("order_accuracy", "exact_match", "word_recall"):
        reported = next(c for c in results["metrics"][name]["comparisons"] if c["baseline"] == "base")
        same = {key: found["metrics"][name][key] for key in ("delta", "ci_low", "ci_high", "p", "n", "wins", "mde")}
        assert same == {key: reported[key] for key in same}
    assert found["metrics"]["order_accuracy"]["outcome"] == "better"


def test_an_arm_is_chosen_once_for_all_or_for_each(runs: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    del runs
    assert compared(capsys, "--arm", "base")["metrics"]["order_accuracy"]["delta"] == 0
    found = compared(capsys, "--arm", "base", "--arm", "tuned")
    assert (found["baseline"], found["candidate"]) == ("fake/first (base)", "fake/second (tuned)")
    assert found["metrics"]["order_accuracy"]["delta"] > 0
    assert cli.main(["compare", "fake/first", "fake/second", "--arm", "tunned"]) == 2
    assert "did you mean 'tuned'" in capsys.readouterr().err


def test_rows_that_were_not_asked_alike_are_left_out_and_counted(
    runs: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    def edit(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
        tuned = {line["id"]: line for line in lines if line["arm"] == "tuned"}
        tuned["row-000"]["prompt"][-1]["content"] = "another question"
        tuned["row-001"]["target"] = ["another answer"]
        tuned["row-002"]["id"] = "row-900"
        tuned["row-003"]["prompt"].insert(0, {"role": "system", "content": "Be kind."})
        return list(tuned.values())

    edit_lines(runs[1] / "samples.jsonl", edit)
    found = compared(capsys)
    told = {"common": 42, "only_first": 1, "only_second": 1, "asked_differently": 2, "other_system": 1}
    assert found["rows"] == told
    assert found["metrics"]["order_accuracy"]["n"] == 42
    assert found["notes"] == ["the system text differs in 1 of the common rows"]


def test_other_settings_and_arms_are_told(runs: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    def edit(results: dict[str, Any]) -> None:
        results["settings"]["training.learning_rate"] = 0.5
        results["arms"]["tuned"]["decoding"] = {"do_sample": True}

    edit_json(runs[1] / "results.json", edit)
    notes = compared(capsys)["notes"]
    assert 'decoding: {"do_sample": false, "max_new_tokens": 160} -> {"do_sample": true}' in notes
    assert any(note.startswith("training.learning_rate: ") and note.endswith("-> 0.5") for note in notes)


def test_a_metric_computed_with_other_options_is_left_out(
    runs: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    def edit(results: dict[str, Any]) -> None:
        results["settings"]["evaluation.evaluators.order_accuracy.threshold"] = 0.6
        del results["metrics"]["exact_match"]
        for metric in results["metrics"].values():
            metric["signature"] += "|version:2" if metric["evaluator"] == "length" else ""

    edit_json(runs[1] / "results.json", edit)
    found = compared(capsys)
    assert "order_accuracy" not in found["metrics"]
    assert "other options (evaluation.evaluators.order_accuracy.threshold)" in found["left_out"]["sequence_f1"]
    assert "one of the runs only" in found["left_out"]["exact_match"]
    assert any(note.startswith("length was computed otherwise") for note in found["notes"])


def test_the_table_has_a_verdict_in_words(runs: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    answer_as_base(runs[0])
    assert cli.main(["compare", "fake/first", "fake/second"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("first  fake/first (tuned)\nthis   fake/second (tuned)\nrows   45 rows in common\n")
    line = next(line for line in out.splitlines() if line.startswith("order_accuracy ↑"))
    assert line.endswith("better")
    assert "p-values: order_accuracy alone" in out


def test_runs_without_a_common_row_are_refused(runs: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    edit_lines(runs[1] / "samples.jsonl", lambda lines: [{**line, "id": f"x{line['id']}"} for line in lines])
    assert cli.main(["compare", "fake/first", "fake/second"]) == 2
    assert "no test row in common" in capsys.readouterr().err


def test_one_run_alone_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["compare", "fake"]) == 2
    assert "two runs or more" in capsys.readouterr().err
