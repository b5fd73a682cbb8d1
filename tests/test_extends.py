"""A recipe laid over its parents: what wins, where every value comes from, and what is said when a parent is wrong."""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resep.document import Document, parse
from resep.document.merging import merge
from resep.document.places import dotted
from resep.errors import Problem, RecipeError, ResepError
from resep.paths import data_folder
from resep.problems import format_problems
from resep.recipe import Recipe, load, part_schema
from resep.recipe.extends import MOST_FILES, MOST_LEVELS
from tests.conftest import Golden
from tests.recipe_texts import EXAMPLE, SMALLEST

PARENT = """\
resep: 1
name: parent
model: {base: smollm2-135m-instruct}
data:
  sources:
    - path: rows.jsonl
training:
  learning_rate: 1e-3
  lora: {r: 8, alpha: 16}
preprocessing: [lowercase, deduplicate]
evaluation:
  primary: exact_match
  evaluators: {exact_match: {}, length: {}}
"""


def write(folder: Path, files: Mapping[str, str]) -> Path:
    """The files, and the path of the first, which is the recipe."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder / next(iter(files))


def child(folder: Path, text: str = "", *overrides: str, **parents: str) -> Recipe:
    """A recipe that extends `base.yaml`, which is PARENT unless given."""
    files = {"recipe.yaml": f"extends: base.yaml\n{text}", "base.yaml": PARENT}
    return load(write(folder, files | {f"{name}.yaml": content for name, content in parents.items()}), overrides)


def test_a_bare_name_means_the_file_beside_the_recipe_first(tmp_path: Path) -> None:
    path = write(
        tmp_path, {"recipe.yaml": "extends: base/small-model-on-cpu\n", "base/small-model-on-cpu.yaml": PARENT}
    )
    recipe = load(path)
    assert recipe["name"] == "parent"
    assert [Path(file.file).name for file in recipe.parents] == ["small-model-on-cpu.yaml"]
    assert recipe.parents[0].path == tmp_path / "base" / "small-model-on-cpu.yaml"
    (tmp_path / "base" / "small-model-on-cpu.yaml").unlink()
    shipped = data_folder("recipes") / "base" / "small-model-on-cpu.yaml"
    whole = write(tmp_path, {"whole.yaml": f"{PARENT}extends: base/small-model-on-cpu\n"})
    assert load(whole).parents[0].path == shipped


def test_a_copy_of_two_recipes_stays_together(tmp_path: Path) -> None:
    for name in ("quickstart.yaml", "data/quickstart.jsonl"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes((data_folder("recipes") / name).read_bytes())
    path = write(tmp_path, {"child.yaml": "extends: quickstart\nname: child\n"})
    assert load(path).parents[0].path == tmp_path / "quickstart.yaml"


def test_a_link_beside_the_recipe_leads_nowhere_else(tmp_path: Path) -> None:
    (tmp_path / "secret.yaml").write_text(PARENT, encoding="utf-8")
    path = write(tmp_path, {"sub/recipe.yaml": "extends: base\n"})
    (tmp_path / "sub" / "base.yaml").symlink_to(tmp_path / "secret.yaml")
    (problem,) = problems(path)
    assert "leads out of the recipe's folder through a link" in problem.message


def problems(path: Path, *overrides: str) -> list[Problem]:
    with pytest.raises(RecipeError) as caught:
        load(path, overrides)
    return list(caught.value.problems)


def shown(folder: Path, found: list[Problem]) -> str:
    return format_problems(found).replace(f"{folder}/", "") + "\n"


def test_maps_merge_and_the_child_wins(tmp_path: Path) -> None:
    recipe = child(tmp_path, "name: child\ntraining: {lora: {r: 32}}\n")
    assert recipe["name"] == "child"
    assert (recipe["training.lora.r"], recipe["training.lora.alpha"]) == (32, 16)
    assert recipe["training.learning_rate"] == 0.001


def test_lists_are_replaced(tmp_path: Path) -> None:
    assert [step.name for step in child(tmp_path, "preprocessing: [placeholders]\n").steps] == ["placeholders"]


def test_null_deletes_and_what_was_deleted_can_come_back(tmp_path: Path) -> None:
    recipe = child(tmp_path, "evaluation: {evaluators: {length: null}}\n")
    assert list(recipe.evaluators) == ["exact_match"]
    files = {
        "again.yaml": "extends: recipe.yaml\nevaluation: {evaluators: {length: {}}}\n",
        "recipe.yaml": "extends: base.yaml\nevaluation: {evaluators: {length: null}}\n",
    }
    assert list(load(write(tmp_path, files)).evaluators) == ["exact_match", "length"]


def test_a_section_that_was_deleted_has_its_defaults_again(tmp_path: Path) -> None:
    recipe = child(tmp_path, "training: null\n")
    assert recipe["training.learning_rate"] == 0.0002
    assert recipe.origin("training.learning_rate") is None


def test_a_recipe_that_adds_nothing_equals_its_parent(tmp_path: Path) -> None:
    recipe = child(tmp_path, base=EXAMPLE)
    assert recipe.data == load(tmp_path / "base.yaml").data
    assert recipe.steps == load(tmp_path / "base.yaml").steps


def test_later_parents_win_over_earlier_ones_and_the_child_over_all(tmp_path: Path) -> None:
    files = {
        "recipe.yaml": "extends: [base.yaml, one.yaml, two.yaml]\nseed: 3\n",
        "base.yaml": PARENT,
        "one.yaml": "seed: 1\nname: one\ntraining: {batch_size: 4}\n",
        "two.yaml": "seed: 2\nname: two\n",
    }
    recipe = load(write(tmp_path, files))
    assert (recipe["seed"], recipe["name"], recipe["training.batch_size"]) == (3, "two", 4)
    assert [Path(parent.file).name for parent in recipe.parents] == ["base.yaml", "one.yaml", "two.yaml"]


def test_a_parent_that_two_parents_share_undoes_neither(tmp_path: Path) -> None:
    files = {
        "recipe.yaml": "extends: [one.yaml, two.yaml]\n",
        "one.yaml": "extends: base.yaml\ntraining: {learning_rate: 5e-4}\n",
        "two.yaml": "extends: base.yaml\nseed: 2\n",
        "base.yaml": PARENT,
    }
    recipe = load(write(tmp_path, files))
    assert (recipe["training.learning_rate"], recipe["seed"]) == (0.0005, 2)
    assert [Path(file.file).name for file in recipe.files] == ["base.yaml", "one.yaml", "two.yaml", "recipe.yaml"]


def test_every_value_says_where_it_was_written(tmp_path: Path) -> None:
    recipe = child(tmp_path, "name: child\npreprocessing:\n  - lowercase\n", "seed=7", "training.lora.r=64")
    assert str(recipe.origin("name")) == f"{tmp_path}/recipe.yaml:2"
    assert str(recipe.origin("training.learning_rate")) == f"{tmp_path}/base.yaml:8"
    assert str(recipe.origin("data.sources[0].path")) == f"{tmp_path}/base.yaml:6"
    assert str(recipe.origin("preprocessing[0].lowercase")) == f"{tmp_path}/recipe.yaml:4"
    assert (str(recipe.origin("seed")), str(recipe.origin("training.lora.r"))) == ("--set #1", "--set #2")
    assert recipe.origin("training.batch_size") is None
    assert recipe.origin("preprocessing[0].lowercase.fields") is None


def test_parents_may_be_incomplete_but_the_whole_may_not(tmp_path: Path) -> None:
    found = problems(write(tmp_path, {"recipe.yaml": "extends: base.yaml\nname: x\n", "base.yaml": "seed: 3\n"}))
    assert {problem.where for problem in found} == {"resep", "model", "data", "evaluation"}
    assert {problem.file for problem in found} == {str(tmp_path / "recipe.yaml")}


def test_a_problem_across_keys_points_at_the_file_of_each_value(tmp_path: Path) -> None:
    parent = PARENT + "split: {fractions: {train: 0.8, validation: 0.1, test: 0.1}}\n"
    files = {
        "recipe.yaml": "extends: base.yaml\ntraining: {max_steps: 3}\n",
        "base.yaml": parent + "expect: {x: '> 0'}\n",
    }
    (found,) = problems(write(tmp_path, files))
    assert (Path(found.file).name, found.where) == ("base.yaml", "expect.x")
    assert found.message.endswith(f"(extended by {tmp_path}/recipe.yaml:1)")


def test_a_wrong_value_that_a_child_mends_is_no_problem(tmp_path: Path) -> None:
    assert child(tmp_path, "seed: 1\n", base=PARENT + "seed: many\n")["seed"] == 1


def test_a_recipe_that_came_with_resep_is_extended_by_its_name(tmp_path: Path) -> None:
    text = SMALLEST.replace("model:\n  base: smollm2-135m-instruct\n", "extends: base/small-model-on-cpu\n")
    recipe = load(write(tmp_path, {"recipe.yaml": text}))
    assert recipe["training.learning_rate"] == 0.001
    assert recipe.locate("data.sources[0].path") == tmp_path / "rows.jsonl"
    assert recipe.parents[0].path == data_folder("recipes") / "base" / "small-model-on-cpu.yaml"


@pytest.mark.parametrize("name", ["mistral-7b-qlora", "olmo-1b", "small-model-on-cpu"])
def test_every_model_of_ours_makes_a_recipe_with_data_and_an_evaluation(name: str, tmp_path: Path) -> None:
    text = f"""\
resep: 1
name: x
extends: [base/{name}, base/evaluation-steps]
data: {{sources: [{{path: rows.jsonl}}]}}
"""
    recipe = load(write(tmp_path, {"recipe.yaml": text}))
    assert recipe.warnings == ()
    revision = recipe["model.revision"]
    assert revision is None if name == "small-model-on-cpu" else len(revision) == 40
    lines = (data_folder("recipes") / "base" / f"{name}.yaml").read_text().splitlines()
    assert len(lines) < 60
    assert lines[0] == "# yaml-language-server: $schema=../../schemas/part.schema.json"


def test_paths_are_relative_to_the_file_that_names_them(tmp_path: Path) -> None:
    files = {
        "recipe.yaml": "extends: team/base.yaml\nprompt: {chat_template: mine.jinja}\n",
        "team/base.yaml": PARENT.replace("smollm2-135m-instruct", "./tiny"),
    }
    recipe = load(write(tmp_path, files))
    assert recipe.locate("data.sources[0].path") == tmp_path / "team" / "rows.jsonl"
    assert recipe.locate("model.base") == tmp_path / "team" / "tiny"
    assert recipe.locate("prompt.chat_template") == tmp_path / "mine.jinja"


def test_a_parents_path_stays_below_the_parent(tmp_path: Path) -> None:
    files = {"recipe.yaml": "extends: team/base.yaml\n", "team/base.yaml": PARENT.replace("rows", "../rows")}
    (found,) = problems(write(tmp_path, files))
    assert (found.file, found.line) == (str(tmp_path / "team/base.yaml"), 6)
    assert "leads out" in found.message


def test_a_link_out_of_the_folder_is_refused_when_the_file_is_asked_for(tmp_path: Path) -> None:
    outside, inside = tmp_path / "secret.jsonl", tmp_path / "inside"
    outside.write_text("{}\n")
    inside.mkdir()
    (inside / "rows.jsonl").symlink_to(outside)
    recipe = load(write(inside, {"recipe.yaml": PARENT}))
    with pytest.raises(ResepError, match="through a link"):
        recipe.locate("data.sources[0].path")
    typed = load(inside / "recipe.yaml", [f"data.sources[0].path={inside}/rows.jsonl"])
    assert typed.locate("data.sources[0].path") == inside / "rows.jsonl"


def test_a_parent_behind_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(PARENT)
    path = write(tmp_path / "inside", {"recipe.yaml": "extends: base.yaml\n"})
    (tmp_path / "inside" / "base.yaml").symlink_to(tmp_path / "base.yaml")
    (found,) = problems(path)
    assert "through a link" in found.message


def test_a_plug_in_is_found_beside_the_file_that_names_it_and_beside_its_parents(tmp_path: Path) -> None:
    plugin = 'METRICS = ()\ndef evaluate(samples, context, *, word: str = "please"): ...\n'
    files = {
        "recipe.yaml": "extends: team/base.yaml\nevaluation: {evaluators: {polite: {word: ta}, mine: {}}}\n",
        "team/base.yaml": PARENT.replace("length: {}", "polite: {}"),
        "team/evaluators/polite.py": plugin,
        "evaluators/mine.py": plugin,
    }
    recipe = load(write(tmp_path, files))
    assert recipe.plugin("evaluators", "polite") == tmp_path / "team/evaluators/polite.py"
    assert recipe.evaluators["polite"] == {"word": "ta"}
    assert set(recipe.foreign_plugins) == {tmp_path / "team/evaluators/polite.py", tmp_path / "evaluators/mine.py"}


def test_a_parent_cannot_name_a_plug_in_that_lies_beside_its_child_only(tmp_path: Path) -> None:
    files = {
        "recipe.yaml": "extends: team/base.yaml\n",
        "team/base.yaml": PARENT.replace("length: {}", "polite: {}"),
        "evaluators/polite.py": "METRICS = ()\ndef evaluate(samples, context): ...\n",
    }
    (found,) = problems(write(tmp_path, files))
    assert "there is no evaluator 'polite'" in found.message


def test_overrides_are_laid_over_the_merged_whole(tmp_path: Path) -> None:
    recipe = child(tmp_path, "", "evaluation.evaluators.length=null", "preprocessing[1]=placeholders")
    assert list(recipe.evaluators) == ["exact_match"]
    assert [step.name for step in recipe.steps] == ["lowercase", "placeholders"]


def test_an_override_that_removes_nothing_names_the_nearest(tmp_path: Path) -> None:
    path = write(tmp_path, {"recipe.yaml": "extends: base.yaml\n", "base.yaml": PARENT})
    (found,) = problems(path, "evaluation.evaluators.lenght=null")
    assert (found.file, found.column) == ("--set #1", 23)
    assert "did you mean 'length'" in found.message


def test_a_typed_parent_may_lie_anywhere(tmp_path: Path) -> None:
    path = write(tmp_path / "here", {"recipe.yaml": "extends: base.yaml\nname: x\n"})
    write(tmp_path / "there", {"other.yaml": PARENT})
    assert "there is no file" in problems(path)[0].message
    recipe = load(path, [f"extends={tmp_path}/there/other.yaml"])
    assert recipe.locate("data.sources[0].path") == tmp_path / "there" / "rows.jsonl"
    (found,) = problems(path, "extends=no/such.yaml")
    assert (found.file, found.line, found.column) == ("--set #1", 1, 9)


def test_extends_can_be_taken_away_on_the_command_line(tmp_path: Path) -> None:
    path = write(tmp_path, {"recipe.yaml": SMALLEST + "extends: nowhere.yaml\n"})
    assert load(path, ["extends=null"]).parents == ()


# Each file of the recipe, and the golden screen of what is said.
SCREENS: dict[str, dict[str, str]] = {
    "typo_in_a_parent": {
        "recipe.yaml": "# our question\nextends: team/base.yaml\nname: x\n",
        "team/base.yaml": PARENT.replace("learning_rate", "learning_rte").replace("[lowercase,", "[lowercas,"),
    },
    "typo_in_a_grandparent": {
        "recipe.yaml": "extends: middle.yaml\nname: x\n",
        "middle.yaml": "seed: 3\nextends:\n  - base.yaml\n",
        "base.yaml": PARENT.replace("r: 8", "r: eight"),
    },
    "circle_of_parents": {
        "recipe.yaml": "extends: [base.yaml, a.yaml]\nname: x\n",
        "base.yaml": PARENT,
        "a.yaml": "extends: b.yaml\n",
        "b.yaml": "seed: 3\nextends: a.yaml\n",
    },
    "parent_that_extends_itself": {"recipe.yaml": "extends: recipe.yaml\n"},
    "missing_parent": {"recipe.yaml": "extends: bsae.yaml\nname: x\n", "base.yaml": PARENT},
    "missing_grandparent": {"recipe.yaml": "extends: base.yaml\n", "base.yaml": "extends: team/other.yaml\n"},
    "misspelt_packaged_parent": {"recipe.yaml": "extends: base/mistral-7b-lora\n"},
    "parent_out_of_the_folder": {"recipe.yaml": "extends: ../base.yaml\n"},
    "too_many_levels_of_parents": {
        "recipe.yaml": "extends: level1.yaml\n",
        **{f"level{level}.yaml": f"extends: level{level + 1}.yaml\n" for level in range(1, 12)},
    },
    "null_that_deletes_nothing": {
        "recipe.yaml": "extends: base.yaml\nevaluation:\n  evaluators:\n    lenght: null\n    bertscore:\n",
        "base.yaml": PARENT,
    },
    "null_without_a_parent": {"recipe.yaml": PARENT.replace("exact_match: {}", "exact_match: null")},
    "keys_of_two_files_that_exclude_each_other": {
        "recipe.yaml": "extends: base.yaml\ntraining: {max_steps: 100}\nsplit: {fractions: {train: 0.9, test: 0.1}}\n",
        "base.yaml": PARENT.replace("  learning_rate", "  num_epochs: 2\n  learning_rate")
        + "split: {fractions: {train: 0.8, validation: 0.1, test: 0.1}}\n",
    },
    "parent_that_is_no_yaml": {"recipe.yaml": "extends: base.yaml\nname: x\n", "base.yaml": "resep: 1\nname: [a\n"},
    "parent_that_is_no_recipe": {"recipe.yaml": "extends: base.yaml\nname: x\n", "base.yaml": "- a\n- b\n"},
    "extends_of_the_wrong_type": {"recipe.yaml": "extends: [base.yaml, {name: b}, 3]\n", "base.yaml": PARENT},
    "empty_extends": {"recipe.yaml": "extends:\nname: x\n"},
}  # fmt: skip


@pytest.mark.parametrize("name", SCREENS)
def test_the_error_screen_of_a_mistake_among_parents(name: str, tmp_path: Path, golden: Golden) -> None:
    golden(f"extends/{name}.txt", shown(tmp_path, problems(write(tmp_path, SCREENS[name]))))


def test_the_number_of_levels_and_of_files_is_bounded(tmp_path: Path) -> None:
    levels = {f"l{n}.yaml": f"extends: l{n + 1}.yaml\n" for n in range(MOST_LEVELS)} | {f"l{MOST_LEVELS}.yaml": PARENT}
    assert len(load(write(tmp_path, levels)).parents) == MOST_LEVELS
    many = [f"f{n}.yaml" for n in range(MOST_FILES)]
    files = {"recipe.yaml": f"extends: {json.dumps([*many, 'base.yaml'])}\n", "base.yaml": PARENT}
    found = problems(write(tmp_path, files | dict.fromkeys(many, "seed: 1\n")))
    assert f"more than {MOST_FILES} files" in found[0].message


@pytest.mark.parametrize(
    "value", ["null", "3", "true", "''", "[]", "{}", "[null]", "[[a.yaml]]", "{a.yaml: b.yaml}", "'\\0'"]
)
def test_extends_of_any_form_is_a_problem(value: str, tmp_path: Path) -> None:
    for text in (f"extends: {value}\n", f"extends: [base.yaml, {value}]\n"):
        found = problems(write(tmp_path, {"recipe.yaml": text, "base.yaml": PARENT}))
        assert found[0].where.startswith("extends")


@pytest.mark.parametrize(
    "name", ["x" * 300 + ".yaml", "x" * 300, "a/" * 200 + "b.yaml", "base/../../x", ".yaml", "hub:", "git+"]
)
def test_odd_names_are_problems(name: str, tmp_path: Path) -> None:
    (found,) = problems(write(tmp_path, {"recipe.yaml": f"extends: '{name}'\n"}))
    assert (found.where, found.line) == ("extends", 1)


def test_links_in_a_circle_are_no_way_out(tmp_path: Path) -> None:
    path = write(tmp_path, {"recipe.yaml": "extends: base.yaml\n"})
    (tmp_path / "base.yaml").symlink_to("base.yaml")
    assert "there is no file" in problems(path)[0].message
    assert "cannot be read" in problems(tmp_path / "base.yaml")[0].message
    (tmp_path / "rows.jsonl").symlink_to("rows.jsonl")
    assert load(write(tmp_path, {"other.yaml": SMALLEST})).locate("data.sources[0].path") == tmp_path / "rows.jsonl"


def test_a_pipe_among_the_parents_is_not_waited_for(tmp_path: Path) -> None:
    import os

    path = write(tmp_path, {"recipe.yaml": "extends: base.yaml\n"})
    os.mkfifo(tmp_path / "base.yaml")
    assert "there is no file" in problems(path)[0].message


def test_a_recipe_of_parts_passes_the_schema_that_editors_use_for_parts(golden: Golden) -> None:
    golden("../../schemas/part.schema.json", json.dumps(part_schema.build(), indent=2, ensure_ascii=False) + "\n")


KEYS = st.sampled_from(["a", "b", "c", "d"])
LEAVES = st.integers(0, 3) | st.lists(st.integers(0, 2), max_size=2)
# A key is a map everywhere (upper case) or nowhere, as the schema has it: then merging is associative.
MAPS: Any = st.recursive(
    st.dictionaries(KEYS, LEAVES, max_size=3),
    lambda inner: st.tuples(
        st.dictionaries(KEYS, LEAVES, max_size=2), st.dictionaries(KEYS.map(str.upper), inner, max_size=2)
    ).map(lambda parts: {**parts[0], **parts[1]}),
    max_leaves=6,
)


def document(data: Any, file: str = "x.yaml") -> Document:
    return parse(yaml.safe_dump(data), file)


def _state(whole: Document) -> tuple[Any, ...]:
    return whole.data, {path: place.file for path, place in whole.values.items() if not _is_map(whole.data, path)}


def _is_map(data: Any, path: tuple[Any, ...]) -> bool:
    for part in path:
        data = data[part]
    return isinstance(data, dict)


@given(MAPS, MAPS, MAPS)
def test_merging_is_associative(a: Any, b: Any, c: Any) -> None:
    one, two, three = (document(data, f"{name}.yaml") for name, data in zip("abc", (a, b, c), strict=True))
    assert _state(merge(merge(one, two), three)) == _state(merge(one, merge(two, three)))


@given(MAPS, MAPS)
def test_every_value_of_the_whole_has_a_place_and_every_place_a_value(a: Any, b: Any) -> None:
    whole = merge(document(a), document(b))
    paths = set(_paths(whole.data, ()))
    assert set(whole.values) == paths
    assert set(whole.keys) == {path for path in paths if path and isinstance(path[-1], str)}


@given(MAPS)
def test_merging_with_itself_or_with_nothing_changes_nothing(data: Any) -> None:
    whole, empty = document(data), Document("e.yaml", {})
    assert merge(whole, whole).data == merge(whole, empty).data == merge(empty, whole).data == data


@given(MAPS, KEYS, LEAVES)
def test_deleting_and_adding_again_is_setting(data: Any, key: str, value: Any) -> None:
    below = document({**data, key: 9})
    deleted = merge(below, document({key: None}))
    assert deleted.problems == ()
    assert key not in deleted.data
    assert merge(deleted, document({key: value})).data == merge(below, document({key: value})).data


@given(MAPS, MAPS)
def test_merging_leaves_both_documents_as_they_were(a: Any, b: Any) -> None:
    below, above = document(a), document(b)
    before = deepcopy((below, above))
    merge(below, above)
    assert (below, above) == before


def _paths(data: Any, path: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [path, *(inner for key, value in items for inner in _paths(value, (*path, key)))]


LINES = EXAMPLE.splitlines(keepends=True)
SECTIONS = [index for index, line in enumerate(LINES) if line[0].isalpha()]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.booleans(), min_size=len(SECTIONS), max_size=len(SECTIONS)))
def test_a_recipe_cut_into_child_and_parent_is_the_same_recipe(tmp_path: Path, goes_up: list[bool]) -> None:
    parts: dict[bool, str] = {True: "", False: "extends: base.yaml\n"}
    for start, end, up in zip(SECTIONS, [*SECTIONS[1:], len(LINES)], goes_up, strict=True):
        parts[up] += "".join(LINES[start:end])
    parts[True] = parts[True] or "{}\n"
    recipe = load(write(tmp_path, {"recipe.yaml": parts[False], "base.yaml": parts[True]}))
    whole = load(write(tmp_path, {"whole.yaml": EXAMPLE}))
    assert recipe.data == whole.data
    written = {dotted(path) for path in parse(EXAMPLE, "x").values if path}
    for key in written:
        origin, there = recipe.origin(key), whole.origin(key)
        assert origin is not None
        assert there is not None
        assert origin.source == there.source


PIECES = st.sampled_from(
    [
        "",
        "\n",
        "\t",
        ": ",
        "- ",
        "{",
        "[",
        "'",
        "null",
        "~",
        "extends: base.yaml\n",
        "variables: {a: b}\n",
        "${a}",
        "&a ",
        "*a",
        "\0",
    ]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(0, len(EXAMPLE)), st.integers(0, 30), PIECES), min_size=1, max_size=4),
    st.sampled_from(["", "training: null\n", "data: null\n", "split: {fractions: null}\n", "preprocessing: null\n"]),
)
def test_a_mutated_parent_is_a_recipe_or_a_recipe_error(
    tmp_path: Path, edits: list[tuple[int, int, str]], text: str
) -> None:
    parent = EXAMPLE
    for at, length, piece in edits:
        parent = parent[:at] + piece + parent[at + length :]
    path = write(tmp_path, {"recipe.yaml": f"extends: base.yaml\n{text}", "base.yaml": parent})
    try:
        recipe = load(path)
    except RecipeError as error:
        found = list(error.problems)
        assert format_problems(found)
        return
    assert all(recipe.origin(key) is None or isinstance(str(recipe.origin(key)), str) for key in recipe.grounds.places)


@pytest.mark.parametrize("value", ["3", "[]", "{}", "''", "'../../../x.yaml'", "[a.yaml, 3]", "'\\0.yaml'", "~x.yaml"])
def test_a_typed_parent_of_any_form_is_a_problem_of_its_argument(value: str, tmp_path: Path) -> None:
    found = problems(write(tmp_path, {"recipe.yaml": SMALLEST}), f"extends={value}")
    assert {problem.file for problem in found} == {"--set #1"}


def test_a_typed_path_of_nobodys_home_is_a_path(tmp_path: Path) -> None:
    recipe = load(write(tmp_path, {"recipe.yaml": SMALLEST}), ["data.sources[0].path=~nobody-here/x.csv"])
    assert recipe.locate("data.sources[0].path") == Path.cwd() / "~nobody-here/x.csv"
