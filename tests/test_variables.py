"""`${name}` in paths, ids and endpoints, and nowhere else; the environment only where the person says so."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resep import cli
from resep.errors import Problem, RecipeError, ResepError
from resep.problems import format_problems
from resep.recipe import Recipe, load
from resep.recipe.variables import looks_like_a_secret
from tests.conftest import Golden
from tests.recipe_texts import SMALLEST, write_recipe

TEXT = SMALLEST.replace("rows.jsonl", "${folder}/rows.jsonl") + "variables: {folder: mine}\n"


def read(folder: Path, text: str, *overrides: str, environment: Mapping[str, str] | None = None) -> Recipe:
    return load(write_recipe(folder, text), overrides, environment=environment)


def problems(folder: Path, text: str, *overrides: str, environment: Mapping[str, str] | None = None) -> list[Problem]:
    with pytest.raises(RecipeError) as caught:
        read(folder, text, *overrides, environment=environment)
    return list(caught.value.problems)


def test_a_variable_is_replaced_in_a_path_and_the_value_keeps_its_place(tmp_path: Path) -> None:
    recipe = read(tmp_path, TEXT)
    assert recipe["data.sources[0].path"] == "mine/rows.jsonl"
    assert recipe.locate("data.sources[0].path") == tmp_path / "mine" / "rows.jsonl"
    assert str(recipe.origin("data.sources[0].path")).endswith("recipe.yaml:7")


@pytest.mark.parametrize(("written", "text"), [("abc", "abc"), ("12", "12"), ("true", "true"), ("'007'", "007")])
def test_a_whole_path_may_be_a_variable_and_its_value_a_number(written: str, text: str, tmp_path: Path) -> None:
    recipe = read(tmp_path, SMALLEST.replace("rows", "${name}") + f"variables: {{name: {written}}}\n")
    assert recipe["data.sources[0].path"] == f"{text}.jsonl"
    whole = SMALLEST.replace("rows.jsonl", "${file}") + "variables: {file: a.csv}\n"
    assert read(tmp_path, whole)["data.sources[0].path"] == "a.csv"


def test_ids_and_revisions_and_encoders_know_variables(tmp_path: Path) -> None:
    text = """\
resep: 1
name: x
model: {base: "${team}/tiny", revision: "${revision}"}
data: {sources: [{path: rows.jsonl}]}
evaluation: {primary: bertscore_f1, evaluators: {bertscore: {encoder: "${team}/encoder@${revision}"}}}
variables: {team: us, revision: 0a1b2c}
"""
    recipe = read(tmp_path, text)
    assert (recipe["model.base"], recipe["model.revision"]) == ("us/tiny", "0a1b2c")
    assert recipe.evaluators["bertscore"]["encoder"] == "us/encoder@0a1b2c"


@pytest.mark.parametrize("text", ["it costs ${5}", "${folder}", "${env:HOME}", "$5 and {{ x }}", "${", "${}"])
def test_everywhere_else_it_stays_text(text: str, tmp_path: Path) -> None:
    recipe = read(tmp_path, TEXT + f"prompt: {{system: '{text}'}}\ndescription: '{text}'\n")
    assert recipe["prompt.system"] == recipe["description"] == text


def test_a_child_and_the_command_line_give_other_values(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(TEXT)
    text = "extends: base.yaml\nvariables: {folder: yours}\n"
    assert read(tmp_path, text)["data.sources[0].path"] == "yours/rows.jsonl"
    assert read(tmp_path, text, "variables.folder=ours")["data.sources[0].path"] == "ours/rows.jsonl"


def test_a_path_that_begins_with_a_variable_is_relative_to_the_file_that_gives_its_value(tmp_path: Path) -> None:
    (tmp_path / "team").mkdir()
    (tmp_path / "team" / "base.yaml").write_text(TEXT)
    path = write_recipe(tmp_path, "extends: team/base.yaml\n")
    assert load(path).locate("data.sources[0].path") == tmp_path / "team" / "mine" / "rows.jsonl"
    path = write_recipe(tmp_path, "extends: team/base.yaml\nvariables: {folder: yours}\n")
    assert load(path).locate("data.sources[0].path") == tmp_path / "yours" / "rows.jsonl"


def test_a_typed_variable_may_lead_anywhere_but_what_the_recipe_adds_stays_below(tmp_path: Path) -> None:
    recipe = read(tmp_path, TEXT, "variables.folder=/mnt/data")
    assert recipe.locate("data.sources[0].path") == Path("/mnt/data/rows.jsonl")
    (found,) = problems(tmp_path, TEXT.replace("}/rows", "}/../../rows"), "variables.folder=/mnt/data")
    assert "leads out" in found.message


@pytest.mark.parametrize("value", ["../up", "/etc", "~/x"])
def test_a_variable_of_the_recipe_leads_no_further_than_a_path(value: str, tmp_path: Path) -> None:
    (found,) = problems(tmp_path, TEXT.replace("mine", value))
    assert found.where == "data.sources[0].path"


def test_the_environment_is_seen_only_where_the_person_lets_it_through(tmp_path: Path) -> None:
    text = SMALLEST.replace("rows.jsonl", "${env:DATA_DIR}/rows.jsonl")
    (found,) = problems(tmp_path, text)
    assert "--allow-env DATA_DIR" in found.message
    recipe = read(tmp_path, text, environment={"DATA_DIR": "/mnt/data"})
    assert recipe.locate("data.sources[0].path") == Path("/mnt/data/rows.jsonl")
    (found,) = problems(tmp_path, text.replace("/rows", "/../rows"), environment={"DATA_DIR": "/mnt/data"})
    assert "leads out" in found.message


@pytest.mark.parametrize("name", ["HF_TOKEN", "AWS_SECRET_ACCESS_KEY", "PGPASSWORD_PASSWORD", "OPENAI_API_KEY"])
def test_a_secret_is_never_let_through(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "s3cret")
    path = write_recipe(tmp_path, SMALLEST.replace("rows.jsonl", f"${{env:{name}}}.jsonl"))
    with pytest.raises(RecipeError) as caught:
        load(path)
    assert "never let through" in caught.value.problems[0].message
    assert cli.main(["plan", str(path), "--allow-env", name]) == 2


def test_names_of_secrets_are_told_from_others() -> None:
    assert not any(map(looks_like_a_secret, ["DATA_DIR", "HOME", "KEYBOARD", "MONKEY", "TOKENIZERS_PARALLELISM"]))


def test_the_commands_let_a_variable_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RESEP_TEST_ROWS", "some")
    path = str(write_recipe(tmp_path, SMALLEST.replace("rows.jsonl", "${env:RESEP_TEST_ROWS}.jsonl")))
    assert cli.main(["check", path]) == 2
    assert "--allow-env RESEP_TEST_ROWS" in capsys.readouterr().err
    assert cli.main(["check", path, "--allow-env", "RESEP_TEST_ROWS"]) == 0
    assert cli.main(["check", path, "--allow-env", "RESEP_TEST_NONE"]) == 2
    assert "no such variable" in capsys.readouterr().err


def test_a_variable_that_nothing_uses_is_a_warning(tmp_path: Path) -> None:
    (warning,) = read(tmp_path, SMALLEST + "variables: {folder: mine}\n").warnings
    assert (warning.severity, warning.where) == ("warning", "variables.folder")


def test_a_link_is_no_way_out_of_the_folder_of_a_variable(tmp_path: Path) -> None:
    (tmp_path / "mine").symlink_to("/etc")
    with pytest.raises(ResepError, match="through a link"):
        read(tmp_path, TEXT).locate("data.sources[0].path")


SCREENS = {
    "unknown_variable": TEXT.replace("${folder}", "${foldr}"),
    "variable_of_a_wrong_type": TEXT.replace("folder: mine", "folder: 1e400, other: [a], third: 1.10"),
    "variable_within_a_variable": TEXT.replace("folder: mine", "folder: 'a${other}', other: b"),
    "variable_without_an_end": TEXT.replace("${folder}", "${folder"),
    "environment_variable": SMALLEST.replace("rows.jsonl", "${env:DATA_DIR}/rows.jsonl"),
    "environment_variable_with_a_default": SMALLEST.replace("rows.jsonl", "${env:DATA_DIR:-here}/rows.jsonl"),
    "secret_of_the_environment": SMALLEST.replace("smollm2-135m-instruct", "'x/${env:HF_TOKEN}'\n  revision: a"),
}


@pytest.mark.parametrize("name", SCREENS)
def test_the_error_screen_of_a_mistake_with_variables(name: str, tmp_path: Path, golden: Golden) -> None:
    screen = format_problems(problems(tmp_path, SCREENS[name])).replace(f"{tmp_path}/", "")
    golden(f"variables/{name}.txt", screen + "\n")


PIECES = st.sampled_from(["${", "}", "$", "{", "folder", "env:", "HOME", "a", "/", "..", "~", " ", "\\0"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(PIECES, max_size=8).map("".join), st.lists(PIECES, max_size=4).map("".join))
def test_any_text_is_a_path_below_the_recipe_or_a_problem(tmp_path: Path, path: str, value: str) -> None:
    text = SMALLEST.replace("rows.jsonl", f'"{path}.jsonl"') + f'variables: {{folder: "{value}"}}\n'
    try:
        recipe = read(tmp_path, text)
    except RecipeError:
        return
    assert "${" not in path or path.count("${folder}") == path.count("${")
    assert recipe.locate("data.sources[0].path").resolve().is_relative_to(tmp_path)
