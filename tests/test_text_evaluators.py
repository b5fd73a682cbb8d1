"""What the evaluators that read texts have in common: they describe themselves, and score a file in one child."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from resep.errors import ResepError
from resep.plugins import describe, find
from resep.recipe import Recipe, load
from resep.repeatable import read_inputs, write_repeatable
from resep.stages.evaluate import _files, _located
from resep.stages.evaluate.score_file import score_file
from tests.recipe_texts import SMALLEST, write_recipe
from tests.scoring import HOSTILE, LIGHT, plugin

OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "rouge": {},
    "bleu": {},
    "chrf": {},
    "contains": {},
    "regex": {"pattern": "(o[a-z]+)"},
    "json_format": {},
    "classification": {},
    "steps_format": {},
    "repetition": {},
}


@pytest.mark.parametrize("name", OPTIONS)
def test_metrics_and_options_are_known_without_running_the_plugin(name: str) -> None:
    read = describe(find("evaluators", name))
    assert read.help
    assert read.metrics == plugin(name).METRICS
    assert all(option.help for option in read.options.values())


@pytest.mark.parametrize("name", OPTIONS)
def test_another_option_is_another_signature(name: str) -> None:
    """An option that changes no number would be none."""
    read, signature = describe(find("evaluators", name)), plugin(name).signature
    given = {option: each.default for option, each in read.options.items()}
    for option, each in read.options.items():
        others = [choice for choice in each.choices if choice != each.default] or [_other(each.default)]
        if name == "classification" and option == "match":
            assert signature(LIGHT, **given | {"match": "exact"}) != signature(LIGHT, **given)
        elif option not in ("schema", "schema_file"):  # a schema's digest is tested with the schemas
            assert signature(LIGHT, **given | {option: others[0]}) != signature(LIGHT, **given), option


def _other(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    return value + 1 if isinstance(value, int) else ["a"] if isinstance(value, list) else "a"


@pytest.mark.slow
def test_all_of_them_score_a_file_of_hostile_texts_in_one_child(tmp_path: Path) -> None:
    schema = tmp_path / "schema.json"
    schema.write_text('{"type": "object"}', encoding="utf-8")
    options = {**OPTIONS, "json_format": {"schema_file": str(schema)}}
    texts = [*HOSTILE, "open it", '{"\ud800": 1}']
    rows = [
        {"id": str(n), "arm": arm, "output": text, "target": texts[-1 - n] if arm == "a" else text}
        for arm in ("a", "b")
        for n, text in enumerate(texts)
    ]
    file = tmp_path / "samples.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    result = score_file(file, options)
    assert [row["error"] for row in result["scores"]] == [None] * len(rows)
    assert {"rouge1", "bleu", "chrf", "regex_captured", "json_schema", "macro_f1"} <= set(result["metrics"])
    for name, metric in result["metrics"].items():
        assert metric["mean"] is not None, name
        assert metric["signature"], name


def with_schema(folder: Path) -> Recipe:
    (folder / "recipe").mkdir()
    return load(write_recipe(folder / "recipe", SMALLEST + "    json_format: {schema_file: schemas/answer.json}\n"))


def test_a_schema_file_is_found_beside_the_recipe_and_read_by_its_stage(tmp_path: Path) -> None:
    recipe = with_schema(tmp_path)
    file = recipe.folder / "schemas" / "answer.json"
    with pytest.raises(ResepError, match=r"schemas/answer\.json: no such file"):
        _files(recipe, "json_format")
    file.parent.mkdir()
    file.write_text("{}", encoding="utf-8")
    assert _files(recipe, "json_format") == {"schemas/answer.json": file}
    assert _located(recipe, "json_format")["schema_file"] == str(file)
    assert _files(recipe, "exact_match") == {}


def test_a_schema_file_is_among_the_inputs_of_a_recipe_to_repeat(tmp_path: Path) -> None:
    recipe = with_schema(tmp_path)
    (recipe.folder / "schemas").mkdir()
    (recipe.folder / "schemas" / "answer.json").write_text("{}", encoding="utf-8")
    (recipe.folder / "rows.jsonl").write_text('{"prompt": "a", "response": "b"}\n', encoding="utf-8")
    write_repeatable(recipe, tmp_path / "again")
    inputs = {each.key: each for each in read_inputs(tmp_path / "again")}
    schema = inputs["evaluation.evaluators.json_format.schema_file"]
    assert (schema.given, schema.path) == ("schemas/answer.json", "schemas/answer.json")
    assert len(schema.digest) == 64


def test_so_are_the_files_of_a_harness_task(tmp_path: Path) -> None:
    (tmp_path / "recipe").mkdir()
    text = SMALLEST + "    lm_eval: {tasks: [toy], files: [tasks/toy.yaml, tasks/toy.jsonl]}\n"
    recipe = load(write_recipe(tmp_path / "recipe", text))
    for name in ("tasks/toy.yaml", "tasks/toy.jsonl", "rows.jsonl"):
        (recipe.folder / name).parent.mkdir(exist_ok=True)
        (recipe.folder / name).write_text("{}\n", encoding="utf-8")
    write_repeatable(recipe, tmp_path / "again")
    inputs = {each.key: each.path for each in read_inputs(tmp_path / "again")}
    key = "evaluation.evaluators.lm_eval.files"
    assert (inputs[f"{key}[0]"], inputs[f"{key}[1]"]) == ("tasks/toy.yaml", "tasks/toy.jsonl")
