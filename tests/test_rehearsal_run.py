"""Whole rehearsals of recipes for models that are not here, from an empty cache: real Axolotl, every stage."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from resep.paths import data_folder

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
COMMIT = "0123456789abcdef0123456789abcdef01234567"
MISTRAL = f"""
resep: 1
name: gpu
model: {{base: mistralai/Mistral-7B-Instruct-v0.3, revision: {COMMIT}}}
data:
  sources:
    - {{path: rows.jsonl, fields: {{prompt: prompt, response: response, category: category}}}}
preprocessing: [placeholders, lowercase, strip_punctuation, {{deduplicate: {{near: 0.9}}}}]
split: {{fractions: {{train: 0.8, validation: 0.05, test: 0.15}}, stratify_by: category}}
training:
  method: qlora
  lora: {{target_modules: [q_proj, v_proj]}}
  learning_rate: 1e-6
  num_epochs: 3
  batch_size: 64
  gradient_accumulation_steps: 8
  optimizer: paged_adamw_8bit
  precision: bf16
  packing: true
  early_stopping: 2
  eval_per_epoch: 4
  gradient_checkpointing: true
  axolotl: {{attn_implementation: flash_attention_2, peft_use_dora: true}}
generation:
  arms: [base, tuned, base@native-template, {{hosted: {{endpoint: "https://api.example.com/v1", model: m}}}}]
evaluation:
  primary: order_accuracy
  evaluators: {{order_accuracy: {{encoder: lexical}}, mine: {{}}}}
  slices: [category]
expect: {{order_accuracy.delta: "> 0"}}
compute: {{profile: cuda}}
"""
QWEN = f"""
resep: 1
name: others
model: {{base: Qwen/Qwen2.5-7B-Instruct, revision: {COMMIT}}}
data: {{sources: [{{path: rows.jsonl}}]}}
split: {{fractions: {{train: 0.8, test: 0.2}}}}
prompt: {{chat_template: native, system: Be brief., train_on: all}}
training: {{method: full, learning_rate: 1e-5, num_epochs: 1, overflow: drop, sequence_len: 512}}
generation:
  arms: [base, tuned, {{gemma: {{model: google/gemma-2-9b-it, revision: {COMMIT}}}}}, {{shown: {{examples: 4}}}}]
  do_sample: true
evaluation:
  primary: bertscore_f1
  evaluators:
    bertscore: {{encoder: "FacebookAI/roberta-large@{COMMIT}", layer: 17, rescale: en}}
    perplexity: {{}}
    forgetting: {{}}
"""
EVALUATOR = '''"""How many words an answer has."""

from resep import Metric, Score

METRICS = (Metric("words", direction="higher"),)


def evaluate(samples, context):
    for sample in samples:
        yield Score(sample.id, sample.arm, {"words": float(len(sample.output.split()))})
'''


@pytest.fixture
def kitchen(tmp_path: Path) -> Path:
    rows = (data_folder("recipes") / "data" / "quickstart.jsonl").read_text(encoding="utf-8").splitlines()[:90]
    (tmp_path / "rows.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return tmp_path


def _rehearse(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "runner.py"), "recipe.yaml", "--rehearse", *arguments]
    own = {"XDG_CONFIG_HOME": str(folder / "settings"), "RESEP_CACHE": str(folder / "cache"), "HF_HUB_OFFLINE": "1"}
    variables = {**os.environ, **own, "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False, timeout=400)


def _results(folder: Path, name: str) -> dict[str, Any]:
    file = folder / "runs" / ".rehearsals" / name / "latest" / "results.json"
    return dict(json.loads(file.read_text(encoding="utf-8")))


def test_a_recipe_for_a_gpu_goes_through_every_stage_with_its_own_tokenizer(kitchen: Path) -> None:
    (kitchen / "recipe.yaml").write_text(MISTRAL, encoding="utf-8")
    plugin = kitchen / "evaluators" / "mine.py"
    plugin.parent.mkdir()
    plugin.write_text(EVALUATOR, encoding="utf-8")
    real = kitchen / "runs" / "gpu"
    (real / "0123456789ab").mkdir(parents=True)
    (real / "latest").symlink_to("0123456789ab")
    untrusted = _rehearse(kitchen)
    assert untrusted.returncode == 2
    assert "--trust" in untrusted.stderr

    done = _rehearse(kitchen, "--trust", str(plugin))
    assert done.returncode == 0, done.stderr
    assert "a tiny random mistral for mistralai/Mistral-7B-Instruct-v0.3\n" in done.stderr
    assert "arm hosted: https://api.example.com/v1 is not asked" in done.stderr
    assert "Every stage was rehearsed" in done.stdout
    assert "resep data recipe.yaml --tokens" in done.stdout
    results = _results(kitchen, "gpu")
    assert results["data"]["splits"] == {"train": 4, "validation": 2, "test": 2}
    assert results["training"]["steps"] == 2
    assert list(results["arms"]) == ["base", "tuned", "base@native-template"]
    assert results["arms"]["tuned"]["proof"]["adapter_on"] > 0.0
    assert results["metrics"]["words"]["arms"]["tuned"]["n"] == 2
    assert results["expectations"] == []
    page = (kitchen / "runs/.rehearsals/gpu/latest/report.md").read_text(encoding="utf-8")
    assert page.startswith("# gpu: Rehearsal: the numbers mean nothing\n")
    assert (real / "latest").readlink() == Path("0123456789ab")
    assert not (kitchen / "runs" / ".store").exists()

    # What would fail in the real run fails here, with the same words.
    wrong = _rehearse(kitchen, "--set", "data.sources[0].fields.response=respnse")
    assert wrong.returncode == 2
    assert "none of the first 50 rows of 'rows.jsonl' has a field 'respnse'" in wrong.stderr
    missing = _rehearse(kitchen, "--set", "training.lora.target_modules=[c_attn]")
    assert missing.returncode == 1
    assert "training.lora.target_modules" in missing.stderr
    plugin.write_text(EVALUATOR.replace("sample.output.split()", "sample.metadata['steps']"), encoding="utf-8")
    broken = _rehearse(kitchen, "--trust", str(plugin))
    assert broken.returncode == 1
    assert "evaluate:mine failed: it crashed in every one of 6 rows: KeyError: 'steps'" in broken.stderr
    assert "train  reuse" in broken.stderr
    assert not [screen for screen in (wrong, missing, broken) if "Traceback" in screen.stderr]


def test_models_of_other_families_with_a_stand_in_tokenizer(kitchen: Path) -> None:
    (kitchen / "recipe.yaml").write_text(QWEN, encoding="utf-8")
    done = _rehearse(kitchen)
    assert done.returncode == 0, done.stderr
    assert "a tiny random qwen2 for Qwen/Qwen2.5-7B-Instruct; Mistral's vocabulary for its tokenizer" in done.stderr
    assert "a tiny random gemma2 for google/gemma-2-9b-it" in done.stderr
    assert "a tiny random encoder for FacebookAI/roberta-large" in done.stderr
    results = _results(kitchen, "others")
    assert list(results["arms"]) == ["base", "tuned", "gemma", "shown"]
    assert results["arms"]["tuned"]["proof"]["adapter_on"] > 0.0
    assert {"bertscore_f1", "perplexity", "general_bits_per_byte"} <= set(results["metrics"])
    assert results["metrics"]["perplexity"]["arms"]["gemma"]["unscored"] == 0
    assert {note["kind"] for note in results["rehearsal"]} == {"stands in", "left out"}
