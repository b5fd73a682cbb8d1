"""The recipes that are shipped: each is sound, short, plans its stages, and becomes the config that was agreed on."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from benchmarks.gallery import README, known, with_table
from resep import cli
from resep.paths import data_folder
from resep.plugins import find, open_plugin
from resep.recipe import load, pass_through
from tests.conftest import Golden
from tests.trainable import CPU, CUDA, SPLITS

RECIPES = sorted(path for path in data_folder("recipes").glob("*.yaml"))
PAIRS = sorted(path.stem for path in RECIPES if path.with_name(f"{path.stem}_cpu.yaml") in RECIPES)
CARDS = (data_folder("recipes") / "data" / "README.md").read_text(encoding="utf-8")

every_recipe = pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)


def test_every_task_has_a_recipe_for_a_gpu_and_one_for_a_cpu() -> None:
    tasks = {"mistral_instructions", "persona_chat", "bank_support", "sensor_actions", "indonesian_chat", "eight_steps"}
    assert set(PAIRS) == tasks


@every_recipe
def test_nothing_is_wrong_with_it_not_even_a_warning(recipe: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", "--strict", str(recipe)]) == 0
    assert "nothing wrong" in capsys.readouterr().out


@every_recipe
def test_it_is_read_from_top_to_bottom_on_one_screen(recipe: Path) -> None:
    lines = recipe.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 80
    assert max(map(len, lines)) <= 120


@every_recipe
def test_each_of_the_three_knobs_says_which_way_it_pulls(recipe: Path) -> None:
    text = recipe.read_text(encoding="utf-8")
    knobs = ("learning_rate:", "num_epochs:", "batch_size:")
    own = [line for line in text.splitlines() if line.strip().startswith(knobs)]
    if "extends:" not in text and load(recipe)["training.trainer"] == "axolotl":
        assert len(own) == len(knobs)
        assert all("#" in line for line in own)


@every_recipe
def test_its_plan_names_every_stage_and_what_is_downloaded(
    recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["plan", str(recipe)]) == 0
    told = capsys.readouterr().out
    for stage in ("prepare", "train", "generate:base", "generate:tuned", "report"):
        assert stage in told
    resolved = load(recipe)
    assert all(f"evaluate:{name}" in told for name in resolved.evaluators)
    assert ("/" not in resolved["model.base"]) or resolved["model.base"] in told


@every_recipe
def test_its_training_config_is_the_one_that_was_agreed_on(recipe: Path, golden: Golden) -> None:
    resolved = load(recipe)
    if resolved["training.trainer"] != "axolotl":
        pytest.skip("trained by another trainer, whose own tests hold its files")
    profile = CPU if resolved["model.base"].startswith("smollm2") else replace(CUDA, memory_gib=24.0)
    special = {"eos_token": "</s>", "pad_token": "<pad>"}
    converter = open_plugin(find("converters", "axolotl"))
    files = converter.convert(resolved, {"splits": SPLITS, "special_tokens": special}, profile)
    golden(f"gallery/{recipe.stem}.yaml", files["axolotl.yaml"])
    schema = json.loads((data_folder("schemas") / pass_through.SCHEMA).read_text(encoding="utf-8"))
    assert set(yaml.safe_load(files["axolotl.yaml"])) <= set(schema["properties"])


@every_recipe
def test_its_data_has_a_card(recipe: Path) -> None:
    for source in load(recipe)["data.sources"]:
        assert f"## {Path(source['path']).name}\n" in CARDS


@pytest.mark.parametrize("name", PAIRS)
def test_the_one_for_a_cpu_is_the_same_experiment(name: str) -> None:
    large, small = (load(data_folder("recipes") / f"{each}.yaml") for each in (name, f"{name}_cpu"))
    for key in ("data.sources", "preprocessing", "split", "evaluation.primary", "training.method", "training.lora"):
        assert large[key] == small[key], key
    assert set(large.evaluators) == set(small.evaluators)
    assert small["model.base"] == "smollm2-135m-instruct"
    assert small["model.revision"] is None


def test_every_figure_of_the_table_comes_from_a_run() -> None:
    text = README.read_text(encoding="utf-8")
    assert with_table(text, known()) == text
    assert set(known()) == {f"{name}_cpu" for name in PAIRS}


@pytest.mark.parametrize("name", ["tutorial.md", "tutorial.id.md"])
def test_the_tutorial_quotes_its_recipe_to_the_letter(name: str) -> None:
    recipe = (data_folder("recipes") / "eight_steps.yaml").read_text(encoding="utf-8")
    text = (README.parent / "docs" / name).read_text(encoding="utf-8")
    quoted = re.findall(r"^```yaml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert len(quoted) >= 6
    assert [lines for lines in quoted if lines not in recipe] == []
    assert "TODO" not in text
