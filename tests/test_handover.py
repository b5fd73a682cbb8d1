"""What was trained, as someone else gets it: the tokenizer, how it is asked, the model card."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from resep.bundle.private import findings
from resep.errors import ResepError
from resep.handover.asking import FILE, UNASKED, has_conversations, write_asking
from resep.handover.card import model_card
from resep.handover.folders import complete
from resep.handover.tokenizer import hand_over_tokenizer
from resep.predicting.handed_over import open_named
from resep.predicting.questions import Question, asked
from resep.recipe import Recipe, load
from resep.records import Message, Sample, write_jsonl
from tests import tiny_model
from tests.conftest import Golden
from tests.test_generate import adapter_of

RECIPE = """\
resep: 1
name: steps
description: Ordered steps for questions about apps.
license: Apache-2.0
language: [en, id]
tags: [steps]
seed: 7
model: {base: owner/name, revision: 0123456789abcdef0123456789abcdef01234567}
data:
  sources:
    - {path: secret/customers.jsonl}
    - {hub: owner/rows, revision: 0123456789abcdef0123456789abcdef01234567}
preprocessing:
  - placeholders: {detectors: [email], patterns: {ORDER: "INV-[0-9]{6}"}, words: {STAFF: [Budi Santoso]}}
  - lowercase
  - shout: {loudness: 2}
  - deduplicate
prompt: {system: "Answer in steps, \\"briefly\\"."}
training: {method: qlora, lora: {r: 8, alpha: 16, target_modules: [q_proj, v_proj]}}
generation: {max_new_tokens: 40}
evaluation: {primary: exact_match, evaluators: {exact_match: {}}}
"""
SHOUT = '''"""Call it out."""


def transform_text(text: str, *, loudness: int = 1) -> str:
    return text.upper() + "!" * loudness
'''
RESULTS: Mapping[str, Any] = {
    "run_id": "0123456789ab",
    "verdict": {
        "metric": "exact_match",
        "baseline": "base",
        "candidate": "tuned",
        "outcome": "better",
        "text": "Tuning helped. On exact_match, tuned scores 0.50 and base 0.10.",
    },
    "metrics": {
        "exact_match": {
            "evaluator": "exact_match",
            "arms": {
                "tuned": {"mean": 0.5, "ci_low": 0.36, "ci_high": 0.64, "n": 50},
                "base": {"mean": 0.1, "ci_low": None, "ci_high": None, "n": 50},
            },
        }
    },
    "arms": {
        "base": {"weights": "base", "model": "owner/name@0123", "precision": "nf4, computing in bfloat16", "rows": 50},
        "tuned": {
            "weights": "tuned",
            "model": "owner/name@0123",
            "precision": "nf4, computing in bfloat16",
            "rows": 50,
            "truncated": 3,
        },
    },
    "data": {
        "splits": {"train": 1200, "validation": 30, "test": 50},
        "tokens": {"splits": {"train": {"tokens": 90_000, "trained_tokens": 40_000}}},
    },
    "training": {
        "steps": 150,
        "trainable_parameters": 1_000_000,
        "total_parameters": 7_000_000_000,
        "final_eval_loss": 1.25,
    },
    "prompts": {"rows": 50, "distinct": 50, "also_trained": 2},
}
MERGED: Mapping[str, Any] = {
    "dtype": "bfloat16",
    "merged_into": "bfloat16",
    "evaluated": "nf4, computing in bfloat16",
    "prompts": 8,
    "largest_difference": 0.25,
    "tolerance": 4.0,
    "equal_answers": 8,
    "from_evaluated": {"largest_difference": 3.5, "equal_answers": 5},
}


@pytest.fixture
def recipe(tmp_path: Path, consent: None) -> Recipe:  # noqa: ARG001
    (tmp_path / "preprocessing").mkdir()
    (tmp_path / "preprocessing" / "shout.py").write_text(SHOUT)
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    return load(tmp_path / "recipe.yaml")


def front_of(card: str) -> dict[str, Any]:
    return dict(yaml.safe_load(card.split("---\n")[1]))


def code_of(card: str) -> str:
    return card.partition("```python\n")[2].partition("```")[0]


# The tokenizer.


def test_a_tokenizer_is_handed_on_with_one_template_and_without_paths(tmp_path: Path) -> None:
    model = tiny_model.build(tmp_path / "model")
    config = json.loads((model / "tokenizer_config.json").read_text())
    config |= {"chat_template": "old", "name_or_path": "/home/budi/model", "tokenizer_file": "C:\\Users\\budi\\t.json"}
    (model / "tokenizer_config.json").write_text(json.dumps(config))
    hand_over_tokenizer(model, "{{ messages }}", tmp_path / "out")
    assert {file.name for file in (tmp_path / "out").iterdir()} == {
        "tokenizer.json",
        "tokenizer_config.json",
        "chat_template.jinja",
    }
    assert (tmp_path / "out" / "chat_template.jinja").read_text() == "{{ messages }}"
    handed = json.loads((tmp_path / "out" / "tokenizer_config.json").read_text())
    assert handed == json.loads((tiny_model.model_folder() / "tokenizer_config.json").read_text())
    assert handed["eos_token"] == "</s>"


def test_without_a_template_of_the_recipe_the_models_own_goes_along(tmp_path: Path) -> None:
    hand_over_tokenizer(tiny_model.model_folder(), None, tmp_path / "out")
    own = (tiny_model.model_folder() / "chat_template.jinja").read_text()
    assert (tmp_path / "out" / "chat_template.jinja").read_text() == own


# resep.json.


def test_how_a_model_is_asked_is_a_recipe_without_data(recipe: Recipe, tmp_path: Path) -> None:
    folder = tmp_path / "adapter"
    folder.mkdir()
    write_asking(recipe, folder, "adapter", conversation=False)
    (folder / "chat_template.jinja").write_text("x")
    text = (folder / FILE).read_text()
    assert "customers" not in text
    assert str(tmp_path) not in text
    assert "deduplicate" not in text
    handed = load(folder / FILE, UNASKED)
    typed = [Question("1", {"prompt": "Mail a@b.example about INV-123456, says Budi Santoso"}, "here")]
    assert asked(typed, handed.steps, handed["prompt.system"]) == asked(typed, recipe.steps, recipe["prompt.system"])
    assert [path.name for path in handed.foreign_plugins] == ["shout.py"]
    assert handed["data.sources"][0]["format"] == "prompt_response"
    kept = (
        "model.base",
        "model.revision",
        "generation.max_new_tokens",
        "generation.do_sample",
        "training.method",
        "seed",
    )
    assert all(handed[key] == recipe[key] for key in kept)


def test_a_whole_model_is_its_own_base_and_is_not_quantised(recipe: Recipe, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    write_asking(recipe, folder, "model", conversation=True)
    (folder / "chat_template.jinja").write_text("x")
    handed = load(folder / FILE, UNASKED)
    assert handed.locate("model.base").resolve() == folder
    assert handed["training.method"] == "full"
    assert handed["data.sources"][0]["format"] == "messages"


def test_rows_with_earlier_turns_make_a_conversation(tmp_path: Path) -> None:
    question, answer = Message("user", "q"), Message("assistant", "a")
    single = Sample("1", "base", "t", "o", (Message("system", "s"), question))
    write_jsonl(tmp_path / "s.jsonl", [single])
    assert not has_conversations(tmp_path / "s.jsonl")
    write_jsonl(tmp_path / "s.jsonl", [single, Sample("2", "base", "t", "o", (question, answer, question))])
    assert has_conversations(tmp_path / "s.jsonl")


# The model card.


def test_the_card_of_an_adapter(recipe: Recipe, golden: Golden) -> None:
    golden("handover/adapter.md", model_card(recipe, RESULTS, "adapter"))


def test_the_card_of_a_merged_model_says_that_it_is_not_what_was_measured(recipe: Recipe, golden: Golden) -> None:
    golden("handover/merged.md", model_card(recipe, {**RESULTS, "merged": MERGED}, "model"))


def test_the_front_names_the_hubs_things_alone(recipe: Recipe) -> None:
    front = front_of(model_card(recipe, RESULTS, "adapter"))
    assert front == {
        "base_model": "owner/name",
        "library_name": "peft",
        "pipeline_tag": "text-generation",
        "language": ["en", "id"],
        "license": "apache-2.0",
        "datasets": ["owner/rows"],
        "tags": ["steps", "qlora", "resep"],
    }


def test_no_word_that_is_masked_stands_in_a_card_and_nothing_private(recipe: Recipe) -> None:
    card = model_card(recipe, RESULTS, "adapter")
    assert "STAFF" in card
    assert "Budi" not in card
    assert "customers" not in card
    assert not findings("README.md", card)


def test_the_code_of_a_card_is_python_that_asks_as_the_recipe_does(recipe: Recipe) -> None:
    for weights in ("adapter", "model"):
        code = code_of(model_card(recipe, RESULTS, weights))
        compile(code, "README.md", "exec")
        assert '"content": "HOW DO I BEGIN?!!"' in code
        assert '"content": "Answer in steps, \\"briefly\\"."' in code
    assert "bnb_4bit_compute_dtype=torch.bfloat16" in code_of(model_card(recipe, RESULTS, "adapter"))


def test_a_verdict_that_is_no_gain_is_among_the_limits(recipe: Recipe) -> None:
    verdict = {**RESULTS["verdict"], "outcome": "cannot_tell"}
    assert "not shown to be better" in model_card(recipe, {**RESULTS, "verdict": verdict}, "adapter")


def test_hostile_names_cannot_leave_their_place(tmp_path: Path) -> None:
    hostile = json.dumps("steps\n# <script>`x`</script>\n---\n[x](https://e.example)")
    text = RECIPE.replace("Ordered steps for questions about apps.", hostile).replace("  - shout: {loudness: 2}\n", "")
    (tmp_path / "recipe.yaml").write_text(text)
    card = model_card(load(tmp_path / "recipe.yaml"), RESULTS, "adapter")
    assert "<script>" not in card
    assert r"\[x\](https" in card
    assert card.count("\n---\n") == 1


# A folder of a run, made complete, and opened by somebody else.


def _run(folder: Path, recipe: Recipe, results: Mapping[str, Any] = RESULTS) -> Path:
    (folder / "adapter").mkdir(parents=True)
    (folder / "results.json").write_text(json.dumps(results))
    write_jsonl(folder / "samples.jsonl", [Sample("1", "base", "t", "o", (Message("user", "q"),))])
    config = {"base_model_name_or_path": "owner/name@0123", "revision": None, "r": 8}
    (folder / "adapter" / "adapter_config.json").write_text(json.dumps(config))
    (folder / "adapter" / "adapter_model.safetensors").write_bytes(b"w")
    complete(folder, recipe, tiny_model.tokenizer_folder())
    return folder / "adapter"


def test_the_same_run_gives_the_same_bytes(recipe: Recipe, tmp_path: Path) -> None:
    one, two = (_run(tmp_path / name, recipe) for name in ("one", "two"))
    complete(tmp_path / "two", recipe, tiny_model.tokenizer_folder())
    files = [file.relative_to(one) for file in sorted(one.rglob("*")) if file.is_file()]
    assert len(files) == 8
    assert all((one / file).read_bytes() == (two / file).read_bytes() for file in files)


def test_peft_finds_the_base_of_a_handed_over_adapter_at_the_hub(recipe: Recipe, tmp_path: Path) -> None:
    config = json.loads((_run(tmp_path / "run", recipe) / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "owner/name"
    assert config["revision"] == recipe["model.revision"]


def _local_recipe(tmp_path: Path) -> Recipe:
    (tmp_path / "base").symlink_to(tiny_model.model_folder())
    text = RECIPE.replace("owner/name, revision: 0123456789abcdef0123456789abcdef01234567", "./base", 1)
    text = text.replace("  - shout: {loudness: 2}\n", "").replace("method: qlora", "method: lora")
    (tmp_path / "local.yaml").write_text(text)
    return load(tmp_path / "local.yaml")


def test_a_base_that_was_a_folder_has_to_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = _run(tmp_path / "run", _local_recipe(tmp_path))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ResepError, match=r"a folder called base.*--set model\.base=FOLDER"):
        open_named(str(folder), [], print)
    with pytest.raises(ResepError, match="was made for owner/name@0123"):
        open_named(str(folder), ["model.base=base"], print)


@pytest.mark.slow
def test_the_code_of_the_card_runs_and_answers_as_the_run_did(tmp_path: Path) -> None:
    """With the adapter, the chat template and the tokenizer of the folder alone; the base's folder is filled in."""
    from resep.models import identify
    from resep.predicting import predict

    recipe, model = _local_recipe(tmp_path), tiny_model.model_folder()
    arms = {"tuned": {"weights": "tuned", "model": identify(str(model)), "precision": "float32", "rows": 50}}
    adapter_of(model, tmp_path / "run" / "made")
    folder = _run(tmp_path / "run", recipe, {**RESULTS, "arms": arms})
    for file in ("adapter_model.safetensors", "adapter_config.json"):
        (folder / file).write_bytes((tmp_path / "run" / "made" / file).read_bytes())
    config = json.loads((folder / "adapter_config.json").read_text())
    config["base_model_name_or_path"] = identify(str(model))
    (folder / "adapter_config.json").write_text(json.dumps(config))
    code = code_of((folder / "README.md").read_text()).replace('"./base"', repr(str(model)))
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    opened = open_named(str(folder), [f"model.base={model}"], print)
    questions = asked([Question("1", {"prompt": "How do I begin?"}, "")], opened.recipe.steps, recipe["prompt.system"])
    (sample,) = predict(opened, "tuned", questions, tmp_path / "store", print)
    assert done.stdout.strip() == sample.output.strip()
    assert sample.output.strip()
