"""Rows go to a server, and a key with them, only where the person at the keyboard said so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from resep import cli
from resep.endpoints.consent import agree, destinations, is_agreed
from resep.errors import RecipeError, ResepError
from resep.paths import config_folder
from resep.recipe import load
from tests.recipe_texts import SMALLEST, write_recipe

STEP = 'preprocessing: [placeholders, {augment: {model: m, endpoint: "ADDRESS"%s}}]\n'
OPENAI = "https://api.openai.com"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    rows = [{"prompt": f"how {n}", "response": ["open"]} for n in range(40)]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RESEP_CACHE", str(tmp_path / "cache"))
    return tmp_path


def write(folder: Path, address: str = f"{OPENAI}/v1", further: str = "") -> Path:
    return write_recipe(folder, SMALLEST + (STEP % further).replace("ADDRESS", address))


def test_nothing_is_sent_before_a_person_says_so() -> None:
    assert not is_agreed(OPENAI, None)


@pytest.mark.parametrize("said", [OPENAI, f"{OPENAI}/v1", "api.openai.com", "https://API.OpenAI.com:443"])
def test_an_agreement_is_to_scheme_host_and_port(said: str) -> None:
    agree(said)
    assert is_agreed(OPENAI, None)
    others = ("http://api.openai.com", "https://api.openai.com:8443", "https://openai.com", f"{OPENAI}.evil.example")
    assert not [origin for origin in others if is_agreed(origin, None)]


def test_a_key_goes_only_where_it_was_named() -> None:
    agree(OPENAI)
    agree("https://other.example=OTHER_KEY")
    assert not is_agreed(OPENAI, "OPENAI_API_KEY")
    assert not is_agreed(OPENAI, "OTHER_KEY")
    agree(f"{OPENAI}=OPENAI_API_KEY")
    assert is_agreed(OPENAI, "OPENAI_API_KEY")
    assert is_agreed("https://other.example", None)


@pytest.mark.parametrize("said", ["", "ftp://host", "https://me:word@host", "host=sk-123abc", "host?x=word"])
def test_what_is_no_server_is_refused_and_no_key_repeated(said: str) -> None:
    with pytest.raises(ResepError, match="--send-to") as error:
        agree(said)
    assert "sk-123abc" not in str(error.value)


@pytest.mark.parametrize("content", ["{", "[]", '{"https://host": 5}', "\xff"])
def test_a_broken_list_is_named_and_never_taken_for_consent(content: str) -> None:
    agree(OPENAI)
    (config_folder() / "endpoints.json").write_bytes(content.encode("latin-1"))
    with pytest.raises(ResepError, match=r"endpoints\.json"):
        is_agreed(OPENAI, None)


def test_every_server_of_a_recipe_is_known(folder: Path) -> None:
    (found,) = destinations(load(write(folder, further=", api_key_env: MY_KEY")))
    assert (found.origin, found.variable, found.asked_by) == (OPENAI, "MY_KEY", "preprocessing.augment")
    assert found.option == f"--send-to {OPENAI}=MY_KEY"


def test_a_run_is_refused_with_what_to_type(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, further=", api_key_env: MY_KEY")
    assert cli.main(["run", "recipe.yaml"]) == 2
    said = capsys.readouterr().err
    assert f"sends texts of your rows to {OPENAI} (preprocessing.augment)" in said
    assert f"add --send-to {OPENAI}=MY_KEY" in said


def test_the_plan_says_what_is_sent_where(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, further=", api_key_env: MY_KEY")
    assert cli.main(["plan", "recipe.yaml"]) == 0
    said = capsys.readouterr().out
    asked = (
        f"sends      texts of rows to {OPENAI} with the key in MY_KEY for preprocessing.augment (only after you agree"
    )
    assert asked in said
    assert "no other network but what it sends" in said
    agree(f"{OPENAI}=MY_KEY")
    assert cli.main(["plan", "recipe.yaml"]) == 0
    assert "for preprocessing.augment (agreed to)" in capsys.readouterr().out


def test_a_recipe_cannot_take_its_server_from_the_environment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_SERVER", OPENAI)
    with pytest.raises(RecipeError, match="MY_SERVER"):
        load(write(folder, "${env:MY_SERVER}"))


@pytest.mark.parametrize(
    ("address", "further", "told"),
    [
        ("host/v1", "", "an address begins with https://"),
        ("https://me:word@host/v1", "", "name the key's variable with api_key_env"),
        (f"{OPENAI}/v1", ", api_key_env: sk-123", "a key itself never stands in a recipe"),
        (f"{OPENAI}/v1", ", target: rare", "which field holds the classes"),
        (f"{OPENAI}/v1", ", target: rare, by: kind", "'kind' is not a field"),
    ],
)
def test_what_is_wrong_with_the_step_is_told_by_check(folder: Path, address: str, further: str, told: str) -> None:
    with pytest.raises(RecipeError) as error:
        load(write(folder, address, further))
    assert told in str(error.value)
    assert "word" not in str(error.value).replace("passwords", "")


def test_the_recipe_of_the_documentation_is_one(folder: Path) -> None:
    page = (Path(__file__).parent.parent / "docs" / "augmentation.md").read_text(encoding="utf-8")
    steps = page.partition("```yaml\n")[2].partition("```")[0]
    text = SMALLEST.replace("path: rows.jsonl\n", "path: rows.jsonl\n      fields: {category: category}\n")
    assert "fields" in text
    warnings = load(write_recipe(folder, text + steps)).warnings
    assert not [warning.message for warning in warnings if "augment" in warning.where]


def test_rows_that_go_out_as_they_are_and_in_the_open_are_warned_about(folder: Path) -> None:
    text = (SMALLEST + STEP % "").replace("placeholders, ", "")
    said = [w.message for w in load(write_recipe(folder, text.replace("ADDRESS", "http://gpu-box:8000/v1"))).warnings]
    assert "can be read on the way" in said[0]
    assert "personal data included" in said[1]
    assert not load(write_recipe(folder, text.replace("ADDRESS", "http://localhost:8000/v1"))).warnings
