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


def add_metric(run: Path, name: str, evaluator: str, values: dict[tuple[str, str], float], **facts: Any) -> None:
    """A metric of another evaluator: (arm, row) -> value."""

    def edit(results: dict[str, Any]) -> None:
        results["metrics"][name] = {**results["metrics"]["exact_match"], "evaluator": evaluator, "primary": False}
        results["metrics"][name] |= {"signature": f"{evaluator}|version:1", **facts}

    edit_json(run / "results.json", edit)
    lines = [{"id": row, "arm": arm, "values": {name: value}} for (arm, row), value in values.items()]
    edit_lines(run / "scores.jsonl", lambda known: [*known, *lines])


def test_runs_of_the_same_name_in_different_folders_are_not_mixed_up(
    runs: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "elsewhere" / "fake" / "first"
    shutil.copytree(runs[0], copy)
    answer_as_base(copy)
    assert cli.main(["compare", str(copy), "fake/first", "--json"]) == 0
    [found] = json.loads(capsys.readouterr().out)
    assert found["metrics"]["order_accuracy"]["delta"] > 0
    assert (found["baseline"], found["candidate"]) == (f"{copy} (tuned)", f"{runs[0]} (tuned)")


@pytest.mark.parametrize("facts", [{"relative": True}, {}], ids=["a run of today", "an older run"])
def test_a_number_that_is_relative_to_another_arm_of_its_run_is_left_out(
    runs: tuple[Path, Path], capsys: pytest.CaptureFixture[str], facts: dict[str, Any]
) -> None:
    for run, base in zip(runs, (0.1, 0.9), strict=True):
        given = {(arm, f"row-{n:03d}"): value for arm, value in (("tuned", 0.5), ("base", base)) for n in range(45)}
        add_metric(run, "judge_preference", "judge", given, **facts)
    found = compared(capsys)
    assert "judge_preference" not in found["metrics"]
    assert "beside another of its own run" in found["left_out"]["judge_preference"]


def test_a_metric_with_rows_of_its_own_is_compared_on_them(
    runs: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    for run, right in zip(runs, (0.0, 1.0), strict=True):
        add_metric(run, "general_accuracy", "forgetting", {("tuned", f"question-{n}"): right for n in range(20)})
    found = compared(capsys)
    assert found["own_rows"] == {"forgetting": 20}
    general = found["metrics"]["general_accuracy"]
    assert (general["n"], general["delta"], general["outcome"]) == (20, 1.0, "better")
    assert found["metrics"]["order_accuracy"]["n"] == 45
    assert cli.main(["compare", "fake/first", "fake/second"]) == 0
    assert "rows   20 more of forgetting's own" in capsys.readouterr().out


def test_an_option_that_an_older_run_does_not_know_had_its_default(
    runs: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    key = "evaluation.evaluators.order_accuracy.threshold"
    edit_json(runs[0] / "results.json", lambda results: results["settings"].pop(key))
    found = compared(capsys)  # with equal signatures
    assert found["left_out"] == {}

    def sign(results: dict[str, Any]) -> None:
        for metric in results["metrics"].values():
            metric["signature"] += "|version:0" if metric["evaluator"] == "order_accuracy" else ""

    edit_json(runs[0] / "results.json", sign)
    found = compared(capsys)  # with the default, 0.3
    assert found["left_out"] == {}
    assert any(note.startswith("order_accuracy was computed otherwise") for note in found["notes"])
    edit_json(runs[1] / "results.json", lambda results: results["settings"].update({key: 0.6}))
    assert "threshold" in compared(capsys)["left_out"]["order_accuracy"]
