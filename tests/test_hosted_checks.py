"""A recipe that a service trains: what it may say, what it must not, and what each mistake is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from resep.errors import RecipeError
from resep.recipe import Recipe, load
from resep.recipe.checks.hosted import OF_THIS_MACHINE
from tests.hosted import HOSTED
from tests.recipe_texts import EXAMPLE, write_recipe

_VALUES = {
    **{"method": "lora", "lora": "{r: 8}", "max_steps": "4", "micro_batch_size": "1", "optimizer": "sgd"},
    **{"gradient_accumulation_steps": "2", "lr_scheduler": "linear", "warmup_ratio": "0.1", "weight_decay": "0.1"},
    **{"max_grad_norm": "2", "eval_per_epoch": "2", "save_per_epoch": "2", "early_stopping": "2", "packing": "true"},
    **{"gradient_checkpointing": "true", "precision": "bf16", "axolotl": "{}"},
}


def loaded(folder: Path, *overrides: str, text: str = HOSTED) -> Recipe:
    return load(write_recipe(folder, text), overrides)


def told(folder: Path, *overrides: str, text: str = HOSTED) -> dict[str, str]:
    """Where -> message, of a recipe that is refused."""
    with pytest.raises(RecipeError) as refused:
        loaded(folder, *overrides, text=text)
    return {problem.where: problem.message for problem in refused.value.problems if problem.severity == "error"}


def test_a_hosted_recipe_has_defaults_of_its_own(tmp_path: Path) -> None:
    recipe = loaded(tmp_path)
    assert recipe["training.openai"] == {
        **{"endpoint": "https://api.openai.com/v1", "api_key_env": "OPENAI_API_KEY", "concurrency": 8},
        **{"learning_rate_multiplier": None, "suffix": None},
    }
    assert recipe["generation.arms"] == ["base", "tuned"]
    assert {recipe[f"training.{key}"] for key in OF_THIS_MACHINE} == {None}
    assert [recipe[key] for key in ("training.batch_size", "prompt.chat_template", "training.learning_rate")] == [
        None
    ] * 3
    assert recipe["training.num_epochs"] == 1


def test_a_recipe_for_this_machine_keeps_its_defaults(tmp_path: Path) -> None:
    recipe = loaded(tmp_path, text=EXAMPLE)
    assert recipe["training.openai"] is None
    assert recipe["training.precision"] == "auto"
    assert recipe["training.weight_decay"] == 0.0


@pytest.mark.parametrize("key", OF_THIS_MACHINE)
def test_a_knob_of_this_machine_is_refused_where_a_person_set_it(tmp_path: Path, key: str) -> None:
    assert "it has no such knob" in told(tmp_path, f"training.{key}={_VALUES[key]}")[f"training.{key}"]


def test_a_learning_rate_is_explained_to_be_a_factor_there(tmp_path: Path) -> None:
    message = told(tmp_path, "training.learning_rate=1e-4")["training.learning_rate"]
    assert "learning_rate_multiplier" in message


@pytest.mark.parametrize(
    ("override", "where", "words"),
    [
        ("training.num_epochs=1.5", "training.num_epochs", "whole epochs, 1 to 50"),
        ("training.num_epochs=51", "training.num_epochs", "whole epochs, 1 to 50"),
        ("training.batch_size=512", "training.batch_size", "256 rows a step at most"),
        ("seed=4294967295", "seed", "2147483647 at most"),
        ("training.overflow=truncate_prompt", "training.overflow", "write fail or drop"),
        ("model.base=smollm2-135m-instruct", "model.base", "a model of this machine"),
        ("model.base=./folder", "model.base", "a model of this machine"),
        ("model.revision=abc", "model.revision", "no revision"),
        ("prompt.chat_template=chatml", "prompt.chat_template", "its own template"),
        ("prompt.train_on=all", "prompt.train_on", "write assistant"),
        ("generation.arms=[base, tuned, base@native-template]", "generation.arms[2]", "leave this arm out"),
        ("generation.arms=[base, tuned, {mine: {adapter: a}}]", "generation.arms[2].mine.adapter", "at a service"),
        ("training.openai.endpoint=ftp://x", "training.openai.endpoint", "https://"),
        ("training.openai.api_key_env=sk-abc", "training.openai.api_key_env", "never stands in a recipe"),
        ("training.openai.learning_rate_multiplier=0", "training.openai.learning_rate_multiplier", "above 0"),
        ("training.openai.suffix='a b'", "training.openai.suffix", "64 letters"),
        ("training.openai.n_epochs=3", "training.openai.n_epochs", "unknown key"),
    ],
)
def test_what_the_service_cannot_be_told_is_refused(tmp_path: Path, override: str, where: str, words: str) -> None:
    assert words in told(tmp_path, override)[where]


@pytest.mark.parametrize("evaluator", ["perplexity", "forgetting"])
def test_an_evaluator_that_asks_weights_is_refused_before_anything_is_paid(tmp_path: Path, evaluator: str) -> None:
    message = told(tmp_path, f"evaluation.evaluators.{evaluator}={{}}")[f"evaluation.evaluators.{evaluator}"]
    assert "without showing its weights: no row can be scored" in message


def test_an_evaluator_that_asks_weights_may_stay_where_one_arm_has_some_here(tmp_path: Path) -> None:
    loaded(
        tmp_path,
        "evaluation.evaluators.perplexity={}",
        "generation.arms=[base, tuned, {small: {model: smollm2-135m-instruct}}]",
    )


def test_the_services_section_is_for_a_recipe_that_it_trains(tmp_path: Path) -> None:
    found = told(tmp_path, "training.openai.suffix=x", text=EXAMPLE)
    assert "for 'trainer: openai'" in found["training.openai"]


def test_a_models_name_at_another_service_may_look_like_a_hub_id(tmp_path: Path) -> None:
    assert loaded(tmp_path, "model.base=owner/name")["model.base"] == "owner/name"


def test_rows_that_go_out_with_personal_data_are_warned_about(tmp_path: Path) -> None:
    said = [problem.message for problem in loaded(tmp_path, "preprocessing=[lowercase]").warnings]
    assert any("rows are sent to this server as they are" in message for message in said)
    assert not [m for m in (p.message for p in loaded(tmp_path).warnings) if "rows are sent" in m]


def test_a_price_per_hour_is_said_to_be_without_effect(tmp_path: Path) -> None:
    assert any("paid by the token" in p.message for p in loaded(tmp_path, "compute.price_per_hour=2").warnings)


def test_a_parent_for_this_machine_is_told_with_the_way_to_delete_its_keys(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(EXAMPLE, encoding="utf-8")
    child = "extends: base.yaml\nmodel: {base: gpt-4.1-mini-2025-04-14}\ntraining: {trainer: openai}\n"
    found = told(tmp_path, text=child)
    assert "null deletes what a parent says" in found["training.method"]
