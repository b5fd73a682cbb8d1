import json
import math
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resep.document.writer import dump_yaml
from resep.errors import ResepError
from resep.hardware import Profile
from resep.paths import data_folder
from resep.plugins import find, open_plugin
from resep.recipe import pass_through
from tests.trainable import CPU, CUDA, SPLITS, recipe

GOLDEN = Path(__file__).parent / "golden" / "axolotl"
SPECIAL = {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"}
MANY = {
    "train": {"rows": 8_000, "tokens": 2_400_000, "longest": 1_900},
    "validation": {"rows": 400, "tokens": 120_000, "longest": 1_700},
}

converter = open_plugin(find("converters", "axolotl"))

# name of the golden file -> what is trained, on what, over which rows
CASES: Mapping[str, tuple[dict[str, Any], Profile, Mapping[str, Any]]] = {
    "cpu_qlora": ({"lora": {"dropout": 0.05}, "eval_per_epoch": 2, "warmup_ratio": 0.05}, CPU, SPLITS),
    "cuda_qlora_mistral_7b": ({"learning_rate": 1e-4, "batch_size": 32, "sequence_len": 2048}, CUDA, MANY),
    "cuda_qlora_before_ampere": ({}, replace(CUDA, memory_gib=15.0, capability=(7, 5)), SPLITS),
    "cpu_lora": ({"method": "lora", "lora": {"r": 8, "target_modules": ["q_proj", "v_proj"]}}, CPU, SPLITS),
    "cuda_full": ({"method": "full", "learning_rate": 1e-5, "gradient_checkpointing": False}, CUDA, SPLITS),
    "early_stopping": ({"num_epochs": 3, "eval_per_epoch": 4, "early_stopping": 2}, CPU, SPLITS),
    "packing": ({"packing": True, "batch_size": 16, "sequence_len": 512}, CPU, SPLITS),
    "passed_through": ({"axolotl": {"neftune_noise_alpha": 5, "peft_use_rslora": True}}, CPU, SPLITS),
}


def _convert(folder: Path, profile: Profile = CPU, splits: Mapping[str, Any] = SPLITS, **training: Any) -> Any:
    prepared = {"splits": splits, "special_tokens": SPECIAL}
    return yaml.safe_load(converter.convert(recipe(folder, **training), prepared, profile)["axolotl.yaml"])


@pytest.mark.parametrize("name", CASES)
def test_a_recipe_becomes_the_config_that_was_agreed_on(
    name: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    training, profile, splits = CASES[name]
    prepared = {"splits": splits, "special_tokens": SPECIAL}
    text = converter.convert(recipe(tmp_path, **training), prepared, profile)["axolotl.yaml"]
    golden = GOLDEN / f"{name}.yaml"
    if request.config.getoption("--update-golden", default=False):
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


def test_axolotl_knows_every_key_of_every_golden_config() -> None:
    schema = json.loads((data_folder("schemas") / pass_through.SCHEMA).read_text(encoding="utf-8"))
    configs = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in GOLDEN.glob("*.yaml")}
    assert configs.keys() == CASES.keys()
    unknown = {key for config in configs.values() for key in config} - set(schema["properties"])
    assert unknown == set()


def test_a_config_names_no_path_of_this_machine(tmp_path: Path) -> None:
    prepared = {"splits": SPLITS, "special_tokens": SPECIAL}
    text = converter.convert(recipe(tmp_path), prepared, CPU)["axolotl.yaml"]
    assert str(tmp_path) not in text
    assert str(Path.home()) not in text


def test_a_portable_config_runs_without_resep(tmp_path: Path) -> None:
    prepared = {"splits": SPLITS, "special_tokens": SPECIAL}
    text = converter.convert(recipe(tmp_path), prepared, CPU, portable=True)["axolotl.yaml"]
    assert "resep" not in text


def test_the_global_batch_is_micro_batch_times_accumulation_wherever_it_runs(tmp_path: Path) -> None:
    for profile in (CPU, CUDA, replace(CUDA, memory_gib=8.0)):
        config = _convert(tmp_path, profile, batch_size=24, sequence_len=1024, packing=False)
        assert config["micro_batch_size"] * config["gradient_accumulation_steps"] == 24


def test_what_a_recipe_says_of_the_batch_is_kept(tmp_path: Path) -> None:
    for config in (
        _convert(tmp_path, CUDA, packing=False, micro_batch_size=2),
        _convert(tmp_path, CUDA, packing=False, gradient_accumulation_steps=4),
    ):
        assert (config["micro_batch_size"], config["gradient_accumulation_steps"]) == (2, 4)


def test_packs_hold_about_as_many_rows_as_a_batch_without_packing(tmp_path: Path) -> None:
    config = _convert(tmp_path, CUDA, MANY, batch_size=32, sequence_len=2048, micro_batch_size=2)
    packs = config["micro_batch_size"] * config["gradient_accumulation_steps"]
    assert packs * 2048 == pytest.approx(32 * 300, rel=0.25)


@given(rows=st.integers(1, 500), batch=st.integers(1, 40), evaluations=st.integers(1, 9), patience=st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_cadences_are_integers_that_axolotl_accepts(
    tmp_path: Path, rows: int, batch: int, evaluations: int, patience: bool
) -> None:
    splits = {**SPLITS, "train": {"rows": rows, "tokens": rows * 70, "longest": 90}}
    stopping = {"early_stopping": 2} if patience else {}
    config = _convert(tmp_path, CPU, splits, batch_size=batch, eval_per_epoch=evaluations, **stopping)
    steps = math.ceil(math.ceil(rows / config["micro_batch_size"]) / config["gradient_accumulation_steps"])
    assert 1 <= config["eval_steps"] <= steps
    assert steps // config["eval_steps"] >= min(evaluations, steps)
    assert not patience or config["save_steps"] == config["eval_steps"]


def test_without_validation_rows_nothing_is_evaluated_and_early_stopping_is_refused(tmp_path: Path) -> None:
    splits = {**SPLITS, "validation": {"rows": 0, "tokens": 0, "longest": 0}}
    config = _convert(tmp_path, CPU, splits)
    assert config["eval_strategy"] == "no"
    assert "test_datasets" not in config
    with pytest.raises(ResepError, match="early_stopping: needs validation rows"):
        _convert(tmp_path, CPU, splits, early_stopping=2)


def test_packing_is_left_out_where_the_rows_do_not_fill_the_packs(tmp_path: Path) -> None:
    assert _convert(tmp_path, CUDA, SPLITS, sequence_len=2048)["sample_packing"] is False
    with pytest.raises(ResepError, match="do not fill two steps"):
        _convert(tmp_path, CUDA, SPLITS, sequence_len=16384, packing=True)


def test_half_precision_on_a_cpu_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ResepError, match="bf16 needs a GPU"):
        _convert(tmp_path, precision="bf16")


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ({"neftune_noise_alfa": 5}, "no such option; did you mean 'neftune_noise_alpha'"),
        ({"learning_rate": 1}, "decided by training.learning_rate"),
        ({"plugins": ["evil.Plugin"]}, "run code"),
        ({"trust_remote_code": True}, "run code"),
        ({"hub_model_id": "me/model"}, "network"),
        ({"wandb_project": "x"}, "network"),
        ({"deepspeed": "zero3.json"}, "files or folders"),
        ({"output_dir": "/tmp"}, "files or folders"),
        ({"datasets": []}, "decided by data"),
        ({"attn_implementation": "owner/kernel"}, "downloaded code"),
        ({"neftune_noise_alpha": "much"}, "'much' does not fit: Axolotl expects number"),
        ({"lora_mlp_kernel": [1]}, "boolean"),
    ],
)
def test_an_option_that_may_not_pass_is_told_why(option: dict[str, Any], words: str, tmp_path: Path) -> None:
    ((key, message),) = pass_through.check(option)
    assert key in option
    assert words in message
    with pytest.raises(ResepError, match=f"training.axolotl.{key}"):
        _convert(tmp_path, axolotl=option)


def test_every_complaint_is_told_at_once() -> None:
    assert [key for key, _ in pass_through.check({"seed": 1, "lora_qkv_kernel": False, "nope": 2})] == ["seed", "nope"]


def test_every_key_that_is_said_to_be_owned_or_forbidden_exists_in_axolotl() -> None:
    schema = json.loads((data_folder("schemas") / pass_through.SCHEMA).read_text(encoding="utf-8"))
    owned = {key for keys in pass_through.OWNED.values() for key in keys.split()}
    assert len(owned) > 100
    assert owned - set(schema["properties"]) == set()


@given(
    st.dictionaries(
        st.text("abcdefgh_", min_size=1),
        st.one_of(
            st.text(max_size=12),
            st.floats(allow_nan=False, allow_infinity=False),
            st.integers(-(10**9), 10**9),
            st.booleans(),
            st.sampled_from(["no", "1e5", "0o17", "017", "1:30", "null", "~", "2026-11-20", ".inf", "1_000", "0x1f"]),
        ),
    )
)
def test_yaml_reads_the_same_under_both_versions_of_yaml(data: dict[str, Any]) -> None:
    from resep.document.scalars import read_scalar

    text = dump_yaml(data)
    assert yaml.safe_load(text) == data  # YAML 1.1
    for event in yaml.parse(text):
        if isinstance(event, yaml.ScalarEvent) and event.implicit[0] and event.value not in data:
            assert read_scalar(event.value) in data.values()  # YAML 1.2, wherever a scalar is plain


VALIDATE = """
import copy, json, sys, yaml
from pathlib import Path
from axolotl.utils.config import validate_config
from axolotl.utils.dict import DictDefault
failures = {}
for path in sys.argv[1:]:
    gpu = "cuda" in path
    capabilities = {"bf16": gpu and "ampere" not in path, "fp8": False, "tf32": gpu, "n_gpu": int(gpu), "n_node": 1,
                    "compute_capability": "sm_90" if gpu else None}
    config = yaml.safe_load(Path(path).read_text())
    del config["plugins"]
    try:
        valid = validate_config(DictDefault(copy.deepcopy(config)), capabilities, {"torch_version": "2.13.0"})
        lost = {key for key, value in config.items() if valid[key] is None and value is not None}
        changed = {key for key in ("learning_rate", "eval_steps", "save_steps", "sample_packing", "seed")
                   if config.get(key) is not None and valid[key] != config[key]}
        if lost or changed:
            failures[path] = sorted(lost | changed)
    except Exception as error:
        failures[path] = str(error)
Path("failures.json").write_text(json.dumps(failures))
"""


@pytest.mark.slow
def test_axolotl_itself_accepts_every_golden_config_and_keeps_every_key(tmp_path: Path) -> None:
    files = sorted(map(str, GOLDEN.glob("*.yaml")))
    assert len(files) == len(CASES)
    environment = {"AXOLOTL_DO_NOT_TRACK": "1", "HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": "", "PATH": "/usr/bin"}
    command = [sys.executable, "-c", VALIDATE, *files]
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True)
    assert json.loads((tmp_path / "failures.json").read_text()) == {}


@pytest.mark.slow
def test_the_schema_of_axolotls_options_is_that_of_the_installed_axolotl(tmp_path: Path) -> None:
    script = data_folder("schemas") / "generate_axolotl_schema.py"
    copy = tmp_path / script.name
    copy.write_text(script.read_text(encoding="utf-8"), encoding="utf-8")
    subprocess.run([sys.executable, copy], check=True, capture_output=True, cwd=tmp_path)
    assert (tmp_path / pass_through.SCHEMA).read_text() == (data_folder("schemas") / pass_through.SCHEMA).read_text()
