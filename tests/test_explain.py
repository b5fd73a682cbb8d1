"""`resep explain`: every value with its origin, every key with what it means and what it leads to."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from resep import cli
from resep.document.places import KeyPath, dotted
from resep.errors import ResepError
from resep.explanation import explain, schema_of
from resep.influence import rendered, stages_steered
from resep.paths import data_folder
from resep.recipe import Recipe, load
from resep.recipe.axolotl_options import OWNED
from resep.recipe.keys import key_help, read_path
from resep.recipe.listing import WIDTH, Listing
from resep.recipe.schema import all_parts
from resep.recipe.values import ABSENT
from tests.conftest import Golden
from tests.recipe_texts import EXAMPLE, write_recipe

PARENT = """\
resep: 1
model: {base: smollm2-135m-instruct}
prompt:
  chat_template: chatml
training:
  learning_rate: 2e-4
  lora: {r: 8}
evaluation:
  primary: exact_match
  evaluators: {exact_match: {}}
"""
CHILD = """\
resep: 1
name: child
extends: base.yaml
data:
  sources:
    - path: rows.jsonl
preprocessing:
  - placeholders:
      patterns: {ORDER: "INV-[0-9]{6}"}
  - lowercase
training:
  learning_rate: 1e-3
"""
SHIPPED = sorted(data_folder("recipes").glob("*.yaml"))


@pytest.fixture
def child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A recipe with a parent, in the current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    Path("base.yaml").write_text(PARENT)
    Path("child.yaml").write_text(CHILD)
    return Path("child.yaml")


@pytest.fixture
def example(tmp_path: Path) -> Recipe:
    return load(write_recipe(tmp_path, EXAMPLE))


def _shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert cli.main(["explain", *arguments]) == 0
    return capsys.readouterr().out


def _values(data: Any, path: KeyPath = ()) -> Iterator[tuple[str, Any]]:
    """Every value that is set, by dotted key; a list of scalars is one value."""
    if isinstance(data, dict) and any(value is not None for value in data.values()):
        for key, value in data.items():
            if value is not None:
                yield from _values(value, (*path, key))
    elif isinstance(data, list) and any(isinstance(item, dict) for item in data):
        for index, item in enumerate(data):
            yield from _values(item, (*path, index))
    else:
        yield dotted(path), data if isinstance(data, list) else {} if isinstance(data, dict) else data


def _keys(schema: Any, node: Any, path: KeyPath = ()) -> Iterator[KeyPath]:
    """Every key of the recipe language that can be written without naming a plug-in."""
    for part in all_parts(schema, node):
        for name, child in part.get("properties", {}).items():
            yield (*path, name)
            if "plugins.schema.json" not in str(child):
                yield from _keys(schema, child, (*path, name))


def test_every_value_is_shown_with_the_file_and_line_behind_it(
    child: Path, capsys: pytest.CaptureFixture[str], golden: Golden
) -> None:
    golden("explain/recipe.txt", _shown(capsys, str(child), "--set", "generation.arms=[base, tuned]"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_value_of_a_shipped_recipe_is_shown_once_within_100_columns(path: Path) -> None:
    recipe = load(path)
    listing = Listing(recipe, schema_of(recipe))
    shown = [(dotted(entry.path), entry.value) for entry in listing.entries()]
    assert sorted(shown, key=str) == sorted(_values(recipe.data), key=str)
    assert all(len(line) <= WIDTH for line in str(listing).splitlines())


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_the_line_behind_a_value_says_the_value(path: Path) -> None:
    recipe = load(path)
    entries = [entry for entry in Listing(recipe, schema_of(recipe)).entries() if entry.origin]
    assert len(entries) > 15
    for entry in entries:
        assert entry.origin is not None
        line = Path(entry.origin.file).read_text(encoding="utf-8").splitlines()[entry.origin.line - 1]
        assert str(entry.path[-1]) in line or str(entry.value) in line


def test_sections_stand_in_the_order_of_the_recipe_language(tmp_path: Path) -> None:
    lines = ["resep: 1", "name: n", "evaluation: {primary: exact_match, evaluators: {exact_match: {}}}"]
    lines += ["data: {sources: [{path: rows.jsonl}]}", "model: {base: smollm2-135m-instruct}"]
    recipe = load(write_recipe(tmp_path, "\n".join(reversed(lines))))
    shown = str(Listing(recipe, schema_of(recipe)))
    assert shown.index("name:") < shown.index("model:") < shown.index("data:") < shown.index("evaluation:")


def test_a_long_value_is_cut_and_a_list_from_two_places_is_shown_item_by_item(child: Path) -> None:
    with child.open("a") as file:
        file.write(f"generation:\n  arms: [base, tuned]\nprompt:\n  system: {'word ' * 60}\n")
    recipe = load(child, ["generation.arms[0]=base@native-template"])
    shown = str(Listing(recipe, schema_of(recipe)))
    assert "…" in shown
    assert re.search(r"    - base@native-template +--set #1\n    - tuned +child.yaml:14", shown)
    assert all(len(line) <= WIDTH for line in shown.splitlines())


def test_the_values_are_there_for_programs_too(child: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown = json.loads(_shown(capsys, str(child), "--json", "--set", "seed=7"))
    values = {value["key"]: value for value in shown["values"]}
    assert values["training.learning_rate"]["origin"] == {"file": "child.yaml", "line": 12}
    assert values["training.lora.r"]["origin"] == {"file": "base.yaml", "line": 7}
    assert values["seed"] == {"key": "seed", "value": 7, "origin": {"file": "--set #1", "line": None}}
    assert values["training.lora.alpha"] == {"key": "training.lora.alpha", "value": 32, "origin": None}


def test_a_key_is_explained_with_what_it_replaced_and_what_it_leads_to(
    child: Path, capsys: pytest.CaptureFixture[str], golden: Golden
) -> None:
    golden(
        "explain/key.txt", _shown(capsys, str(child), "training.learning_rate", "--set", "training.learning_rate=3e-4")
    )


def test_a_section_is_explained_with_its_values_and_its_keys(
    child: Path, capsys: pytest.CaptureFixture[str], golden: Golden
) -> None:
    golden("explain/section.txt", _shown(capsys, str(child), "training.lora"))


def test_a_key_is_explained_for_programs(child: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown = json.loads(_shown(capsys, str(child), "training.learning_rate", "--json"))
    assert shown["value"] == 0.001
    assert shown["replaces"] == [{"value": 0.0002, "origin": {"file": "base.yaml", "line": 6}}]
    assert shown["becomes"] == [{"key": "learning_rate", "values": {"a CPU": 0.001, "a GPU": 0.001}}]
    assert shown["default"] == 0.0002
    assert "train" in shown["runs_again"]
    assert "prepare" not in shown["runs_again"]


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("training.lr", "learning_rate"),
        ("training.learning_rte", "did you mean 'learning_rate'"),
        ("learning_rate", "it belongs under training"),
        ("training.lora.rank", "'r: ...'"),
        ("evaluation.evaluators.bertscor.layer", "did you mean 'bertscore'"),
        ("evaluation.evaluators.bertscore.lyer", "did you mean 'layer'"),
        ("preprocessing.lowercas", "did you mean 'lowercase'"),
        ("training.axolotl.neftune_noise_alfa", "did you mean 'neftune_noise_alpha'"),
        ("model.base.size", "model.base is a text"),
        ("data..path", "is no key: write it like"),
        (".training", "is no key: write it like"),
        ("", "is no key: write it like"),
    ],
)
def test_a_misspelt_key_gets_the_right_one_suggested(key: str, words: str, example: Recipe) -> None:
    with pytest.raises(ResepError, match=r".") as caught:
        explain(example, key)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("evaluation.evaluators.bertscore.layer", 6, "layer's vectors"),
        ("preprocessing.placeholders.detectors", ["email", "phone", "card", "url", "ip"], "email, phone"),
        ("preprocessing[3].deduplicate.by", "pair", "one answer to each prompt"),
        ("preprocessing.lowercase.fields", ["prompt", "response"], "fields of a row"),
        ("data.sources.path", "data/quickstart.jsonl", "relative to the recipe"),
        ("data.sources[0].fields.prompt", "prompt", "holds the question"),
        ("expect.order_accuracy.delta", "> 0", "comparison"),
        ("training.axolotl.neftune_noise_alpha", ABSENT, "noise"),
        ("training.max_steps", ABSENT, "in place of"),
        ("evaluation.evaluators.exact_match", {"ignore_case": False}, "to the letter"),
    ],
)
def test_options_of_plug_ins_and_keys_of_every_kind_are_explained(
    key: str, value: Any, words: str, example: Recipe
) -> None:
    found = explain(example, key)
    assert found.value == value
    assert words in found.help.description
    assert found.help.type
    assert found.stages


def test_a_plug_in_that_the_recipe_does_not_use_is_explained_as_if_it_did(child: Path) -> None:
    recipe = load(child)
    for key in ("preprocessing.deduplicate.by", "evaluation.evaluators.bertscore.layer"):
        found = explain(recipe, key)
        assert found.value is ABSENT
        assert found.help.has_default


def test_every_key_of_the_recipe_language_is_explained(example: Recipe) -> None:
    schema = schema_of(example)
    paths = {*_keys(schema, schema.recipe)}
    assert len(paths) > 60
    for path in paths:
        found = key_help(schema, example.data, path)
        assert found.description, path
        assert found.type, path


@pytest.mark.slow
def test_every_key_of_training_becomes_something_for_the_trainer_or_steers_an_earlier_stage(example: Recipe) -> None:
    """No table says what a key becomes: it is rendered with other values. This holds that the rendering sees them."""
    schema = schema_of(example)
    node = schema.recipe["properties"]["training"]
    for path in {*_keys(schema, node, ("training",))} - {("training", "lora"), ("training", "axolotl")}:
        found = key_help(schema, example.data, path)
        steered = {one.key for one in rendered(example, found)}
        # With another trainer it is another recipe; the service's knobs are none of this trainer's; overflow is the
        # tokenise stage's own.
        if found.name in ("training.trainer", "training.overflow") or found.name.startswith("training.openai"):
            assert not steered
            continue
        assert steered, path
        owned = {key for owner in (found.name, "training.lora") for key in OWNED.get(owner, "").split()}
        assert steered & owned or found.name not in OWNED, path


def test_what_follows_from_the_rows_is_not_made_up(example: Recipe) -> None:
    found = {one.key: one.values for one in explain(example, "training.eval_per_epoch").rendered}
    assert found == {"eval_steps": {}}


def test_what_differs_between_machines_is_told_for_each(example: Recipe) -> None:
    found = {one.key: one.values for one in explain(example, "training.gradient_checkpointing").rendered}
    assert found["gradient_checkpointing"] == {"a CPU": False, "a GPU": True}
    assert found["gradient_checkpointing_kwargs"] == {"a CPU": None, "a GPU": {"use_reentrant": False}}


def test_a_knob_without_effect_in_this_recipe_is_known_as_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = write_recipe(tmp_path, EXAMPLE)
    assert "nothing else depends on it" in _shown(capsys, str(recipe), "generation.temperature")
    sampled = load(recipe, ["generation.do_sample=true"])
    found = key_help(schema_of(sampled), sampled.data, read_path("generation.temperature", sampled.data))
    assert "generate:tuned" in stages_steered(sampled, found)


def test_explaining_needs_neither_data_nor_model(tmp_path: Path) -> None:
    text = EXAMPLE.replace("smollm2-135m-instruct", "./not-here").replace("quickstart.jsonl", "nowhere.jsonl")
    found = explain(load(write_recipe(tmp_path, text)), "model.base")
    assert found.stages is not None
    assert "train" in found.stages


def test_what_a_recipe_extends_is_explained_though_it_is_resolved(child: Path) -> None:
    found = explain(load(child), "extends")
    assert (found.value, str(found.origin)) == ("base.yaml", "child.yaml:3")
    assert found.stages is None


def test_options_of_a_plug_in_beside_the_recipe_are_explained_without_running_it(child: Path) -> None:
    Path("evaluators").mkdir()
    Path("evaluators/polite.py").write_text(
        '"""Whether the output says please.\n\nword: the word\n"""\nraise SystemExit\n'
        'METRICS = ()\ndef evaluate(samples, context, *, word: str = "please"): ...\n'
    )
    with child.open("a") as file:
        file.write("evaluation: {evaluators: {polite: {word: kindly}}}\n")
    found = explain(load(child), "evaluation.evaluators.polite.word")
    assert (found.value, found.help.description, found.help.default) == ("kindly", "the word", "please")


@pytest.mark.parametrize("key", ["training.lora.r", "data.sources[7].path", "evaluation.evaluators.bertscore"])
def test_a_key_that_has_no_place_in_this_recipe_is_still_explained(key: str, child: Path) -> None:
    found = explain(load(child, ["training.method=full", "training.lora=null"]), key)
    assert found.value is ABSENT
    assert found.help.description
