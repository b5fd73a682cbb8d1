"""A recipe with a judge: its own criteria are metrics, what is sent where is told, and nobody to ask is no mistake."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from resep.capabilities import capabilities
from resep.cli import main
from resep.endpoints.consent import agree, destinations
from resep.errors import RecipeError
from resep.pipeline import model_names
from resep.recipe import Recipe, load
from resep.stages.evaluate import _config, _located
from resep.stages.report import render, write_report
from tests.fake_run import CONFIG, fake_run
from tests.recipe_texts import write_recipe

HEAD = """\
resep: 1
name: judged
model: {base: smollm2-135m-instruct}
data: {sources: [{path: rows.jsonl, format: prompt_response}]}
"""
TONE = {"tone": {"question": "Is it polite?", "levels": {"1": "rude", "5": "polite"}}}
SERVER = {"endpoint": "https://judge.example/v1", "model": "big"}


def text(judge: dict[str, Any], primary: str = "exact_match", **expected: str) -> str:
    evaluation = {"primary": primary, "evaluators": {"exact_match": {}, "judge": judge}}
    return f"{HEAD}evaluation: {json.dumps(evaluation)}\nexpect: {json.dumps(expected)}\n"


def recipe(folder: Path, judge: dict[str, Any], primary: str = "exact_match", **expected: str) -> Recipe:
    (folder / "rows.jsonl").write_text('{"prompt": "a", "response": "b"}\n', encoding="utf-8")
    return load(write_recipe(folder, text(judge, primary, **expected)))


def test_a_criterion_of_the_recipe_may_decide(tmp_path: Path) -> None:
    found = recipe(tmp_path, {**SERVER, "criteria": TONE}, "judge_tone", **{"judge_tone.delta": "> 0.5"})
    assert found["evaluation.primary"] == "judge_tone"


@pytest.mark.parametrize(
    ("judge", "primary", "words"),
    [
        ({**SERVER, "criteria": TONE}, "judge_clarity", "judge does not give 'judge_clarity' with the options"),
        ({**SERVER, "criteria": TONE}, "judge_tune", "did you mean 'judge_tone'"),
        ({}, "judge_clarity", "judge does not give 'judge_clarity' with the options"),
        (SERVER, "judge_preference", "judge does not give 'judge_preference'"),
    ],
)
def test_a_metric_that_nobody_measures_cannot_decide(
    tmp_path: Path, judge: dict[str, Any], primary: str, words: str
) -> None:
    with pytest.raises(RecipeError, match=words):
        recipe(tmp_path, judge, primary)


def test_an_expectation_beyond_the_scale_of_a_criterion_is_told(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no result can meet this: judge_tone goes from 1 to 5"):
        recipe(tmp_path, {**SERVER, "criteria": TONE}, **{"judge_tone.mean": "> 5"})


def test_what_is_the_same_by_definition_cannot_be_expected(tmp_path: Path) -> None:
    both = {**SERVER, "mode": "both"}
    with pytest.raises(RecipeError, match=r"the same by definition; .*: write judge_preference.delta"):
        recipe(tmp_path, both, **{"judge_preference.mean": "> 0.4"})
    recipe(tmp_path, both, **{"judge_preference.delta": "> 0.1", "judge_preference.baseline_mean": "< 0.4"})


def test_a_judge_with_nobody_to_ask_is_a_warning_and_no_mistake(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = recipe(tmp_path, {})
    assert ["the judge is skipped" in warning.message for warning in found.warnings].count(True) == 1
    assert main(["check", str(found.path)]) == 0
    assert "the judge is skipped: it has nobody to ask" in "".join(capsys.readouterr())


def test_what_a_judge_is_sent_is_told_before_the_run(tmp_path: Path) -> None:
    found = recipe(tmp_path, {**SERVER, "api_key_env": "KEY"})
    (server,) = destinations(found)
    assert server.asked_by == "evaluation.evaluators.judge"
    sends = dict(capabilities(found, tmp_path, tmp_path))["sends"]
    assert "https://judge.example with the key in KEY for evaluation.evaluators.judge (only after you agree" in sends
    agree("https://judge.example=KEY")
    assert "(agreed to)" in dict(capabilities(found, tmp_path, tmp_path))["sends"]


def test_personal_data_on_its_way_to_a_judge_is_warned_of(tmp_path: Path) -> None:
    warnings = [warning.where for warning in recipe(tmp_path, SERVER).warnings]
    assert warnings == ["evaluation.evaluators.judge.endpoint"]


def test_a_run_with_a_judge_stops_before_anything_is_sent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(recipe(tmp_path, SERVER).path), "--store", str(tmp_path / "store")]) == 2
    assert "add --send-to https://judge.example" in capsys.readouterr().err


def test_a_judge_in_a_folder_is_found_beside_the_recipe_and_keyed_by_its_files(tmp_path: Path) -> None:
    (tmp_path / "small").mkdir()
    (tmp_path / "small" / "config.json").write_text("{}", encoding="utf-8")
    found = recipe(tmp_path, {"model": "./small"})
    located = _located(found, "judge")
    assert Path(located["model"]) == tmp_path / "small"
    assert _config(found, "judge", located)["model"].startswith("local:")
    assert (str(tmp_path / "small"), None) in model_names(found)


def test_a_judge_behind_a_server_is_no_model_of_this_machine(tmp_path: Path) -> None:
    assert [name for name, _ in model_names(recipe(tmp_path, SERVER))] == ["smollm2-135m-instruct"]


@pytest.mark.parametrize("option", [{"criteria": {"tone": {}}}, {"raters": 0}, {"rows": -1}])
def test_what_people_are_asked_is_checked(tmp_path: Path, option: dict[str, Any]) -> None:
    (tmp_path / "rows.jsonl").write_text("{}\n", encoding="utf-8")
    evaluation = {"primary": "exact_match", "evaluators": {"exact_match": {}, "human": option}}
    with pytest.raises(RecipeError, match=r"evaluation\.evaluators\.human"):
        load(write_recipe(tmp_path, f"{HEAD}evaluation: {json.dumps(evaluation)}\n"))


def test_a_skipped_judge_is_one_line_of_the_report(tmp_path: Path) -> None:
    inputs = fake_run(tmp_path / "stages")
    (tmp_path / "run").mkdir()
    write_report(inputs, CONFIG, "abc123def456", tmp_path / "run")
    results = json.loads((tmp_path / "run" / "results.json").read_text(encoding="utf-8"))
    results["controls"]["judge"] = {"judge": {"skipped": "judge: skipped, nobody was asked"}}
    (tmp_path / "run" / "results.json").write_text(json.dumps(results), encoding="utf-8")
    render(tmp_path / "run")
    for name in ("report.html", "report.md"):
        assert (tmp_path / "run" / name).read_text(encoding="utf-8").count("judge: skipped, nobody was asked.") == 1
