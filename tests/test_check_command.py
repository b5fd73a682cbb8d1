"""`resep check`: its formats, several recipes at once, warnings and `--strict`."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest

from resep import cli
from resep.errors import Problem
from resep.problems import COLOURS, PLAIN, as_github, as_json, format_problem, palette
from tests.conftest import Golden
from tests.mistakes import with_mistake
from tests.recipe_texts import EXAMPLE

Captured = pytest.CaptureFixture[str]
WARNED = EXAMPLE.replace("max_new_tokens: 160", "max_new_tokens: 160\n  temperature: 0.7")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a good recipe, one with a warning and two that are wrong."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.yaml").write_text(EXAMPLE)
    (tmp_path / "warned.yaml").write_text(WARNED)
    (tmp_path / "habit.yaml").write_text(with_mistake("axolotl_bf16"))
    (tmp_path / "typo.yaml").write_text(with_mistake("misspelt_key", with_mistake("percentage")))
    return tmp_path


ALL = ("good.yaml", "warned.yaml", "habit.yaml", "typo.yaml")


@pytest.mark.parametrize("form", ["text", "json", "github"])
@pytest.mark.usefixtures("folder")
def test_the_answer_in_each_format(form: str, capsys: Captured, golden: Golden) -> None:
    assert cli.main(["check", *ALL, "--format", form, "--set", "training.lr=1e-4"]) == 2
    out, err = capsys.readouterr()
    golden(f"check/{form}.txt", out + err)
    assert not (err if form != "text" else out)


@pytest.mark.usefixtures("folder")
def test_json_names_file_line_column_key_and_severity(capsys: Captured) -> None:
    cli.main(["check", *ALL, "--format", "json"])
    found = json.loads(capsys.readouterr().out)
    assert [(p["file"], p["line"], p["where"], p["severity"]) for p in found] == [
        ("habit.yaml", 41, "training.bf16", "error"),
        ("typo.yaml", 37, "training.learning_rte", "error"),
        ("typo.yaml", 43, "training.warmup_ratio", "error"),
        ("warned.yaml", 49, "generation.temperature", "warning"),
    ]
    assert all(set(p) == {"file", "line", "column", "where", "message", "severity"} for p in found)


@pytest.mark.usefixtures("folder")
def test_programs_get_an_answer_for_a_good_recipe_too(capsys: Captured) -> None:
    assert cli.main(["check", "good.yaml", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    assert cli.main(["check", "good.yaml", "--format", "github"]) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.usefixtures("folder")
def test_a_warning_lets_pass_unless_strict(capsys: Captured) -> None:
    assert cli.main(["check", "warned.yaml"]) == 0
    assert "1 warning" in capsys.readouterr().err
    assert cli.main(["check", "warned.yaml", "--strict"]) == 2
    assert "1 error" in capsys.readouterr().err
    assert cli.main(["check", "good.yaml", "--strict"]) == 0


@pytest.mark.usefixtures("folder")
def test_a_file_that_is_missing_has_no_line(capsys: Captured) -> None:
    assert cli.main(["check", "godo.yaml", "--format", "json"]) == 2
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["line"], found["column"]) == (None, None)
    assert "did you mean 'good.yaml'" in found["message"]


def test_an_annotation_escapes_what_would_end_it() -> None:
    problem = Problem("a,b:c.yaml", 3, 5, "x", "50% of\nit: no, none")
    assert as_github([problem]) == "::error file=a%2Cb%3Ac.yaml,line=3,col=5::x: 50%25 of%0Ait: no, none"
    assert "\n" not in as_github([problem])


def test_an_argument_is_annotated_without_a_file() -> None:
    assert as_github([Problem("--set #1", 1, 3, "seed", "wrong")]) == "::error::--set #1: seed: wrong"


def test_text_that_no_terminal_shows_stays_text_in_json() -> None:
    (found,) = json.loads(as_json([Problem("r.yaml", 1, 1, "", 'a "b"\x1b[31m\nŵ')]))
    assert found["message"] == 'a "b"\x1b[31m\nŵ'


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_colours_are_for_terminals_whose_reader_wants_them(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    assert palette(Terminal()) == COLOURS
    assert palette(io.StringIO()) == PLAIN
    monkeypatch.setenv("TERM", "dumb")
    assert palette(Terminal()) == PLAIN
    monkeypatch.delenv("TERM")
    monkeypatch.setenv("NO_COLOR", "1")
    assert palette(Terminal()) == PLAIN


def test_colours_change_no_word(golden: Golden) -> None:
    problems = [
        Problem("r.yaml", 9, 3, "training.lr", "unknown key", source="  lr: 1"),
        Problem("r.yaml", 12, 3, "generation.top_k", "without effect", "warning", "  top_k: 1"),
    ]
    shown = "\n".join(format_problem(problem, COLOURS) for problem in problems)
    assert re.sub(r"\x1b\[[0-9;]*m", "", shown) == "\n".join(map(format_problem, problems))
    golden("check/colours.txt", shown.replace("\x1b", "ESC") + "\n")


def test_nothing_of_a_recipe_reaches_the_terminal_as_a_command() -> None:
    shown = format_problem(Problem("\x1b[2J.yaml", 1, 1, "\x1b]0;x\x07", "not '\x1b[31m'", source="\x1b[31mred"))
    assert "\x1b" not in shown
    assert "\x07" not in shown
