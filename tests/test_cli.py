"""What a person sees and what their shell gets: messages, exit codes, never a traceback."""

import re
import shutil
from pathlib import Path

import pytest

from resep import cli
from resep.errors import StageError
from resep.paths import data_folder
from tests.recipe_texts import EXAMPLE

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The quickstart in a folder of its own, which is the current one."""
    (tmp_path / "data").mkdir()
    shutil.copy(data_folder("recipes") / "data" / "quickstart.jsonl", tmp_path / "data")
    shutil.copy(data_folder("recipes") / "quickstart.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return Path("quickstart.yaml")


def _err(capsys: Captured) -> str:
    return capsys.readouterr().err


def test_a_good_recipe_is_checked_with_exit_code_0(recipe: Path, capsys: Captured) -> None:
    assert cli.main(["check", str(recipe)]) == 0
    assert "nothing wrong" in capsys.readouterr().out


def test_a_wrong_recipe_is_shown_with_place_and_caret_and_nothing_runs(recipe: Path, capsys: Captured) -> None:
    recipe.write_text(recipe.read_text().replace("learning_rate:", "learning_rte:"))
    assert cli.main([str(recipe)]) == 2
    shown = _err(capsys)
    assert re.search(r"quickstart\.yaml:\d+:3: training\.learning_rte: .*did you mean 'learning_rate'", shown)
    assert "\n  ^" in shown or "^" in shown
    assert not Path("runs").exists()


def test_several_recipes_are_checked_at_once(recipe: Path, capsys: Captured) -> None:
    Path("wrong.yaml").write_text(EXAMPLE.replace("seed: 42", "seed: many"))
    assert cli.main(["check", str(recipe), "wrong.yaml"]) == 2
    shown = _err(capsys)
    assert "wrong.yaml" in shown
    assert "quickstart.yaml" not in shown


def test_an_override_is_checked_like_the_recipe(recipe: Path, capsys: Captured) -> None:
    assert cli.main(["check", str(recipe), "--set", "training.learning_rate=fast"]) == 2
    assert "--set #1" in _err(capsys)


def test_a_misspelt_command_is_not_taken_for_a_recipe(recipe: Path, capsys: Captured) -> None:
    assert recipe.exists()
    assert cli.main(["chekc"]) == 2
    assert "did you mean 'check'" in _err(capsys)


def test_a_missing_recipe_names_the_nearest(recipe: Path, capsys: Captured) -> None:
    assert recipe.exists()
    assert cli.main(["quikstart.yaml"]) == 2
    assert "did you mean 'quickstart.yaml'" in _err(capsys)


def test_no_words_show_the_commands(capsys: Captured) -> None:
    assert cli.main([]) == 2
    assert "check" in capsys.readouterr().out
    assert cli.main(["--help"]) == 0


def test_the_version_is_told(capsys: Captured) -> None:
    assert cli.main(["--version"]) == 0
    assert re.fullmatch(r"resep \d+\.\d+\.\d+\n", capsys.readouterr().out)


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_every_command_explains_itself(command: str, capsys: Captured) -> None:
    assert cli.main([command, "--help"]) == 0
    assert "usage: resep" in capsys.readouterr().out


def test_a_missing_comma_in_the_data_is_a_failed_stage_with_its_place(recipe: Path, capsys: Captured) -> None:
    data = Path("data/quickstart.jsonl")
    lines = data.read_text().splitlines()
    lines[6] = '{"prompt": "how", "response": ["open" "close"], "category": "email", "language": "en"}'
    data.write_text("\n".join(lines))
    assert cli.main([str(recipe), "--until", "prepare"]) == 1
    shown = _err(capsys)
    assert "prepare failed" in shown
    assert "data/quickstart.jsonl:7:39" in shown
    assert "comma" in shown
    assert "Traceback" not in shown


def test_a_missing_data_file_names_the_nearest(recipe: Path, capsys: Captured) -> None:
    Path("data/quickstart.jsonl").rename("data/quickstrat.jsonl")
    assert cli.main([str(recipe)]) == 2
    assert "quickstrat.jsonl" in _err(capsys)


def test_prepare_alone_runs_without_any_model(recipe: Path, capsys: Captured) -> None:
    assert cli.main([str(recipe), "--until", "prepare"]) == 0
    assert re.search(r"prepare: runs/\.store/prepare/\w+", capsys.readouterr().out)


def test_a_plan_tells_reasons_and_touches_nothing(recipe: Path, capsys: Captured) -> None:
    assert cli.main(["plan", str(recipe)]) == 0
    out = capsys.readouterr().out
    assert re.search(r"^prepare +run, for the first time$", out, re.M)
    assert re.search(r"^train +run if configure, tokenise change$", out, re.M)
    assert "executes   no code of the recipe" in out
    assert not Path("runs").exists()


def test_a_plan_after_a_run_says_what_changed(recipe: Path, capsys: Captured) -> None:
    cli.main([str(recipe), "--until", "prepare"])
    cli.main(["plan", str(recipe)])
    assert re.search(r"^prepare +reuse$", capsys.readouterr().out, re.M)
    cli.main(["plan", str(recipe), "--set", "split.salt=two"])
    assert re.search(r'^prepare +run, because split\.salt: "1" -> "two"$', capsys.readouterr().out, re.M)


def test_code_beside_a_recipe_runs_only_when_trusted(recipe: Path, capsys: Captured) -> None:
    Path("preprocessing").mkdir()
    Path("preprocessing/shout.py").write_text('"""Shout."""\ndef transform_text(text: str) -> str:\n    return text\n')
    recipe.write_text(recipe.read_text().replace("  - lowercase\n", "  - shout\n"))
    assert cli.main([str(recipe), "--until", "prepare"]) == 2
    shown = _err(capsys)
    assert "brings code of its own" in shown
    assert "--trust" in shown
    assert cli.main([str(recipe), "--until", "prepare", "--trust", "preprocessing/shout.py"]) == 0
    assert cli.main([str(recipe), "--until", "prepare"]) == 0  # remembered


def test_the_schema_is_printed(capsys: Captured) -> None:
    assert cli.main(["schema"]) == 0
    assert '"http://json-schema.org/draft-07/schema#"' in capsys.readouterr().out


def test_everything_there_is_can_be_listed(recipe: Path, capsys: Captured) -> None:
    assert recipe.exists()
    assert cli.main(["list"]) == 0
    out = capsys.readouterr().out
    for name in ("quickstart", "placeholders", "axolotl", "bertscore", "mistral"):
        assert name in out


def test_a_file_is_scored_without_a_recipe(recipe: Path, capsys: Captured) -> None:
    assert recipe.exists()
    Path("s.jsonl").write_text('{"id": "1", "output": "a", "target": "a"}\n{"id": "2", "output": "A", "target": "a"}\n')
    assert cli.main(["score", "s.jsonl", "--with", "exact_match"]) == 0
    assert re.search(r"exact_match +model +0\.5000 +2 rows", capsys.readouterr().out)
    assert cli.main(["score", "s.jsonl", "--with", "exact_match", "--set", "exact_match.ignore_case=true"]) == 0
    assert "1.0000" in capsys.readouterr().out


def test_an_option_of_an_evaluator_that_is_not_asked_for_is_refused(recipe: Path, capsys: Captured) -> None:
    assert recipe.exists()
    assert cli.main(["score", "s.jsonl", "--with", "exact_match", "--set", "exact_mach.ignore_case=true"]) == 2
    assert "did you mean 'exact_match'" in _err(capsys)


def test_a_failed_stage_names_its_log(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    def fail(_: list[str]) -> int:
        raise StageError("train", "memory ran out", Path("runs/log.txt"))

    monkeypatch.setattr(cli, "_dispatch", fail)
    assert cli.main([]) == 1
    assert "train failed: memory ran out\nIts log: runs/log.txt" in _err(capsys)


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (KeyboardInterrupt(), 130, "the same command goes on"),
        (OSError(28, "No space left on device", "model.bin"), 1, "the disk is full"),
        (ZeroDivisionError("division by zero"), 3, "This is a bug in Resep"),
    ],
)
def test_no_exception_shows_a_traceback(
    error: BaseException, code: int, words: str, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    def fail(_: list[str]) -> int:
        raise error

    monkeypatch.setattr(cli, "_dispatch", fail)
    assert cli.main([]) == code
    shown = _err(capsys)
    assert words in shown
    assert "Traceback" not in shown


def test_a_bug_leaves_its_traceback_in_a_file(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    monkeypatch.setattr(cli, "_dispatch", lambda _: 1 // 0)
    assert cli.main([]) == 3
    log = Path(_err(capsys).split()[-1])
    assert "ZeroDivisionError" in log.read_text()
    log.unlink()


@pytest.mark.parametrize("command", ["preview", "convert"])
def test_a_store_that_cannot_be_written_is_told_by_every_command_that_runs_stages(
    command: str, recipe: Path, capsys: Captured
) -> None:
    Path("file").write_text("")
    assert cli.main([command, str(recipe), "--store", "file/store"]) == 2
    assert "cannot write to the store" in _err(capsys)
