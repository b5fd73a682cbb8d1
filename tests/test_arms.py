"""Arms in a recipe: what may be written, what is refused at its place, and what an arm's answers depend on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from resep.endpoints.consent import destinations
from resep.errors import Problem, RecipeError, ResepError
from resep.hardware import Profile
from resep.models import Model
from resep.preflight.servers import server_findings
from resep.recipe import Recipe, load
from resep.stages import generate
from resep.stages.generate.adapters import read_adapter
from resep.stages.generate.arms import outline_arms, read_arm
from resep.store import Stage
from tests.recipe_texts import SMALLEST, write_recipe

CPU = Profile("cpu", 0, 8.0, "a processor", 2)
COMMIT = "0123456789abcdef0123456789abcdef01234567"
HOSTED = "hosted: {endpoint: 'https://host.example/v1', model: m"


def loaded(folder: Path, arms: str, *overrides: str) -> Recipe:
    return load(write_recipe(folder, SMALLEST + f"generation: {{arms: {arms}}}\n"), overrides)


def found(folder: Path, arms: str, *overrides: str) -> list[Problem]:
    try:
        return list(loaded(folder, arms, *overrides).warnings)
    except RecipeError as error:
        return list(error.problems)


def planned(recipe: Recipe) -> dict[str, Stage]:
    return {stage.name: stage for stage in generate.outline(recipe, CPU, Model("base#1", Path))}


def test_a_name_alone_is_short_for_options(tmp_path: Path) -> None:
    recipe = loaded(tmp_path, "[base, tuned, base@native-template, fewshot: {examples: 3}]")
    assert recipe.arms == {
        "base": {"weights": "base"},
        "tuned": {"weights": "tuned"},
        "base@native-template": {"weights": "base", "chat_template": "native"},
        "fewshot": {"weights": "base", "examples": 3, "choose": "drawn"},
    }


# (arms, where, severity, words)
CASES = [
    ("[base, tuned, tunned]", "generation.arms[2]", "error", "did you mean 'tuned'"),
    ("[base, tuned, gpt-4]", "generation.arms[2]", "error", "'- gpt-4: {model: ...}'"),
    ("[base, tuned, base: {examples: 2}]", "generation.arms[2].base", "error", "meaning of its own"),
    ("[base, tuned, target: {examples: 2}]", "generation.arms[2].target", "error", "meaning of its own"),
    ("[base, tuned, a: {examples: 1}, a: {examples: 2}]", "generation.arms[3].a", "error", "already"),
    ("[base, tuned, 'a b': {examples: 1}]", "generation.arms[2]", "error", "letters, digits"),
    ("[base, tuned, a: {}]", "generation.arms[2].a", "error", "asks base itself once more"),
    ("[base, tuned, a: {weights: tuned}]", "generation.arms[2].a", "error", "asks tuned itself"),
    ("[base, tuned, a: {exampels: 2}]", "generation.arms[2].a.exampels", "error", "did you mean 'examples'"),
    ("[base, tuned, a: {examples: 0}]", "generation.arms[2].a.examples", "error", "at least 1"),
    ("[base, tuned, a: {chat_template: chatml, choose: nearest}]", "generation.arms[2].a.choose", "error", "how many"),
    ("[base, tuned, a: {examples: 1, choose: per_class}]", "generation.arms[2].a.choose", "error", "stratify_by"),
    ("[base, tuned, a: {chat_template: mistal}]", "generation.arms[2].a.chat_template", "error", "mistral"),
    ("[base, tuned, a: {chat_template: ../x.jinja}]", "generation.arms[2].a.chat_template", "error", "leads out"),
    ("[base, tuned, a: {adapter: ../x}]", "generation.arms[2].a.adapter", "error", "leads out"),
    ("[base, tuned, a: {adapter: x, weights: base}]", "generation.arms[2].a.adapter", "error", "keep one"),
    ("[base, tuned, a: {adapter: x, revision: main}]", "generation.arms[2].a.revision", "error", "for a model"),
    ("[base, tuned, a: {model: owner/name}]", "generation.arms[2].a.model", "error", "revision: ..."),
    ("[base, tuned, a: {model: smollm2-135m}]", "generation.arms[2].a.model", "error", "smollm2-135m-instruct"),
    ("[base, tuned, a: {model: ../name}]", "generation.arms[2].a.model", "error", "leads out"),
    (f"[base, tuned, {HOSTED}, chat_template: native}}]", "generation.arms[2].hosted.chat_template", "error", "own t"),
    (f"[base, tuned, {HOSTED}, api_key_env: sk-1}}]", "generation.arms[2].hosted.api_key_env", "error", "no name"),
    ("[base, tuned, a: {endpoint: 'https://h.example/v1'}]", "generation.arms[2].a.model", "error", "missing"),
    ("[base, tuned, a: {endpoint: 'https://u:p@h/v1', model: m}]", "generation.arms[2].a.endpoint", "error", "passw"),
    ("[base, tuned, a: {endpoint: 'http://h.example/v1', model: m}]", "generation.arms[2].a.endpoint", "warning",
     "read on the way"),
    ("[base, tuned, a: {examples: 2, concurrency: 4}]", "generation.arms[2].a.concurrency", "error", "none is named"),
    ("[base]", "generation.arms", "error", "'tuned' is missing"),
    ("[tuned]", "generation.arms", "error", "compared with"),
]  # fmt: skip


@pytest.mark.parametrize(("arms", "where", "severity", "words"), CASES, ids=[case[0] for case in CASES])
def test_what_is_wrong_with_an_arm_is_told_where_it_stands(
    tmp_path: Path, arms: str, where: str, severity: str, words: str
) -> None:
    problems = found(tmp_path, arms)
    assert [(p.where, p.severity) for p in problems if words in p.message] == [(where, severity)], problems


@pytest.mark.parametrize(
    "arms",
    [
        "[base, tuned, tuned@native-template]",
        "[base, tuned, a: {examples: 3, choose: nearest}, b: {examples: 1, weights: tuned}]",
        f"[base, tuned, a: {{model: owner/name, revision: '{COMMIT}'}}]",
        "[base, tuned, a: {model: ./models/other, chat_template: chatml}]",
        "[tuned, a: {examples: 3}]",
        "[base, tuned, local: {endpoint: 'http://localhost:8000/v1', model: m, examples: 2}]",
    ],
)
def test_arms_that_make_sense_are_not_complained_about(tmp_path: Path, arms: str) -> None:
    assert [p for p in found(tmp_path, arms) if p.where.startswith("generation")] == []


def test_any_arm_may_be_the_baseline(tmp_path: Path) -> None:
    arms = f"[tuned, {HOSTED}}}]"
    assert [p.where for p in found(tmp_path, arms) if "compared with" in p.message] == ["generation.arms"]
    problems = found(tmp_path, arms, "evaluation.baseline=hosted")
    assert all(problem.severity == "warning" for problem in problems)
    (wrong,) = [p for p in found(tmp_path, "[base, tuned]", "evaluation.baseline=hosted") if p.severity == "error"]
    assert "not an arm to compare with" in wrong.message


def test_a_server_is_named_before_anything_is_sent_and_its_key_is_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = loaded(tmp_path, f"[base, tuned, {HOSTED}, api_key_env: MY_KEY}}]")
    (server,) = destinations(recipe)
    assert (server.origin, server.variable, server.asked_by) == (
        "https://host.example",
        "MY_KEY",
        "generation.arms.hosted",
    )
    monkeypatch.delenv("MY_KEY", raising=False)
    (warning,) = server_findings(recipe)
    assert warning.severity == "warning"
    assert "MY_KEY" in warning.message
    monkeypatch.setenv("MY_KEY", "x")
    assert not list(server_findings(recipe))


def test_an_arms_answers_do_not_depend_on_the_other_arms(tmp_path: Path) -> None:
    alone = planned(loaded(tmp_path, "[base, tuned]"))["generate:base"]
    many = planned(loaded(tmp_path, f"[base, tuned, a: {{examples: 1}}, {HOSTED}}}]"))["generate:base"]
    assert (alone.config, alone.needs, dict(alone.reads)) == (many.config, many.needs, dict(many.reads))


def test_an_arm_depends_on_what_it_is_shown_and_not_on_all_training_rows(tmp_path: Path) -> None:
    stages = planned(loaded(tmp_path, "[base, tuned, a: {examples: 2}]"))
    assert list(stages) == ["choose:a", "generate:base", "generate:tuned", "generate:a"]
    assert stages["choose:a"].needs == {"prepare": ("train.jsonl", "test.jsonl")}
    assert stages["generate:a"].needs == {"prepare": ("test.jsonl",), "choose:a": ("shots.json",)}


def test_a_servers_answers_go_by_its_address_and_its_models_name(tmp_path: Path) -> None:
    config = planned(loaded(tmp_path, f"[base, tuned, {HOSTED}, concurrency: 3}}]"))["generate:hosted"].config
    assert config["model"] == "m at https://host.example/v1"
    assert not {"precision", "generation.batch_size", "concurrency"} & {*config}


def test_another_model_is_asked_in_its_own_template_unless_told_otherwise(tmp_path: Path) -> None:
    arms = outline_arms(loaded(tmp_path, "[base, tuned, a: {model: ./x}, b: {model: ./x, chat_template: chatml}]"))
    assert (arms["a"].template, arms["b"].template, arms["base"].template) == ("native", "chatml", "mistral")


def test_one_arm_may_be_asked_for_by_name(tmp_path: Path) -> None:
    recipe, base = loaded(tmp_path, "[base, tuned, few: {examples: 2}]"), Model("base#1", Path)
    assert read_arm(recipe, "few", base, print).weights == "base"
    assert read_arm(recipe, "base@native-template", base, print).template == "native"
    with pytest.raises(ResepError, match="did you mean 'few'"):
        read_arm(recipe, "fev", base, print)


def adapter(folder: Path, **changes: Any) -> Path:
    folder.mkdir()
    config = {"peft_type": "LORA", "base_model_name_or_path": "base#1", "target_modules": ["b", "a"], **changes}
    (folder / "adapter_config.json").write_text(json.dumps(config))
    (folder / "adapter_model.safetensors").write_bytes(b"weights")
    return folder


def test_an_adapter_for_the_same_base_is_taken_whatever_the_order_of_its_sets(tmp_path: Path) -> None:
    one = read_adapter(adapter(tmp_path / "a"), "k", "base#1", "owner/name", COMMIT)
    other = read_adapter(adapter(tmp_path / "b", target_modules=["a", "b"]), "k", "base#1", "owner/name", COMMIT)
    from_the_hub = adapter(tmp_path / "c", base_model_name_or_path="owner/name")
    assert one.settings == other.settings
    assert read_adapter(from_the_hub, "k", "base#1", "owner/name", COMMIT).settings == one.settings
    assert read_adapter(adapter(tmp_path / "d", r=8), "k", "base#1", "owner/name", COMMIT).settings != one.settings


@pytest.mark.parametrize(
    "changes",
    [
        {"base_model_name_or_path": "base#2"},
        {"base_model_name_or_path": None},
        {"base_model_name_or_path": "/somewhere/else"},
        {"base_model_name_or_path": "owner/name", "revision": "another"},
    ],
)
def test_an_adapter_for_another_base_is_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    folder = adapter(tmp_path / "a", **changes)
    with pytest.raises(ResepError, match="this recipe's base is base#1"):
        read_adapter(folder, "generation.arms[2].a.adapter", "base#1", "owner/name", COMMIT)


def test_what_is_no_adapter_is_told_apart(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("{}")
    with pytest.raises(ResepError, match="whole model: name it as 'model'"):
        read_adapter(tmp_path / "model", "k", "base#1", "x", None)
    pickled = adapter(tmp_path / "pickled")
    (pickled / "adapter_model.safetensors").rename(pickled / "adapter_model.bin")
    with pytest.raises(ResepError, match="pickles"):
        read_adapter(pickled, "k", "base#1", "x", None)
    (pickled / "adapter_config.json").write_text("[]")
    with pytest.raises(ResepError, match="no map of settings"):
        read_adapter(pickled, "k", "base#1", "x", None)
