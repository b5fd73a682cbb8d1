"""How a run ends when its report is there: good, or with exit code 4 where an `expect` was not met."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from resep import cli, pipeline, runs
from resep.stages.report import write_report
from tests.fake_run import CONFIG, fake_run
from tests.recipe_texts import SMALLEST, write_recipe


def ended(folder: Path, monkeypatch: pytest.MonkeyPatch, **expected: str) -> int:
    """The exit code of a run whose stages are stubs; its report is a real one, of made-up answers."""
    kept = {key: value for key, value in CONFIG.items() if not key.startswith("expect.")}
    report = folder / "runs" / "fake" / "0123456789ab"
    report.mkdir(parents=True)
    conditions = {f"expect.{key.replace('__', '.')}": value for key, value in expected.items()}
    write_report(fake_run(folder / "stages"), {**kept, **conditions}, report.name, report)
    folders: dict[str, Path] = {"report": report}

    def instead(*_: Any, **__: Any) -> Any:
        return folders

    monkeypatch.setattr(pipeline, "plan", lambda *_, **__: [])
    monkeypatch.setattr(pipeline, "run", instead)
    monkeypatch.setattr(runs, "publish", lambda *_, **__: report)
    monkeypatch.chdir(folder)
    recipe = write_recipe(folder, SMALLEST)
    (folder / "rows.jsonl").write_text('{"prompt": "a", "response": "b"}\n' * 9, encoding="utf-8")
    return cli.main(["run", str(recipe), "--store", str(folder / "store")])


def test_a_run_that_does_not_show_what_was_expected_ends_with_4(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(tmp_path, monkeypatch, order_accuracy__delta="> 0", bertscore_f1__delta=">= 0.5") == 4
    out = capsys.readouterr().out
    assert "Not met: bertscore_f1.delta >= 0.5: does not hold, measured" in out
    assert "Not met: order_accuracy" not in out
    assert "report.html" in out


def test_a_run_that_shows_it_ends_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(tmp_path, monkeypatch, order_accuracy__delta="> 0") == 0
    assert "Not met" not in capsys.readouterr().out


def test_what_cannot_be_told_is_not_met(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(tmp_path, monkeypatch, invented__delta="> 0") == 4
    assert "Not met: invented.delta > 0: does not hold, because no evaluator gives" in capsys.readouterr().out
