"""The table of habits: every line is alive, and no suggestion of it is refused in its turn."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resep.document import parse
from resep.document.scalars import read_scalar
from resep.document.writer import dump_yaml
from resep.errors import Problem, RecipeError
from resep.paths import data_folder
from resep.recipe import load
from resep.recipe.habits import ANOTHER, ANY, Habit, habit_of, habits, instruction, other_names, spelling
from resep.recipe.key_suggestions import accepts
from tests.recipe_texts import EXAMPLE, SMALLEST, write_recipe

SCHEMA: dict[str, Any] = json.loads((data_folder("schemas") / "recipe.schema.json").read_text(encoding="utf-8"))
OPEN = ("preprocessing", "evaluation.evaluators")  # maps (or lists) whose keys are the names of plug-ins


def problems(folder: Path, data: dict[str, Any]) -> tuple[Problem, ...]:
    try:
        return load(write_recipe(folder, dump_yaml(data))).warnings
    except RecipeError as error:
        return error.problems


def recipe_with(key: str, value: Any) -> dict[str, Any]:
    """The example with a value at a dotted key; sections on the way are made, of lists the first item is taken."""
    data: dict[str, Any] = parse(EXAMPLE, "recipe.yaml").data
    if key.startswith("preprocessing."):
        _, step, *option = key.split(".")
        return {**data, "preprocessing": [{step: {option[0]: value}} if option else step]}
    *above, last = key.split(".")
    node: Any = data
    for part in above:
        node = node.setdefault(part, {})
        node = node[0] if isinstance(node, list) else node
    node[last] = value
    return data


def an_accepted_value(habit: Habit) -> Any:
    """A value to try a suggestion with: its own, or for one that takes the user's along, one that the key takes."""
    if habit.ours not in (None, ANOTHER):
        value = read_scalar(habit.ours or "")
        items = {"generation.arms": ["base", "tuned"], "preprocessing.placeholders.detectors": [value]}
        return items.get(habit.key, value)
    return SAMPLES.get(habit.key, SAMPLES.get(habit.key.rpartition(".")[0] + ".*"))


# A value for each key that suggestions of the table lead to, where the user's own value goes along.
SAMPLES: dict[str, Any] = {
    "data.sources": [{"path": "rows.jsonl", "fields": {"category": "kind"}}],
    "data.sources.path": "rows.csv",
    "data.sources.format": "messages",
    "data.sources.fields": {"category": "kind"},
    "data.sources.fields.*": "question",
    "data.sources.hub": "owner/name",
    "data.sources.subset": "main",
    "data.sources.limit": 5,
    "evaluation.cluster_by": "category",
    "evaluation.evaluators": {"order_accuracy": {}},
    "evaluation.evaluators.*": {},
    "evaluation.evaluators.bertscore.encoder": "all-minilm-l6-v2",
    "evaluation.evaluators.bertscore.layer": 5,
    "evaluation.evaluators.exact_match.ignore_case": True,
    "evaluation.evaluators.order_accuracy.encoder": "lexical",
    "evaluation.evaluators.order_accuracy.threshold": 0.4,
    "evaluation.normalise": "none",
    "evaluation.primary": "exact_match",
    "evaluation.slices": ["category"],
    "expect": {"exact_match.delta": "> 0"},
    "generation.arms": ["base", "tuned"],
    "generation.batch_size": 4,
    "generation.do_sample": True,
    "generation.max_new_tokens": 5,
    "generation.repetition_penalty": 1.1,
    "generation.stop": ["\n\n"],
    "generation.temperature": 0.5,
    "generation": {"max_new_tokens": 8},
    "compute.profile": "cpu",
    "evaluation": {"primary": "exact_match", "evaluators": {"exact_match": {}}},
    "model.base": "smollm2-135m-instruct",
    "model.revision": "main",
    "name": "another",
    "preprocessing": ["lowercase"],
    "preprocessing.placeholders.detectors": ["email"],
    "preprocessing.placeholders.patterns": {"ORDER": "INV-[0-9]{6}"},
    "prompt.chat_template": "chatml",
    "prompt.response_format": "text",
    "prompt.system": "Be brief.",
    "prompt.train_on": "all",
    "resep": 1,
    "seed": 7,
    "split": {"salt": "2"},
    "split.by": "prompt",
    "split.files": {"test": "rows.csv"},
    "split.files.*": "rows.csv",
    "split.fractions": {"train": 0.5, "validation": 0.25, "test": 0.25},
    "split.fractions.*": 0.2,
    "split.group_by": "category",
    "split.max_rows.*": 10,
    "split.salt": "2",
    "split.stratify_by": "category",
    "training": {"method": "lora"},
    "training.axolotl.*": None,
    "training.lora": {"r": 4},
    "training.lora.alpha": 8,
    "training.lora.dropout": 0.1,
    "training.lora.r": 4,
    "training.lora.target_modules": ["q_proj"],
    "training.method": "lora",
    "training.precision": "auto",
    "training.lr_scheduler": "linear",
    "training.optimizer": "sgd",
    "training.overflow": "drop",
    "training.packing": False,
    "training.gradient_checkpointing": True,
    "training.learning_rate": 1e-4,
    "training.max_grad_norm": 0.5,
    "training.warmup_ratio": 0.1,
    "training.weight_decay": 0.01,
    **dict.fromkeys(
        [
            "training.batch_size",
            "training.early_stopping",
            "training.eval_per_epoch",
            "training.gradient_accumulation_steps",
            "training.max_steps",
            "training.micro_batch_size",
            "training.num_epochs",
            "training.save_per_epoch",
        ],
        2,
    ),
    "training.sequence_len": 512,
}
PASSED_ON = {
    "adam_beta1": 0.9, "adam_beta2": 0.95, "adam_epsilon": 1e-8, "attn_implementation": "sdpa",
    "lora_modules_to_save": ["lm_head"], "loraplus_lr_ratio": 8.0, "neftune_noise_alpha": 5.0, "peft_use_dora": True,
    "peft_use_rslora": True, "torch_compile": True,
}  # fmt: skip
# Changing one key of the example may contradict another; the key and its value are good all the same.
CONTRADICTIONS = (
    "add up to",
    "is given as well",
    "belongs to a hub id",
    "belongs to a data set",
    "not both",
    "add it. With `hub`",
    "maps a further field",
    "does not divide",
    "is not listed",
    "trains every weight",
    "needs validation rows",
    "keeps all rows",
    "below it, a commit",
    "leave stratify_by out",
    "is the path of no source",
    "does not read '",
    "is not a field that data",
    "files.validation already",
    "brings its splits along",
    "add it. The test rows",
)
SUGGESTED = sorted({(habit.key, repr(habit.ours)): habit for habit in habits() if habit.key}.values(), key=repr)


@pytest.mark.parametrize("habit", SUGGESTED, ids=lambda habit: f"{habit.key}={habit.ours}")
def test_no_suggestion_is_refused_in_its_turn(habit: Habit, tmp_path: Path) -> None:
    value = an_accepted_value(habit)
    if habit.key.startswith("training.axolotl."):
        value = PASSED_ON[habit.key.rpartition(".")[2]]
    assert value is not None or habit.key.startswith(OPEN), f"{habit.key} needs a value in SAMPLES"
    wrong = [p for p in problems(tmp_path, recipe_with(habit.key, value)) if p.severity == "error"]
    assert not [p for p in wrong if not any(words in p.message for words in CONTRADICTIONS)]


AT_ONCE = 40  # beyond 50 unknown keys of a section a recipe is taken for something else


def section_of(habit: Habit) -> str:
    """Where to make the mistake: for a name that is one anywhere, in training, unless it is a key of ours there."""
    ours = SCHEMA["properties"]["training"]["properties"]
    return habit.scope if habit.scope is not None else "" if habit.name in ours else "training"


def in_recipes(found: list[Habit]) -> Iterator[tuple[dict[str, Any], list[tuple[Habit, Any]]]]:
    """Recipes that make every mistake of the table, many of them in each recipe."""
    waiting = found
    while waiting:
        data: dict[str, Any] = parse(SMALLEST, "recipe.yaml").data
        made: list[tuple[Habit, Any]] = []
        later: list[Habit] = []
        taken: set[str] = set()
        for habit in waiting:
            scope = section_of(habit)
            where = f"{scope}.{habit.name}" if scope else habit.name
            if len(made) == AT_ONCE or any(
                where.startswith(f"{other}.") or other.startswith(f"{where}.") or where == other for other in taken
            ):
                later.append(habit)
                continue
            taken.add(where)
            made.append((habit, put(data, where, habit)))
        yield data, made
        waiting = later


def put(data: dict[str, Any], where: str, habit: Habit) -> Any:
    value = {None: 3, ANY: 31.5}.get(habit.value) or read_scalar(habit.value or "")
    *above, last = where.split(".")
    node: Any = data
    for part in above:
        if isinstance(node, dict) and node.get(part) is None:
            node[part] = {}
        node = node[part]
        node = node[0] if isinstance(node, list) else node
    node[last] = value
    return value


# Values that are judged across keys, where one place can hold one mistake only, have tests of their own.
JUDGED_LATER = {("generation", "arms"), ("model", "base"), ("prompt", "chat_template")}
ABOUT_KEYS = [h for h in habits() if not (h.scope or "").startswith(OPEN)]


def test_every_line_of_the_table_is_alive(tmp_path: Path) -> None:
    """The mistake is made in a recipe, and what is said of it is what the line says."""
    checked = count()
    for data, made in in_recipes([h for h in ABOUT_KEYS if (h.scope, h.name) not in JUDGED_LATER]):
        said = {(p.where, p.message) for p in problems(tmp_path, data)}
        for habit, value in made:
            scope = section_of(habit)
            order = instruction(habit, value, scope, accepts(SCHEMA)).partition(" (")[0]
            where = f"{scope}.{habit.name}".lstrip(".")
            lines = [message for place, message in said if re.sub(r"\[\d+\]", "", place) == where]
            assert any(order in line for line in lines), (habit.written, order, lines)
            next(checked)
    assert next(checked) > 500


def test_every_mistake_stands_in_the_table_once() -> None:
    seen = [(habit.scope, spelling(habit.name), habit.value) for habit in habits()]
    assert len(seen) == len(set(seen))
    assert len(seen) > 500


def test_every_line_says_where_the_habit_comes_from() -> None:
    assert all(habit.tools for habit in habits())
    assert all(habit.advice for habit in habits() if not habit.key)


@pytest.mark.parametrize("value", ["yes", "on", "True", True, "TRUE"])
def test_true_is_written_in_many_ways(value: object) -> None:
    habit = habit_of("bf16", value, "training")
    assert habit
    assert instruction(habit, value, "training", lambda *_: True) == "write 'precision: bf16'"


def test_the_users_value_goes_along_only_where_the_key_takes_it() -> None:
    habit = habit_of("lora_rank", 8, "training")
    assert habit
    assert instruction(habit, 8, "training", lambda *_: True) == "write 'r: 8' under training.lora"
    assert instruction(habit, -8, "training", lambda *_: False) == "write 'r: ...' under training.lora"


def test_the_same_name_means_another_key_in_another_section() -> None:
    found = {scope: habit_of("max_length", 64, scope) for scope in ("training", "generation")}
    assert {scope: habit.key for scope, habit in found.items() if habit} == {
        "training": "training.sequence_len",
        "generation": "generation.max_new_tokens",
    }


def test_the_names_in_other_tools_are_known_for_the_documentation() -> None:
    assert {"lora_r", "lora_rank", "rank"} <= set(other_names("training.lora.r"))


@given(st.text(max_size=12), st.none() | st.booleans() | st.floats() | st.text(max_size=9) | st.lists(st.integers()))
def test_any_key_and_value_can_be_looked_up(name: str, value: object) -> None:
    habit = habit_of(name, value, "training")
    assert habit is None or instruction(habit, value, "training", lambda *_: False)


LISTS = ("generation.arms", "preprocessing.placeholders.detectors")  # the line speaks of one item
ONE_AT_A_TIME = [h for h in habits() if (h.scope, h.name) in JUDGED_LATER or (h.scope or "").startswith(OPEN)]


@pytest.mark.parametrize("habit", ONE_AT_A_TIME, ids=lambda habit: habit.written)
def test_every_line_that_is_judged_across_keys_or_by_plug_ins_is_alive(habit: Habit, tmp_path: Path) -> None:
    key = f"{habit.scope}.{habit.name}"
    value: Any = {} if key.count(".") == 2 else 3
    value = read_scalar(habit.value) if habit.value and habit.value != ANY else value
    data = recipe_with(key, ["base", value] if key == "generation.arms" else [value] if key in LISTS else value)
    meant = habit.ours if habit.key == key else habit.key.rpartition(".")[2]
    said = [p.message for p in problems(tmp_path, data)]
    said = [message.replace("'", "") for message in said]
    assert any(
        (f"write {meant}" in message if habit.key else habit.advice.replace("'", "") in message) for message in said
    ), said
