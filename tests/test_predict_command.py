"""`resep predict` at the terminal, with an answering model that is a stub: what it warns of, and what it does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from resep import cli, predicting
from resep.errors import ResepError
from resep.models import Model
from resep.predicting import handed_over
from resep.predicting.opening import OpenedRun
from resep.recipe import load
from resep.records import Sample
from resep.repeatable import write_repeatable
from resep.run_folder import find_run
from tests.recipe_texts import SMALLEST, write_recipe


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the recipe that a run leaves; the model answers everything with `tap it`."""
    write_repeatable(load(write_recipe(tmp_path, SMALLEST)), tmp_path / "recipe", {"data.sources[0].path": "digest"})

    def opened(named: str, overrides: list[str], emit: Any) -> OpenedRun:  # noqa: ARG001
        return OpenedRun(tmp_path, load(tmp_path / "recipe" / "recipe.yaml", overrides), Model("m#1", Path))

    def predict(run: OpenedRun, arm: str, examples: list[Any], store: Path, emit: Any) -> list[Sample]:  # noqa: ARG001
        return [Sample(example.id, arm, "", "tap it") for example in examples]

    monkeypatch.setattr(handed_over, "open_named", opened)
    monkeypatch.setattr(predicting, "predict", predict)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "asked.txt").write_text("how?\n", encoding="utf-8")
    return tmp_path


def test_nothing_is_warned_of_that_resep_itself_wrote(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert load(
        run / "recipe" / "recipe.yaml"
    ).warnings  # temperature and its like, written out beside do_sample: false
    for more in ([], ["--set", "generation.max_new_tokens=100"]):
        assert cli.main(["predict", str(run), "asked.txt", *more]) == 0
        said = capsys.readouterr()
        assert (said.out.count("tap it"), "warning" in said.err) == (1, False)


def test_what_was_typed_is_warned_of(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["predict", str(run), "asked.txt", "--set", "generation.max_new_tokens=2"]) == 0
    assert "--set #1:1" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["verify", "predict"])
def test_without_a_run_the_next_step_is_said(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "asked.txt").write_text("how?\n", encoding="utf-8")
    more = ["asked.txt"] if command == "predict" else []
    assert cli.main([command, "quickstart", *more]) == 2
    assert "runs holds none yet: `resep run RECIPE` makes one" in capsys.readouterr().err
    assert cli.main([command, "recipes/quickstart.yaml", *more]) == 2
    assert "`resep run recipes/quickstart.yaml` makes a run" in capsys.readouterr().err


def test_a_run_is_still_looked_for_by_its_nearest_name(tmp_path: Path) -> None:
    (tmp_path / "runs" / "quickstart" / "0123").mkdir(parents=True)
    (tmp_path / "runs" / "quickstart" / "0123" / "results.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ResepError, match="did you mean 'quickstart'"):
        find_run("quikstart", tmp_path / "runs")
