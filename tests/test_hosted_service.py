"""Where a service trains: who answers for base and tuned, what steers their answers, what is not on this machine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from resep import pipeline
from resep.cli import main
from resep.endpoints.consent import destinations
from resep.errors import ResepError
from resep.hardware import Profile
from resep.models import Model
from resep.paths import data_folder
from resep.recipe import Recipe, load
from resep.repeatable import resolved
from resep.ripple import ripple
from resep.stages.generate import ground_of, named_there
from resep.stages.generate.arms import SERVERS_OWN, read_arms
from resep.stages.language_models.request import ArmModels
from resep.store import Stage, Task
from tests.fine_tuning_server import BASE
from tests.hosted import HOSTED
from tests.recipe_texts import EXAMPLE, write_recipe

CPU = Profile("cpu", 0, 16.0, "a CPU", 8)
IDENTITY = f"{BASE} at https://api.openai.com/v1"


def recipe(folder: Path, *overrides: str, text: str = HOSTED) -> Recipe:
    return load(write_recipe(folder, text), overrides)


def model(of: Recipe) -> Model:
    return pipeline.base_model(of, print)


def stages(of: Recipe) -> dict[str, Stage]:
    return {stage.name: stage for stage in pipeline.outline(of, CPU)}


def test_whoever_trains_the_stages_have_the_same_names_in_the_same_order(tmp_path: Path) -> None:
    def kinds(of: Recipe) -> list[str]:
        return list(dict.fromkeys(stage.kind for stage in pipeline.outline(of, CPU)))

    assert kinds(recipe(tmp_path)) == kinds(recipe(tmp_path, text=EXAMPLE))


def test_the_base_model_is_known_by_its_name_there_and_has_no_folder_here(tmp_path: Path) -> None:
    found = model(recipe(tmp_path))
    assert found.identity == IDENTITY
    with pytest.raises(ResepError, match="is not on this machine: the service has its weights and its tokenizer"):
        found.folder()


def test_no_model_is_downloaded(tmp_path: Path) -> None:
    assert list(pipeline.model_names(recipe(tmp_path))) == []


def test_base_and_tuned_answer_at_the_service_with_its_own_template(tmp_path: Path) -> None:
    hosted = recipe(tmp_path, "training.openai.concurrency=3", "generation.arms=[base, tuned, {few: {examples: 2}}]")
    arms = read_arms(hosted, model(hosted), print)
    assert [arm.weights for arm in arms.values()] == ["base", "tuned", "base"]
    assert {arm.template for arm in arms.values()} == {SERVERS_OWN}
    assert {(arm.concurrency, arm.server.model if arm.server else None) for arm in arms.values()} == {(3, BASE)}
    assert arms["few"].choice is not None


def test_the_tuned_arm_is_asked_under_the_name_that_the_training_left(tmp_path: Path) -> None:
    hosted = recipe(tmp_path)
    arms = read_arms(hosted, model(hosted), print)
    (tmp_path / "model.json").write_text(json.dumps({"model": "ft:mine"}), encoding="utf-8")
    task = Task("generate:tuned", {}, {"train": tmp_path}, tmp_path)
    tuned, base = (named_there(arms[name], task).server for name in ("tuned", "base"))
    assert tuned is not None
    assert base is not None
    assert (tuned.model, base.model) == ("ft:mine", BASE)


def test_another_training_asks_the_base_model_nothing_anew(tmp_path: Path) -> None:
    before, after = (pipeline.outline(recipe(tmp_path, *more), CPU) for more in ((), ("training.num_epochs=3",)))
    again = {name for name, reasons in ripple(before, after).items() if reasons}
    assert {"configure", "train", "generate:tuned"} <= again
    assert not {"prepare", "tokenise", "generate:base"} & again


def test_how_many_rows_are_asked_at_once_trains_nothing_anew(tmp_path: Path) -> None:
    before, after = (
        pipeline.outline(recipe(tmp_path, *more), CPU) for more in ((), ("training.openai.concurrency=2",))
    )
    assert {name for name, reasons in ripple(before, after).items() if reasons} <= {"report"}


def test_what_is_trained_is_a_name_and_no_weights(tmp_path: Path) -> None:
    found = stages(recipe(tmp_path))
    assert found["train"].outputs == ("model.json", "training.jsonl", "summary.json")
    assert found["generate:tuned"].needs["train"] == ("model.json",)
    assert "train" not in found["generate:base"].needs


def test_weights_that_are_there_are_said_not_to_be_here(tmp_path: Path) -> None:
    hosted = recipe(tmp_path)
    asked = ArmModels(read_arms(hosted, model(hosted), print), ground_of(hosted, CPU, model(hosted)))
    assert asked.needs == {}
    assert {arm["missing"] for arm in asked.request({})["arms"].values()} == {
        f"arm {name}: a server answers for it, so its weights are not here to be asked for probabilities"
        for name in ("base", "tuned")
    }


def test_rows_that_are_trained_on_are_rows_that_are_sent(tmp_path: Path) -> None:
    (found,) = destinations(recipe(tmp_path))
    assert (found.origin, found.variable, found.asked_by) == (
        *("https://api.openai.com", "OPENAI_API_KEY"),
        "training.openai",
    )


def test_the_written_out_recipe_says_the_same_when_it_is_read_again(tmp_path: Path) -> None:
    from resep.document.writer import dump_yaml

    hosted = recipe(tmp_path)
    again = recipe(tmp_path, text=dump_yaml(resolved(hosted)))
    assert again.data == hosted.data


@pytest.mark.parametrize(("old", "new"), [("quickstart", "openai_steps"), ("openai_steps", "quickstart")])
def test_recipes_for_different_trainers_are_compared_and_their_keys_explained(
    old: str, new: str, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = (str(data_folder("recipes") / f"{name}.yaml") for name in (old, new))
    assert main(["diff", first, second]) == 0
    assert "training.trainer" in capsys.readouterr().out
    for key in ("training.trainer", "training.openai", "training.openai.endpoint", "prompt.chat_template"):
        assert main(["explain", first, key]) == 0, key
    assert "tokenise, configure, train, generate" in capsys.readouterr().out
