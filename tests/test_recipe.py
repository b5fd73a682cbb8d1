from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resep.document import parse
from resep.document.places import dotted
from resep.errors import Problem, RecipeError
from resep.problems import format_problems
from resep.recipe import Recipe, StepSpec, load
from tests.recipe_texts import EXAMPLE, SMALLEST, write_recipe


def problems(path: Path, *overrides: str) -> list[str]:
    """`line:where: message` of every problem of a recipe that is refused."""
    with pytest.raises(RecipeError) as caught:
        load(path, overrides)
    return [f"{p.line}:{p.where}: {p.message}" for p in caught.value.problems]


def only_problem(path: Path, *overrides: str) -> str:
    (found,) = problems(path, *overrides)
    return found


def test_the_example_of_the_design_loads_without_a_warning(tmp_path: Path) -> None:
    recipe = load(write_recipe(tmp_path, EXAMPLE))
    assert recipe.warnings == ()
    assert recipe["training.learning_rate"] == 0.001
    assert recipe["expect"] == {"order_accuracy.delta": "> 0"}


def test_every_default_is_filled_in_and_absent_keys_are_none(tmp_path: Path) -> None:
    recipe = load(write_recipe(tmp_path))
    assert recipe["generation.arms"] == ["base", "tuned", "base@native-template"]
    assert recipe["prompt.chat_template"] == "mistral"
    assert recipe["training.lora"] == {"r": 16, "alpha": 32, "dropout": 0.05, "target_modules": "all-linear"}
    assert recipe["data.sources"][0]["fields"] == {"prompt": "prompt", "response": "response"}
    assert recipe["training.micro_batch_size"] is None
    assert recipe["model.revision"] is None
    assert recipe["split.max_rows.test"] is None


def test_a_key_that_the_language_does_not_have_is_our_bug(tmp_path: Path) -> None:
    recipe = load(write_recipe(tmp_path))
    for key in ("training.no_such_key", "name.further", "nothing"):
        with pytest.raises(KeyError):
            recipe[key]


def test_the_options_of_plugins_are_filled_in_from_their_signatures(tmp_path: Path) -> None:
    recipe = load(write_recipe(tmp_path, EXAMPLE))
    assert recipe.steps[0].name == "placeholders"
    assert recipe.steps[0].options["patterns"] == {"ORDER": "INV-[0-9]{6}"}
    assert recipe.steps[1] == StepSpec("lowercase", {}, ("prompt", "response"))
    assert recipe.steps[2].options == {"replace_with": " ", "keep": ""}
    assert recipe.evaluators["exact_match"] == {"ignore_case": False}
    assert recipe.evaluators["order_accuracy"]["threshold"] == 0.3


def test_a_section_is_picked_as_its_leaves(tmp_path: Path) -> None:
    picked = load(write_recipe(tmp_path)).pick("split.fractions", "seed", "expect")
    assert picked == {
        "split.fractions.train": 0.8,
        "split.fractions.validation": 0.1,
        "split.fractions.test": 0.1,
        "seed": 42,
        "expect": {},
    }


def test_messages_need_no_prompt_and_response(tmp_path: Path) -> None:
    text = SMALLEST.replace("rows.jsonl", "rows.jsonl\n      format: messages")
    assert load(write_recipe(tmp_path, text))["data.sources"][0]["fields"] == {"messages": "messages"}


def test_full_training_has_no_adapters(tmp_path: Path) -> None:
    assert load(write_recipe(tmp_path), ["training.method=full"])["training.lora"] is None
    assert "no adapters" in only_problem(write_recipe(tmp_path), "training.method=full", "training.lora.r=8")


def test_a_number_of_steps_replaces_the_default_number_of_epochs(tmp_path: Path) -> None:
    recipe = load(write_recipe(tmp_path), ["training.max_steps=5"])
    assert (recipe["training.max_steps"], recipe["training.num_epochs"]) == (5, None)


@pytest.mark.parametrize(
    ("key", "written", "value"), [("training.batch_size", "8.0", 8), ("training.num_epochs", "2", 2.0)]
)
def test_a_number_takes_the_type_of_its_key(tmp_path: Path, key: str, written: str, value: float) -> None:
    read = load(write_recipe(tmp_path), [f"{key}={written}"])[key]
    assert (type(read), read) == (type(value), value)


def test_the_same_recipe_is_the_same_value(tmp_path: Path) -> None:
    assert load(write_recipe(tmp_path, EXAMPLE)).data == load(write_recipe(tmp_path, EXAMPLE)).data


def test_personal_data_after_the_cleaning_is_a_warning(tmp_path: Path) -> None:
    text = SMALLEST + "preprocessing:\n  - lowercase\n  - strip_punctuation\n  - placeholders\n"
    (warning,) = load(write_recipe(tmp_path, text)).warnings
    assert (warning.severity, warning.where) == ("warning", "preprocessing[2]")
    assert "after lowercase and strip_punctuation" in warning.message
    assert "personal data survives" in warning.message


def test_a_sampling_knob_without_sampling_is_a_warning(tmp_path: Path) -> None:
    (warning,) = load(write_recipe(tmp_path), ["generation.temperature=0.3"]).warnings
    assert warning.where == "generation.temperature"


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["training.max_steps=5", "training.num_epochs=1"], "one of the two"),
        (["training.early_stopping=2", "training.eval_per_epoch=0"], "eval_per_epoch is 0"),
        (["training.early_stopping=2", "split.fractions={train: 0.9, test: 0.1}"], "validation is 0"),
        (["training.micro_batch_size=2", "training.gradient_accumulation_steps=2"], "batch_size is 8, its default"),
        (["split.fractions={train: 0.9, test: 0.2}"], "add up to 1.1"),
        (["split.fractions.test=0"], "must be above 0"),
        (["split.by=row"], "expected prompt"),
        (["generation.arms=[tuned]"], "compared with"),
        (["generation.arms=[base]"], "'tuned' is missing"),
        (["evaluation.baseline=tuned"], "not an arm to compare with"),
        (["evaluation.slices=[category]"], "no source maps a further field"),
        (["evaluation.primary=bertscore_f1"], "add 'bertscore: {}'"),
        (["expect={exact_match: '> 0'}"], "exact_match.delta"),
        (["expect={f1.delta: '> 0'}"], "metric 'f1'"),
        (["prompt.chat_template=mistrl"], "did you mean 'mistral'"),
        (["model.revision=abc"], "belongs to a hub id"),
        (["name=../x"], "folder is called by it"),
        (
            ["training.axolotl={lisa_layers: 1, trust_remote_code: true}"],
            "training.axolotl.trust_remote_code: a recipe",
        ),
        (["training.axolotl={learning_rat: 1}"], "training.axolotl.learning_rat: Axolotl 0.19.0 has no such option"),
        (["preprocessing=[lowercase: {fields: [title]}]"], "no source has a field 'title'"),
    ],
)
def test_keys_that_contradict_each_other(tmp_path: Path, overrides: list[str], words: str) -> None:
    assert any(words in problem for problem in problems(write_recipe(tmp_path), *overrides))


@pytest.mark.parametrize("value", ["> 0", ">= 0.05", "<2%", "< -1e-3", ">.5"])
def test_an_expectation_is_a_comparison_with_a_number(tmp_path: Path, value: str) -> None:
    recipe = load(write_recipe(tmp_path), [f"expect.exact_match.delta='{value}'"])
    assert recipe["expect"] == {"exact_match.delta": value}


def test_a_path_is_relative_to_the_recipe_and_stays_below_it(tmp_path: Path) -> None:
    assert load(write_recipe(tmp_path)).locate("data.sources[0].path") == tmp_path / "rows.jsonl"
    for path in ("../rows.jsonl", "/etc/rows.jsonl", "a/../../rows.jsonl", "~/rows.jsonl"):
        assert "rows.jsonl' " in only_problem(write_recipe(tmp_path, SMALLEST.replace("rows.jsonl", path)))


def test_a_typed_path_is_relative_to_the_current_folder_and_may_be_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    recipe = load(write_recipe(tmp_path), ["data.sources[0].path=../other.csv"])
    assert recipe.locate("data.sources[0].path").resolve() == tmp_path / "other.csv"


def test_a_local_model_below_the_recipe_needs_no_revision(tmp_path: Path) -> None:
    (tmp_path / "models" / "tiny").mkdir(parents=True)
    assert load(write_recipe(tmp_path), ["model.base=./models/tiny"])["model.base"] == "./models/tiny"
    assert load(write_recipe(tmp_path, SMALLEST.replace("smollm2-135m-instruct", "models/tiny")))["model.base"]


def test_a_plugin_beside_the_recipe_is_listed_as_foreign(tmp_path: Path) -> None:
    file = tmp_path / "preprocessing" / "shout.py"
    file.parent.mkdir()
    file.write_text("raise SystemExit\ndef transform_text(text: str, *, marks: int = 1) -> str: ...\n")
    recipe = load(write_recipe(tmp_path, SMALLEST + "preprocessing:\n  - shout: {fields: [prompt]}\n"))
    assert recipe.foreign_plugins == (file,)
    assert recipe.steps == (StepSpec("shout", {"marks": 1}, ("prompt",), file),)
    assert "number" in only_problem(write_recipe(tmp_path, SMALLEST + "preprocessing:\n  - shout: {marks: two}\n"))


def test_a_plugin_beside_the_recipe_cannot_take_a_shipped_name(tmp_path: Path) -> None:
    file = tmp_path / "evaluators" / "exact_match.py"
    file.parent.mkdir()
    file.write_text("def evaluate(samples, context): ...\n")
    assert "shipped" in only_problem(write_recipe(tmp_path))


def test_an_evaluator_that_hides_its_metrics_is_not_held_against_the_recipe(tmp_path: Path) -> None:
    file = tmp_path / "evaluators" / "mine.py"
    file.parent.mkdir()
    file.write_text("METRICS = make()\ndef evaluate(samples, context): ...\n")
    text = SMALLEST.replace("exact_match: {}", "mine: {}").replace("primary: exact_match", "primary: whatever")
    assert load(write_recipe(tmp_path, text))["evaluation.primary"] == "whatever"


def test_a_recipe_that_is_not_there_names_its_neighbour(tmp_path: Path) -> None:
    write_recipe(tmp_path)
    assert "did you mean 'recipe.yaml'" in only_problem(tmp_path / "recpie.yaml")
    assert "folder" in only_problem(tmp_path)


@pytest.mark.parametrize("text", ["just words", "- a\n- b\n", "42", "null", "''", "[]"])
def test_a_text_that_is_no_map_is_no_recipe(tmp_path: Path, text: str) -> None:
    assert "map of keys" in only_problem(write_recipe(tmp_path, text))


SYNTAX = ["", " ", "\n", "\t", ":", "-", "- ", "{}", "[]", "[", "}", "'", '"', "&a ", "*a", "<<: ", "!x ", "#", "> 0"]
SCALARS = ["null", "~", "true", "0", "-1", "1e9", ".nan", "model", "lowercase", "../x", "x" * 300, "9" * 400]
PIECES = st.sampled_from([*SYNTAX, *SCALARS, "\x00", "é", "\u2028"])


def recipe_or_problems(path: Path, *overrides: str) -> Recipe | list[Problem]:
    """What `load` makes of a recipe; any exception but RecipeError is a failure of the test."""
    try:
        return load(path, overrides)
    except RecipeError as error:
        return list(error.problems)


def is_sound(outcome: Recipe | list[Problem]) -> bool:
    return isinstance(outcome, Recipe) or any(problem.severity == "error" for problem in outcome)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, len(EXAMPLE)), st.integers(0, 30), PIECES), min_size=1, max_size=4))
def test_a_mutated_recipe_is_a_recipe_or_a_recipe_error(tmp_path: Path, edits: list[tuple[int, int, str]]) -> None:
    text = EXAMPLE
    for at, length, piece in edits:
        text = text[:at] + piece + text[at + length :]
    path = tmp_path / "recipe.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    outcome = recipe_or_problems(path)
    assert is_sound(outcome)
    assert isinstance(outcome, Recipe) or format_problems(outcome)


NAMES = [
    "prompt",
    "messages",
    "lowercase",
    "placeholders",
    "exact_match",
    "base",
    "tuned",
    "../x",
    "a/b",
    "1e-4",
    "\0",
    "",
]
WORDS = st.sampled_from(NAMES) | st.text(max_size=5)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(-9, 9) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=5,
)
PATHS = [dotted(path) for path in parse(EXAMPLE, "recipe.yaml").values if path]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(PATHS), VALUES)
def test_any_value_at_any_key_is_a_recipe_or_a_recipe_error(tmp_path: Path, path: str, value: object) -> None:
    assert is_sound(recipe_or_problems(write_recipe(tmp_path, EXAMPLE), f"{path}={json.dumps(value)}"))


@pytest.mark.parametrize(
    "value", ["null", "3", "''", "[]", "{}", "[null]", "[{a: {}}]", "[{lowercase: 3}]", "{'': {}}"]
)
@pytest.mark.parametrize(
    "section", ["data.sources", "data.sources[0].fields", "preprocessing", "evaluation.evaluators"]
)
def test_a_section_of_the_wrong_form_is_a_problem(tmp_path: Path, section: str, value: str) -> None:
    assert is_sound(recipe_or_problems(write_recipe(tmp_path, EXAMPLE), f"{section}={value}"))
