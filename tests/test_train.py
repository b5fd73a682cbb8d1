import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from resep.errors import StageError
from resep.models import Model
from resep.stages import configure, train
from resep.stages.train.outcome import complaint_about, normalised
from resep.stages.train.work import environment, prepare_work
from resep.store import Emit, Task
from tests import tiny_model
from tests.trainable import CPU, recipe, tokenised


def _prepare(root: Path, model: Path, *, masked: bool = False, **training: Any) -> tuple[Any, Task]:
    """A train stage with its task: everything before training done."""
    data = tokenised(root / "tokenise", masked=masked)
    ours = recipe(root, **training)
    (root / "configure").mkdir()
    stage = configure.stage(ours, CPU, Model("tiny#1", lambda: model))
    list(stage.run([Task("configure", stage.config, {"tokenise": data}, root / "configure")], _ignore))
    (root / "train").mkdir()
    stage = train.stage(ours, CPU, Model("tiny#1", lambda: model))
    return stage, Task("train", stage.config, {"tokenise": data, "configure": root / "configure"}, root / "train")


def _train(root: Path, model: Path, emit: Emit | None = None, **options: Any) -> Path:
    stage, task = _prepare(root, model, **options)
    (done,) = stage.run([task], emit or _ignore)
    return Path(done.out)


def _ignore(event: Mapping[str, Any]) -> None:
    pass


def _records(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "training.jsonl").read_text().splitlines()]


def _summary(out: Path) -> dict[str, Any]:
    return dict(json.loads((out / "summary.json").read_text()))


# What makes a success, told from the events alone.

BEGIN = {"planned_steps": 3, "first_step": 0}
END = {"steps": 3, "stopped_early": False}
RECORDS = [{"step": 1, "loss": 2.0, "grad_norm": 0.5}]


def test_all_planned_steps_with_gradients_are_a_success() -> None:
    assert complaint_about({"begin": BEGIN, "end": END, "records": RECORDS}) == ""


def test_a_recorded_early_stop_is_a_success() -> None:
    end = {"steps": 2, "stopped_early": True}
    assert complaint_about({"begin": BEGIN, "end": end, "records": RECORDS}) == ""


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"begin": None}, "plug-in could not be loaded"),
        ({"end": None}, "in the middle"),
        ({"end": {"steps": 2, "stopped_early": False}}, "2 of 3 steps"),
        ({"records": []}, "no optimiser step"),
        ({"records": [{"step": 1, "loss": 0.0, "grad_norm": 0.0}]}, "nothing was learned"),
    ],
)
def test_exit_code_0_alone_is_no_success(change: dict[str, Any], words: str) -> None:
    story = {"begin": BEGIN, "end": END, "records": RECORDS, **change}
    assert words in complaint_about(story)


def test_an_adapters_config_names_the_model_and_no_path_and_no_chance_order() -> None:
    adapter = {"base_model_name_or_path": "/home/me/model", "target_modules": ["v_proj", "k_proj"], "r": 8}
    assert normalised(adapter, "tiny#1") == {
        "base_model_name_or_path": "tiny#1",
        "target_modules": ["k_proj", "v_proj"],
        "r": 8,
    }


def test_a_checkpoint_that_was_cut_short_is_thrown_away(tmp_path: Path) -> None:
    stage, task = _prepare(tmp_path, tiny_model.tokenizer_folder())
    checkpoints = [task.out / "work" / "output" / f"checkpoint-{n}" for n in (1, 2, 3)]
    for checkpoint, state in zip(checkpoints, ('{"global_step": 1}', '{"global_', None), strict=True):
        checkpoint.mkdir(parents=True)
        if state is not None:
            (checkpoint / "trainer_state.json").write_text(state)
    prepare_work(task, task.out / "work", tmp_path)
    assert [checkpoint.exists() for checkpoint in checkpoints] == [True, False, False]
    assert stage.outputs == ("adapter", "training.jsonl", "summary.json")


def test_a_run_on_a_cpu_cannot_see_a_gpu_and_sends_nothing_home(tmp_path: Path) -> None:
    variables = environment(CPU, tmp_path, sys.executable)
    assert variables["CUDA_VISIBLE_DEVICES"] == ""
    assert (variables["AXOLOTL_DO_NOT_TRACK"], variables["HF_HUB_OFFLINE"]) == ("1", "1")


def test_an_axolotl_elsewhere_sees_resep_and_none_of_the_packages_beside_it(tmp_path: Path) -> None:
    path = Path(environment(CPU, tmp_path, "/elsewhere/python")["PYTHONPATH"])
    assert [entry.name for entry in path.iterdir()] == ["resep"]
    assert (path / "resep" / "axolotl_events.py").is_file()


# The real thing: Axolotl, QLoRA in 4 bits, a tiny model, ten seconds each.


@pytest.mark.slow
def test_qlora_trains_all_planned_steps_and_leaves_an_adapter_without_paths(tmp_path: Path) -> None:
    events: list[Mapping[str, Any]] = []
    out = _train(tmp_path, tiny_model.model_folder(), events.append, num_epochs=2, eval_per_epoch=1)
    summary = _summary(out)
    assert (summary["planned_steps"], summary["steps"], summary["stopped_early"]) == (6, 6, False)
    assert (summary["method"], summary["precision"]) == ("qlora", "nf4, fp32")
    assert 0 < summary["trainable_parameters"] < summary["total_parameters"]
    records = _records(out)
    assert [record["step"] for record in records if "loss" in record] == [1, 2, 3, 4, 5, 6]
    assert [record["step"] for record in records if "eval_loss" in record] == [3, 6]
    assert all(0 < record["grad_norm"] < 100 for record in records if "loss" in record)
    assert (out / "adapter" / "adapter_model.safetensors").stat().st_size > 10_000
    assert str(tmp_path) not in (out / "adapter" / "adapter_config.json").read_text()
    assert [event["done"] for event in events if event["event"] == "progress"][-1] == 6
    assert not (out / "work" / "output").exists()


@pytest.mark.slow
def test_an_evaluation_changes_nothing_of_what_is_learned(tmp_path: Path) -> None:
    """bitsandbytes repacks 4-bit weights in an evaluation, for a kernel through which no gradient flows."""
    lora = {"dropout": 0.0}
    with_evaluation = _train(tmp_path / "a", _made(tmp_path / "a"), eval_per_epoch=3, lora=lora)
    without = _train(tmp_path / "b", _made(tmp_path / "b"), eval_per_epoch=0, lora=lora)
    learned = [[r["grad_norm"] for r in _records(out) if "grad_norm" in r] for out in (with_evaluation, without)]
    assert len(learned[0]) == 3
    assert learned[0] == pytest.approx(learned[1], rel=1e-5)


def _made(folder: Path) -> Path:
    folder.mkdir()
    return tiny_model.model_folder()


@pytest.mark.slow
def test_a_training_that_was_killed_explains_itself_and_the_next_run_finishes_it(tmp_path: Path) -> None:
    model = tiny_model.model_folder()
    stage, task = _prepare(tmp_path, model, num_epochs=8, save_per_epoch=1, eval_per_epoch=0)

    def kill_at_step_7(event: Mapping[str, Any]) -> None:
        if event["event"] == "progress" and event["done"] == 7:
            os.kill(_axolotl_below(os.getpid()), signal.SIGKILL)

    with pytest.raises(StageError, match="signal 9") as failure:
        list(stage.run([task], kill_at_step_7))
    assert failure.value.log is not None
    assert failure.value.log.exists()
    first_steps: list[int] = []
    list(stage.run([task], lambda e: first_steps.append(e["done"]) if e["event"] == "progress" else None))
    assert first_steps[0] >= 7  # from the checkpoint of step 6, or a later one
    assert first_steps[0] % 3 == 1
    assert [record["step"] for record in _records(task.out)] == list(range(1, 25))
    assert _summary(task.out)["steps"] == 24


def _axolotl_below(pid: int) -> int:
    for stat in Path("/proc").glob("[0-9]*/stat"):
        fields = stat.read_text().rpartition(")")[2].split()
        if int(fields[1]) == pid and b"axolotl.cli.train" in (stat.parent / "cmdline").read_bytes():
            return int(stat.parent.name)
    raise AssertionError("Axolotl is not running")


@pytest.mark.slow
def test_broken_weights_stop_the_training_at_its_first_step(tmp_path: Path) -> None:
    import numpy
    from safetensors.numpy import load_file, save_file

    model = tmp_path / "model"
    shutil.copytree(tiny_model.model_folder(), model)
    weights = load_file(model / "model.safetensors")
    weights["model.norm.weight"] = numpy.full_like(weights["model.norm.weight"], numpy.nan)
    save_file(weights, model / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(StageError, match=r"step 1: .*loss.* became nan.* learning rate .* or the base model's weights"):
        _train(tmp_path, model)


@pytest.mark.slow
def test_rows_without_a_token_to_train_on_are_told_from_a_success(tmp_path: Path) -> None:
    with pytest.raises(StageError, match="step 1: no token of its rows is trained on"):
        _train(tmp_path, tiny_model.model_folder(), masked=True)


@pytest.mark.slow
def test_early_stopping_is_recorded_and_keeps_the_best_weights(tmp_path: Path) -> None:
    # Random tokens teach nothing about other random tokens: the validation loss soon rises.
    options: dict[str, Any] = {"num_epochs": 30, "learning_rate": 0.05, "early_stopping": 1, "eval_per_epoch": 1}
    out = _train(tmp_path, tiny_model.model_folder(), **options)
    summary = _summary(out)
    assert summary["stopped_early"] is True
    assert 0 < summary["steps"] < summary["planned_steps"] == 90


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "weights", "precision"),
    [
        ({"method": "lora"}, "adapter", "fp32"),
        ({"method": "full"}, "model", "fp32"),
        ({"max_steps": 5}, "adapter", "nf4, fp32"),
    ],
)
def test_the_other_methods_train_too(tmp_path: Path, options: dict[str, Any], weights: str, precision: str) -> None:
    out = _train(tmp_path, tiny_model.model_folder(), **options)
    assert list((out / weights).glob("*.safetensors"))
    assert _summary(out)["precision"] == precision
    assert _summary(out)["steps"] == options.get("max_steps", 3)


@pytest.mark.slow
def test_packed_rows_train_as_many_tokens_in_fewer_steps(tmp_path: Path) -> None:
    out = _train(tmp_path, tiny_model.model_folder(), packing=True, sequence_len=64, batch_size=8)
    assert 1 <= _summary(out)["steps"] <= 6
    assert _records(out)[0]["grad_norm"] > 0


@pytest.mark.slow
def test_an_axolotl_that_dies_with_its_parent_leaves_no_orphan(tmp_path: Path) -> None:
    """The parent is killed outright: nobody is left to clean up but the plug-in in the child."""
    script = (
        "import sys; from pathlib import Path\n"
        "from tests.test_train import _prepare\n"
        "from tests import tiny_model\n"
        "stage, task = _prepare(Path(sys.argv[1]), tiny_model.model_folder(), num_epochs=500)\n"
        "list(stage.run([task], lambda e: print('step', flush=True) if e['event'] == 'progress' else None))\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        watchdog = threading.Timer(120, parent.kill)
        watchdog.start()
        assert parent.stdout is not None
        assert parent.stdout.readline() == "step\n"
        child = _axolotl_below(parent.pid)
        parent.kill()
        watchdog.cancel()
    deadline = time.time() + 20
    while Path(f"/proc/{child}").exists() and time.time() < deadline:
        time.sleep(0.1)
    assert not Path(f"/proc/{child}").exists()
