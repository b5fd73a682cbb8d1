"""The adapter merged into its base: asked for rightly, proved to answer as the two do, or not kept."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import namedtuple
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from resep.errors import RecipeError, ResepError, StageError
from resep.hardware import Profile
from resep.models import Model
from resep.models.weights import count_parameters
from resep.recipe import load
from resep.records import write_jsonl
from resep.stages import merge
from resep.stages.generate.arms import Precision
from resep.store import Stage, Task
from tests import tiny_model
from tests.test_generate import CPU, CUDA, adapter_of, made_up, settings
from tests.test_run import RECIPE, ROOT, kitchen  # noqa: F401 - a fixture

TINY_PARAMETERS = 4_268_352
SMALL = """\
resep: 1
name: small
model: {base: smollm2-135m-instruct}
data: {sources: [{path: rows.jsonl}]}
evaluation: {primary: exact_match, evaluators: {exact_match: {}}}
"""


def asked_for(**changes: Any) -> Any:
    given = {"output__merge": True, "output__merge_into": "evaluated", "training__trainer": "axolotl", **changes}
    return settings(**given)


def planned(recipe: Any, profile: Profile = CPU) -> Stage:
    (stage,) = merge.stages(recipe, profile, Model("tiny#1", tiny_model.model_folder))
    return stage


# What is asked for.


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("training: {method: full}\noutput: {merge: true}", "nothing to merge: training.method is full"),
        ("output: {gguf: true}", "gguf"),
        ("output: {merg: true}", "did you mean 'merge'"),
        ("output: {merge: true, merge_into: 4bit}", "evaluated"),
    ],
)
def test_what_cannot_be_merged_is_said_when_the_recipe_is_read(tmp_path: Path, more: str, words: str) -> None:
    (tmp_path / "recipe.yaml").write_text(SMALL + more)
    with pytest.raises(RecipeError) as raised:
        load(tmp_path / "recipe.yaml")
    assert words in str(raised.value)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("output: {merge_into: original}", "nothing is merged"),
        ("training: {method: lora}\noutput: {merge: true, merge_into: original}", "lora trains on the original"),
    ],
)
def test_a_choice_without_effect_is_a_warning(tmp_path: Path, more: str, words: str) -> None:
    (tmp_path / "recipe.yaml").write_text(SMALL + more)
    assert words in " ".join(problem.message for problem in load(tmp_path / "recipe.yaml").warnings)


def test_only_a_recipe_that_asks_for_it_has_the_stage() -> None:
    assert not merge.stages(asked_for(output__merge=False), CPU, Model("tiny#1", Path))
    stage = planned(asked_for())
    assert stage.name == "merge"
    assert stage.needs == {"train": ("adapter",), "prepare": ("test.jsonl",)}
    assert stage.config == planned(asked_for(generation__max_new_tokens=99, seed=1)).config


def test_an_adapter_is_added_to_what_was_evaluated_and_never_to_4_bits() -> None:
    on_gpu = Precision("bfloat16", four_bit=True)
    assert merge.numbers_of_base(on_gpu, "evaluated") == Precision("bfloat16", four_bit=True, dequantise=True)
    assert merge.numbers_of_base(on_gpu, "original") == Precision("bfloat16")
    assert merge.numbers_of_base(Precision("float32"), "evaluated") == Precision("float32")
    assert planned(asked_for(training__method="qlora"), CUDA).config["precision"] == "nf4, computing in bfloat16"


def test_the_size_of_a_model_is_told_from_the_headers_of_its_files(tmp_path: Path) -> None:
    folder = tiny_model.model_folder()
    assert count_parameters(folder) == TINY_PARAMETERS
    assert merge.size_of(folder, Precision("float32")) == pytest.approx(
        (folder / "model.safetensors").stat().st_size, rel=1e-3
    )
    assert merge.size_of(folder, Precision("bfloat16", four_bit=True)) == 2 * TINY_PARAMETERS
    for broken in (b"\xff" * 20, b"\x05\0\0\0\0\0\0\0[1]", b""):
        (tmp_path / "model.safetensors").write_bytes(broken)
        with pytest.raises(ResepError, match="not a whole safetensors file"):
            count_parameters(tmp_path)


def test_a_full_disk_is_told_before_anything_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**9, 10**9, 10**6))  # noqa: ARG005
    stage = planned(asked_for())
    task = Task("merge", stage.config, {"train": tmp_path, "prepare": tmp_path}, tmp_path)
    with pytest.raises(StageError, match=r"takes 0\.0 GB on the disk .*choose another disk with --store"):
        list(stage.run([task], print))


# The real thing, with a tiny model.


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return adapter_of(tiny_model.model_folder(), tmp_path_factory.mktemp("train") / "adapter").parent


def merged(recipe: Any, train: Path, folder: Path) -> Path:
    stage = planned(recipe)
    (folder / "merge").mkdir(parents=True, exist_ok=True)
    write_jsonl(folder / "test.jsonl", [made_up(number) for number in range(3)])
    task = Task("merge", stage.config, {"train": train, "prepare": folder}, folder / "merge")
    (done,) = stage.run([task], print)
    return done.out


def summary(out: Path) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads((out / "merge.json").read_text())
    return found


@pytest.mark.slow
def test_a_merged_qlora_model_is_the_one_that_was_evaluated(tmp_path: Path, adapter: Path) -> None:
    out = merged(asked_for(training__method="qlora"), adapter, tmp_path)
    found = summary(out)
    assert found["merged_into"] == found["evaluated"] == "nf4 dequantised to float32"
    assert 0 <= found["largest_difference"] <= found["tolerance"] < 1e-4 < found["adapter_effect"]
    assert (found["equal_answers"], found["ties"], found["prompts"]) == (3, 0, 3)
    assert found["from_evaluated"] is None
    names = {file.name for file in (out / "model").iterdir()}
    assert names >= {"config.json", "generation_config.json", "tokenizer.json", "chat_template.jinja"}
    assert json.loads((out / "model" / "generation_config.json").read_text())["eos_token_id"] == [2]
    texts = [file.read_text() for file in (out / "model").iterdir() if file.suffix != ".safetensors"]
    assert not any(str(tmp_path) in text or str(tiny_model.model_folder()) in text for text in texts)


@pytest.mark.slow
def test_one_merged_into_the_original_weights_is_told_to_be_another(tmp_path: Path, adapter: Path) -> None:
    found = summary(merged(asked_for(training__method="qlora", output__merge_into="original"), adapter, tmp_path))
    assert found["merged_into"] == "float32"
    assert found["largest_difference"] <= found["tolerance"]
    assert found["from_evaluated"]["largest_difference"] > 100 * found["tolerance"]
    assert found["from_evaluated"]["equal_answers"] < 3


@pytest.mark.slow
def test_weights_that_an_earlier_attempt_wrote_are_looked_at_and_wrong_ones_not_kept(
    tmp_path: Path, adapter: Path
) -> None:
    shutil.copytree(tiny_model.model_folder(), tmp_path / "merge" / "model")  # the base alone
    with pytest.raises(StageError, match=r"not base and adapter.*rounding in float32 explains.*not kept"):
        merged(asked_for(), adapter, tmp_path)
    assert not (tmp_path / "merge" / "model").exists()
    assert not (tmp_path / "merge" / "merge.json").exists()


@pytest.mark.slow
def test_what_rounding_would_swallow_is_refused() -> None:
    import torch

    from resep.stages.merge.witness import Witness, compare

    plain = (torch.tensor([[1.0, 2.0, 30.0]]),)
    adapted = Witness(((2, 0),), (plain[0] + torch.tensor([0.0, 0.0, 0.2]),))
    rounded = Witness(((2, 0),), (plain[0] + torch.tensor([0.25, 0.0, 0.0]),))
    with pytest.raises(ResepError, match="what was trained would be lost"):
        compare(adapted, rounded, plain, "bfloat16")


@pytest.mark.slow
def test_answers_may_part_only_where_two_tokens_are_as_good() -> None:
    import torch

    from resep.stages.merge.witness import Witness, compare

    plain = (torch.tensor([[1.0, 9.0, 0.0], [5.0, 5.0, 0.0]]),)
    told = torch.tensor([[1.0, 2.0, 30.0], [5.0, 5.0, 0.0]])
    reference, same = Witness(((2, 0),), (told,)), (told + 1e-6,)
    assert compare(reference, Witness(((2, 1),), same), plain, "float32")["ties"] == 1
    with pytest.raises(ResepError, match="at token 1 of prompt 1"):
        compare(reference, Witness(((1, 0),), same), plain, "float32")
    with pytest.raises(ResepError, match="not finite"):
        compare(reference, Witness(((2, 0),), (told * float("nan"),)), plain, "float32")


@pytest.mark.slow
def test_a_whole_run_leaves_a_merged_model_that_chats_and_says_so_in_its_report(kitchen: Path) -> None:  # noqa: F811
    """Also: the adapter beside it is complete, a second run reuses all, a bundle carries the adapter."""

    def resep(*arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(ROOT / "runner.py"), *arguments]
        return subprocess.run(
            command, cwd=kitchen, input=typed, capture_output=True, text=True, check=False, timeout=300
        )

    assert "no such stage: write output: {merge: true}" in resep("run", "recipe.yaml", "--until", "merge").stderr
    (kitchen / "recipe.yaml").write_text(RECIPE + "output: {merge: true}\n")
    assert "with the merged model, 0.017 GB in float32" in resep("plan", "recipe.yaml").stdout
    done = resep("run", "recipe.yaml")
    assert done.returncode == 0, done.stderr
    run = (kitchen / "runs" / "tiny" / "latest").resolve()
    assert "The merged model (model/, float32, 0.02 GB) is base and adapter" in (run / "report.md").read_text()
    assert json.loads((run / "results.json").read_text())["merged"]["dtype"] == "float32"
    files = {path.name for path in (run / "adapter").iterdir()}
    assert files >= {"README.md", "resep.json", "tokenizer.json", "chat_template.jinja", "adapter_config.json"}
    again = resep("run", "recipe.yaml")
    assert "merge  reuse" in again.stderr
    assert again.stderr.count("  reuse") == done.stderr.count("  done in")
    assert resep("bundle", "tiny", "--adapter", "--out", "b.tar.gz").returncode == 0
    typed = "How do I RESET it?\n"
    told = [resep("chat", str(where), typed=typed) for where in ("tiny", run / "adapter", run / "model")]
    assert "--set model.base=FOLDER" in told[1].stderr
    assert told[0].stdout == told[2].stdout != ""
    assert resep("chat", str(run / "adapter"), "--set", "model.base=model", typed=typed).stdout == told[0].stdout
