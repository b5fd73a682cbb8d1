"""Every arm answers the same rows; the base side is proved to be the base; an interruption loses no answer."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from resep.errors import StageError
from resep.hardware import Profile
from resep.models import Model
from resep.recipe.arms import arms
from resep.recipe.paths import Folder, Grounds
from resep.records import Example, Message, Sample, read_jsonl, write_jsonl
from resep.resume import finished_records
from resep.stages.generate import decoding_options, stages
from resep.stages.generate.arms import Precision, outline_arms, precision
from resep.store import Stage, Task

CPU = Profile("cpu", 0, 8.0, "a processor", 2)
CUDA = Profile("cuda", 1, 80.0, "a GPU", 8, capability=(9, 0))
DEFAULTS: Mapping[str, Any] = {
    "seed": 42,
    "model.base": "tiny",
    "model.revision": None,
    "prompt.chat_template": "mistral",
    "training.trainer": "axolotl",
    "training.method": "lora",
    "training.precision": "auto",
    "generation.arms": ["base", "tuned", "base@native-template"],
    "generation.max_new_tokens": 12,
    "generation.do_sample": False,
    "generation.temperature": 1.0,
    "generation.top_p": 1.0,
    "generation.top_k": 0,
    "generation.repetition_penalty": 1.0,
    "generation.stop": [],
    "generation.batch_size": 2,
}


class Settings(dict[str, Any]):
    """As much of a Recipe as the stage reads."""

    folder = Path()

    @property
    def grounds(self) -> Grounds:
        return Grounds(Folder(self.folder, self.folder))

    def locate(self, key: str) -> Path:
        name, option = key.partition("].")[2].rpartition(".")[::2]
        return Path(arms(self["generation.arms"])[name][option])


def settings(**changes: Any) -> Any:
    return Settings({**DEFAULTS, **{key.replace("__", "."): value for key, value in changes.items()}})


def made_up(number: int) -> Example:
    asked = Message("user", "how do i open the app " + "again and " * number)
    return Example(f"row{number}", (asked, Message("assistant", "1. tap it")), ("tap it",), {"number": number})


def planned(recipe: Any, model: Model, profile: Profile = CPU) -> list[Stage]:
    return stages(recipe, profile, model, print)


def test_the_native_arm_is_asked_in_its_own_template() -> None:
    arms = outline_arms(settings())
    assert {name: arm.template for name, arm in arms.items()} == {
        "base": "mistral",
        "tuned": "mistral",
        "base@native-template": "native",
    }


def test_arms_compute_as_the_training_did() -> None:
    assert precision(settings(training__method="qlora"), CPU).name == "nf4 dequantised to float32"
    assert precision(settings(), CPU) == Precision("float32")
    assert precision(settings(training__method="qlora"), CUDA).name == "nf4, computing in bfloat16"
    assert precision(settings(), replace(CUDA, capability=(7, 5))).name == "float16"
    assert precision(settings(training__precision="fp32"), CUDA).name == "float32"


def test_sampling_options_do_not_count_for_a_greedy_answer() -> None:
    assert decoding_options(settings()) == decoding_options(settings(generation__temperature=0.3, seed=7))
    drawn = [planned(settings(generation__do_sample=True, seed=seed), Model("m#1", Path))[0].config for seed in (7, 8)]
    assert drawn[0] != drawn[1]


def test_a_base_arm_knows_nothing_of_the_training() -> None:
    base, tuned, native = planned(settings(), Model("model#1", Path))
    assert [stage.name for stage in (base, tuned, native)] == [
        "generate:base",
        "generate:tuned",
        "generate:base@native-template",
    ]
    assert "train" not in base.needs
    assert tuned.needs["train"] == ("adapter",)
    assert list(base.reads) == ["template"]
    assert not native.reads
    assert planned(settings(training__method="full"), Model("model#1", Path))[1].needs["train"] == ("model",)


def test_a_torn_last_line_is_cut_off(tmp_path: Path) -> None:
    samples = [Sample("1", "base", "t", "o"), Sample("2", "base", "t", "o")]
    write_jsonl(tmp_path / "samples.jsonl", samples)
    with (tmp_path / "samples.jsonl").open("a") as file:
        file.write('{"id": "3", "arm"')
    assert finished_records(tmp_path / "samples.jsonl", Sample) == samples
    assert (tmp_path / "samples.jsonl").read_text().endswith("}\n")
    assert finished_records(tmp_path / "absent.jsonl", Sample) == []


def adapter_of(model: Path, folder: Path, *, changes_something: bool = True, seed: int = 0) -> Path:
    """A LoRA adapter with random weights (or with none that do anything), as peft saves it."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(seed)
    base = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)
    config = LoraConfig(r=4, target_modules="all-linear", init_lora_weights=not changes_something)
    get_peft_model(base, config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def model() -> Path:
    from tests.tiny_model import model_folder

    return model_folder()


@pytest.fixture(scope="module")
def trained(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("train")
    adapter_of(model, folder / "adapter")
    return folder


def tasks_of(found: list[Stage], folder: Path, rows: int = 5, trained: Path | None = None) -> list[Task]:
    (folder / "prepare").mkdir(parents=True, exist_ok=True)
    write_jsonl(folder / "prepare" / "test.jsonl", [made_up(number) for number in range(rows)])
    inputs = {"prepare": folder / "prepare", "train": trained or folder}
    tasks = [
        Task(s.name, s.config, {name: inputs[name] for name in s.needs}, folder / s.name.replace(":", "-"))
        for s in found
    ]
    for task in tasks:
        task.out.mkdir(exist_ok=True)
    return tasks


def run(recipe: Any, model: Path, folder: Path, **more: Any) -> dict[str, Path]:
    """The folders of the finished stages, in the order in which they were finished."""
    found = planned(recipe, Model("tiny#1", lambda: model))
    tasks = tasks_of(found, folder, **more)
    return {task.name.partition(":")[2]: task.out for task in found[0].run(tasks, print)}


def outputs(folder: Path) -> list[str]:
    return [sample.output for sample in read_jsonl(folder / "samples.jsonl", Sample)]


def card(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "arm.json").read_text())
    return content


@pytest.mark.slow
def test_how_long_each_answer_took_is_noted_beside_the_answers_and_is_no_part_of_them(
    tmp_path: Path, model: Path
) -> None:
    recipe = settings(generation__arms=["base"])
    done = run(recipe, model, tmp_path)["base"]
    noted = [json.loads(line) for line in (done / "latency.jsonl").read_text().splitlines()]
    assert {line["id"] for line in noted} == {f"row{number}" for number in range(5)}
    assert sorted(line["batch_rows"] for line in noted) == [1, 2, 2, 2, 2]
    assert all(line["seconds"] > 0 and line["output_tokens"] > 0 for line in noted)
    assert "latency.jsonl" not in planned(recipe, Model("tiny#1", lambda: model))[0].outputs


@pytest.mark.slow
def test_all_arms_answer_all_rows_from_one_load_with_proof(tmp_path: Path, model: Path, trained: Path) -> None:
    done = run(settings(), model, tmp_path, trained=trained)
    assert list(done) == ["base", "base@native-template", "tuned"]
    for arm, folder in done.items():
        samples = list(read_jsonl(folder / "samples.jsonl", Sample))
        assert [sample.id for sample in samples] == [f"row{number}" for number in range(5)]
        assert {sample.arm for sample in samples} == {arm}
        assert all(sample.finish_reason == "length" and sample.output_tokens == 12 for sample in samples)
        assert samples[3].metadata == {"number": 3}
        assert samples[3].prompt == made_up(3).prompt
    proof = card(done["tuned"])["proof"]
    assert proof["adapter_off"] == 0.0
    assert proof["adapter_on"] > 0
    assert card(done["base"])["proof"] is None
    assert outputs(done["base"]) != outputs(done["tuned"])
    assert card(done["base"])["prompt_sha256"] == card(done["tuned"])["prompt_sha256"]


@pytest.mark.slow
def test_what_takes_its_time_before_the_first_answer_is_told(tmp_path: Path, model: Path, trained: Path) -> None:
    found = planned(settings(generation__arms=["tuned"]), Model("tiny#1", lambda: model))
    events: list[Any] = []
    list(found[0].run(tasks_of(found, tmp_path, trained=trained), events.append))
    told = [event.get("message", "rows") for event in events if event["event"] == "progress"]
    assert told[:4] == [
        "loading tiny#1",
        "noting what tiny#1 alone says to 3 prompts",
        "loading what was trained, for tuned",
        "checking that tuned is not tiny#1 alone",
    ]
    assert set(told[4:]) == {"rows"}


@pytest.mark.slow
def test_the_same_prompts_are_answered_once(tmp_path: Path, model: Path) -> None:
    done = run(settings(generation__arms=["base", "base@native-template"]), model, tmp_path)
    native = card(done["base@native-template"])  # the tiny model's own template is the recipe's
    assert native["copied_from"] == "base"
    assert outputs(done["base"]) == outputs(done["base@native-template"])
    assert not (done["base@native-template"] / "timings.json").exists()


@pytest.mark.slow
def test_the_batch_does_not_change_an_answer(tmp_path: Path, model: Path) -> None:
    arms = {"generation__arms": ["base"], "generation__max_new_tokens": 40}
    alone = run(settings(**arms, generation__batch_size=1), model, tmp_path / "1")
    together = run(settings(**arms, generation__batch_size=8), model, tmp_path / "8")
    assert outputs(alone["base"]) == outputs(together["base"])


@pytest.mark.slow
def test_answers_on_disk_are_kept_after_an_interruption(tmp_path: Path, model: Path) -> None:
    recipe = settings(generation__arms=["base"])
    (task,) = tasks_of(planned(recipe, Model("tiny#1", lambda: model)), tmp_path)
    kept = Sample("row2", "base", ("tap it",), "said before the interruption", finish_reason="stop")
    write_jsonl(task.out / "samples.jsonl", [kept])
    with (task.out / "samples.jsonl").open("a") as file:
        file.write('{"id":"row4","arm":"ba')
    done = run(recipe, model, tmp_path)
    assert outputs(done["base"])[2] == "said before the interruption"
    assert json.loads((done["base"] / "timings.json").read_text())["rows"] == 4
    assert len(outputs(done["base"])) == 5


@pytest.mark.slow
def test_a_kill_loses_no_batch_that_was_answered_and_drawn_answers_stay_the_same(tmp_path: Path, model: Path) -> None:
    recipe = settings(generation__arms=["base"], generation__do_sample=True, generation__max_new_tokens=200)
    whole = outputs(run(recipe, model, tmp_path / "whole", rows=12)["base"])
    (stage,) = planned(recipe, Model("tiny#1", lambda: model))

    def kill(event: Mapping[str, Any]) -> None:
        if event["event"] == "progress" and event["done"]:  # not while it loads
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(stage.run(tasks_of([stage], tmp_path / "killed", rows=12), kill))
    kept = len(finished_records(tmp_path / "killed" / "generate-base" / "samples.jsonl", Sample))
    assert kept >= 2
    again = run(recipe, model, tmp_path / "killed", rows=12)["base"]
    assert json.loads((again / "timings.json").read_text())["rows"] == 12 - kept
    assert outputs(again) == whole


@pytest.mark.slow
def test_two_adapters_and_another_model_answer_in_one_child(tmp_path: Path, model: Path, trained: Path) -> None:
    import numpy
    from safetensors.numpy import load_file, save_file

    from tests.tiny_model import build

    other = build(tmp_path / "other")
    weights = load_file(other / "model.safetensors")
    weights["lm_head.weight"] = numpy.ascontiguousarray(weights["lm_head.weight"][::-1])
    save_file(weights, other / "model.safetensors", {"format": "pt"})
    older = adapter_of(model, tmp_path / "older", seed=1)
    config = json.loads((older / "adapter_config.json").read_text())
    (older / "adapter_config.json").write_text(json.dumps({**config, "base_model_name_or_path": "tiny#1"}))
    entries = ["tuned", "base", {"older": {"adapter": str(older)}}, {"other": {"model": f"{tmp_path}/other"}}]
    done = run(settings(generation__arms=entries), model, tmp_path / "run", trained=trained)
    alone = run(settings(generation__arms=["tuned"]), model, tmp_path / "alone", trained=trained)
    assert set(done) == {"base", "tuned", "older", "other"}
    assert outputs(done["tuned"]) == outputs(alone["tuned"])  # the adapter that was on before it leaves no trace
    assert len({tuple(outputs(folder)) for folder in done.values()}) == 4
    assert card(done["older"])["proof"]["adapter_off"] == 0.0
    assert [card(done[arm])["weights"] for arm in ("base", "tuned", "older", "other")] == [
        "base",
        "tuned",
        "adapter",
        "model",
    ]
    assert card(done["other"])["model"].startswith("local:")


@pytest.mark.slow
def test_an_adapter_that_changes_nothing_is_an_error(tmp_path: Path, model: Path) -> None:
    adapter_of(model, tmp_path / "train" / "adapter", changes_something=False)
    with pytest.raises(StageError, match="the adapter changes nothing"):
        run(settings(generation__arms=["tuned"]), model, tmp_path, trained=tmp_path / "train")


@pytest.mark.slow
def test_no_test_rows_and_prompts_beyond_the_context_are_explained(tmp_path: Path, model: Path) -> None:
    arms = {"generation__arms": ["base"]}
    with pytest.raises(StageError, match="no test rows"):
        run(settings(**arms), model, tmp_path / "none", rows=0)
    with pytest.raises(StageError, match=r"1 of 3 test rows .* row2 \(\d+ tokens\)"):
        run(settings(**arms, generation__max_new_tokens=2036), model, tmp_path / "long", rows=3)


@pytest.mark.slow
def test_an_answer_ends_at_a_stop_text(tmp_path: Path, model: Path) -> None:
    arms = {"generation__arms": ["base"]}
    whole = outputs(run(settings(**arms), model, tmp_path / "whole")["base"])
    stop = whole[0][len(whole[0]) // 2 :][:3]
    done = run(settings(**arms, generation__stop=[stop]), model, tmp_path / "stopped")
    first = next(iter(read_jsonl(done["base"] / "samples.jsonl", Sample)))
    assert first.output == whole[0].partition(stop)[0]
    assert first.finish_reason == "stop"
    assert first.output_tokens is not None
    assert first.output_tokens < 12


@pytest.mark.slow
def test_qlora_weights_are_turned_back_for_a_cpu(tmp_path: Path, model: Path, trained: Path) -> None:
    done = run(settings(training__method="qlora"), model, tmp_path, trained=trained)
    assert card(done["tuned"])["precision"] == "nf4 dequantised to float32"
    assert card(done["tuned"])["proof"]["adapter_off"] == 0.0


@pytest.mark.slow
def test_a_model_trained_in_every_weight_is_another_model(tmp_path: Path, model: Path) -> None:
    import numpy
    from safetensors.numpy import load_file, save_file

    from tests.tiny_model import build

    other = build(tmp_path / "train" / "model")
    weights = load_file(other / "model.safetensors")
    weights["lm_head.weight"] = weights["lm_head.weight"][::-1] * numpy.float32(1.5)
    save_file(
        {name: numpy.ascontiguousarray(w) for name, w in weights.items()}, other / "model.safetensors", {"format": "pt"}
    )
    recipe = settings(training__method="full", generation__arms=["base", "tuned"])
    done = run(recipe, model, tmp_path, trained=tmp_path / "train")
    assert card(done["tuned"])["proof"]["adapter_off"] is None
    assert outputs(done["base"]) != outputs(done["tuned"])
