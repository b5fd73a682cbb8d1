"""The tiny models of rehearsals: which architecture, which sizes, which tokenizer, made once."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resep.locking import made_once
from resep.models.embedded import cache_folder
from resep.rehearsal.families import family, named_family, names
from resep.rehearsal.shrinking import shrunk
from resep.rehearsal.tiny_model import TinyModel, make, make_tiny_encoder, tiny_model
from resep.templates import load_tokenizer

COMMIT = "0123456789abcdef0123456789abcdef01234567"
HEADS = st.tuples(st.integers(1, 16), st.integers(1, 16), st.sampled_from([16, 64, 128, 256]))


@given(HEADS)
def test_as_many_query_heads_share_a_key_head_as_in_the_model(heads: tuple[int, int, int]) -> None:
    key_heads, shared_by, size = heads
    config = {
        "model_type": "llama",
        "hidden_size": key_heads * shared_by * size,
        "intermediate_size": 11_008,
        "num_hidden_layers": 32,
        "num_attention_heads": key_heads * shared_by,
        "num_key_value_heads": key_heads,
    }
    tiny = shrunk(config)
    assert tiny["num_attention_heads"] == tiny["num_key_value_heads"] * shared_by
    assert tiny["hidden_size"] == 16 * tiny["num_attention_heads"]
    assert tiny["hidden_size"] <= 256
    assert tiny["num_hidden_layers"] == 2


@pytest.mark.parametrize("name", names())
def test_what_makes_a_family_what_it_is_stays(name: str) -> None:
    assert len(names()) >= 10
    config = family(name).config
    tiny = shrunk(config)
    sizes = {"hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads"}
    sizes |= {"head_dim", "max_window_layers", "layer_types"}
    assert {key: tiny[key] for key in tiny if key not in sizes} == {k: v for k, v in config.items() if k not in sizes}


def test_of_text_and_images_the_text_part_is_made_and_one_layer_of_each_kind() -> None:
    text = {**family("gemma3_text").config, "layer_types": ["sliding_attention"] * 5 + ["full_attention"]}
    config = {"model_type": "gemma3", "text_config": text, "vision_config": {"hidden_size": 1152}}
    tiny = shrunk({**config, "quantization_config": {"bits": 4}, "auto_map": {"AutoModel": "x--y.Z"}})
    assert tiny["model_type"] == "gemma3_text"
    assert tiny["layer_types"] == ["sliding_attention", "full_attention"]
    assert not {"vision_config", "quantization_config", "auto_map"} & {*tiny}


def test_a_config_that_says_odd_things_is_left_for_transformers_to_judge() -> None:
    odd = {"model_type": 7, "hidden_size": "wide", "num_attention_heads": None, "layer_types": "all", "head_dim": True}
    assert shrunk(odd) == odd
    many = {"num_attention_heads": 71, "num_key_value_heads": 1, "hidden_size": 4544}
    assert shrunk(many) == {"num_attention_heads": 16, "num_key_value_heads": 1, "hidden_size": 256}


def test_experts_are_few_and_rope_factors_fit_the_tiny_head() -> None:
    factors = [1.0 + number / 100 for number in range(48)]
    config = {
        **family("phi3").config,
        "num_local_experts": 64,
        "num_experts_per_tok": 6,
        "rope_scaling": {"type": "longrope", "short_factor": factors, "long_factor": factors},
    }
    tiny = shrunk(config)
    assert (tiny["num_local_experts"], tiny["num_experts_per_tok"]) == (4, 2)
    assert tiny["rope_scaling"]["short_factor"] == factors[:8]  # a pair of numbers each, in a head of 16
    assert tiny["rope_scaling"]["type"] == "longrope"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mistralai/Mistral-7B-Instruct-v0.3", "mistral"),
        ("meta-llama/Llama-3.2-1B-Instruct", "llama"),
        ("HuggingFaceTB/SmolLM2-360M", "llama"),
        ("Qwen/Qwen2.5-0.5B-Instruct", "qwen2"),
        ("Qwen/Qwen3-8B", "qwen3"),
        ("google/gemma-2-2b-it", "gemma2"),
        ("google/gemma-3-1b-it", "gemma3_text"),
        ("microsoft/Phi-3.5-mini-instruct", "phi3"),
        ("allenai/OLMo-1B-hf", "olmo"),
        ("allenai/OLMo-2-0425-1B", "olmo2"),
        ("EleutherAI/pythia-160m", "gpt_neox"),
        ("smollm2-135m-instruct", "llama"),
        ("mistralai/Mixtral-8x7B-v0.1", None),
        ("Qwen/Qwen3-30B-A3B", None),
        ("somebody/something", None),
    ],
)
def test_a_hub_id_tells_of_its_family(name: str, expected: str | None) -> None:
    assert named_family(name) == expected


def test_a_model_that_is_here_is_read_and_one_that_is_not_is_known_by_its_name(tmp_path: Path) -> None:
    config = {**family("qwen3").config, "num_attention_heads": 16, "num_key_value_heads": 8, "vocab_size": 151_936}
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (tmp_path / "tokenizer.json").write_text("{}", encoding="utf-8")
    here = tiny_model(str(tmp_path), None)
    assert (here.architecture, here.config["num_key_value_heads"], here.config["vocab_size"]) == ("qwen3", 2, 151_936)
    assert here.tokenizer.is_own
    named = tiny_model("Qwen/Qwen3-8B", COMMIT)
    assert (named.architecture, named.tokenizer.is_own) == ("qwen3", False)
    assert "Mistral's vocabulary for its tokenizer, which is not here" in named.in_words
    assert tiny_model("mistralai/Mistral-7B-Instruct-v0.3", COMMIT).tokenizer.is_own
    assert not tiny_model("mistralai/Mistral-7B-Instruct-v0.1", COMMIT).tokenizer.is_own
    unknown = tiny_model("somebody/something", COMMIT)
    assert unknown.in_words.startswith(
        "a tiny random llama for somebody/something, whose architecture is not known here; Mistral's vocabulary"
    )


def test_a_hub_model_of_which_only_the_config_was_fetched_has_a_stand_in_tokenizer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    snapshot = tmp_path / "hub" / "models--owner--model" / "snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text(json.dumps(family("olmo2").config), encoding="utf-8")
    tiny = tiny_model("owner/model", COMMIT)
    assert (tiny.architecture, tiny.tokenizer.is_own) == ("olmo2", False)
    (snapshot / "tokenizer.json").write_text("{}", encoding="utf-8")
    assert tiny_model("owner/model", COMMIT).tokenizer.is_own


def test_a_folder_is_called_by_all_that_it_is_made_from(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(family("llama").config), encoding="utf-8")
    (tmp_path / "tokenizer.json").write_text("{}", encoding="utf-8")
    first = tiny_model(str(tmp_path), None).folder
    assert tiny_model(str(tmp_path), None).folder == first
    (tmp_path / "tokenizer.json").write_text('{"version": "1.0"}', encoding="utf-8")
    second = tiny_model(str(tmp_path), None).folder
    (tmp_path / "config.json").write_text(json.dumps(family("mistral").config), encoding="utf-8")
    assert len({first, second, tiny_model(str(tmp_path), None).folder}) == 3


def test_what_cannot_be_filled_does_not_appear_and_is_tried_again(tmp_path: Path) -> None:
    def fails(partial: Path) -> None:
        (partial / "half").touch()
        raise OSError("no")

    with pytest.raises(OSError, match="no"):
        made_once(tmp_path / "folder", fails)
    assert {path.name for path in tmp_path.iterdir()} == {"folder.lock"}
    made = made_once(tmp_path / "folder", lambda partial: (partial / "whole").touch())
    assert [path.name for path in made.iterdir()] == ["whole"]
    assert made_once(tmp_path / "folder", fails) == made


# With transformers, in children.


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RESEP_CACHE", str(tmp_path / "cache"))
    assert cache_folder() == tmp_path / "cache"
    return tmp_path


def _silent(event: Any) -> None:
    del event


@pytest.mark.slow
def test_a_tiny_model_is_made_once_and_the_same_everywhere(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny = make(tiny_model("Qwen/Qwen2.5-7B-Instruct", COMMIT), _silent)
    tokenizer = load_tokenizer(tiny.folder)
    assert (tokenizer.bos, tokenizer.eos, tokenizer.pad) == (None, "<|im_end|>", "<|endoftext|>")
    assert tokenizer.chat_template
    assert "<|im_start|>" in tokenizer.control.ids
    weights = (tiny.folder / "model.safetensors").read_bytes()
    assert len(weights) < 40_000_000
    made_at = tiny.folder.stat().st_mtime_ns
    make(tiny, _silent)
    assert tiny.folder.stat().st_mtime_ns == made_at
    monkeypatch.setenv("RESEP_CACHE", str(cache / "another"))
    assert (make(tiny, _silent).folder / "model.safetensors").read_bytes() == weights


@pytest.mark.slow
def test_an_architecture_that_transformers_does_not_have_is_stood_in_for_with_the_models_own_tokenizer(
    cache: Path,
) -> None:
    from tests.tiny_model import build

    folder = build(cache / "model")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    strange = {**config, "model_type": "of_their_own", "auto_map": {"AutoModelForCausalLM": "modeling.Model"}}
    (folder / "config.json").write_text(json.dumps(strange), encoding="utf-8")
    tiny = make(tiny_model(str(folder), None), _silent)
    assert (tiny.architecture, tiny.is_of_its_family) == ("llama", False)
    assert "transformers cannot make a tiny of_their_own" in tiny.in_words
    made = json.loads((tiny.folder / "config.json").read_text(encoding="utf-8"))
    assert made["vocab_size"] >= 32_768
    assert (tiny.folder / "tokenizer.json").read_bytes() == (folder / "tokenizer.json").read_bytes()


EVERY_FAMILY = """
import sys, torch, transformers
from resep.rehearsal.families import family, names
from resep.rehearsal.make_model import make
from resep.rehearsal.tiny_model import tiny_model
for name in names():
    out = sys.argv[1] + "/" + name
    import os; os.mkdir(out)
    tiny = tiny_model(family(name).like, None)
    assert tiny.architecture == name, (name, tiny.architecture)
    make(tiny.request(out))
    model = transformers.AutoModelForCausalLM.from_pretrained(out, dtype=torch.float32)
    logits = model(input_ids=torch.arange(30)[None]).logits
    assert logits.isfinite().all() and 0.01 < float(logits.std()) < 10, (name, logits.std())
    linear = {path.rpartition(".")[2] for path, module in model.named_modules() if isinstance(module, torch.nn.Linear)}
    print(name, type(model).__name__, *sorted(linear - {"lm_head", "embed_out"}))
"""


@pytest.mark.slow
def test_every_shipped_family_can_be_made_and_has_its_own_modules(tmp_path: Path) -> None:
    command = [sys.executable, "-c", EVERY_FAMILY, str(tmp_path)]
    variables = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=variables)
    assert done.returncode == 0, done.stderr[-2000:]
    modules = {name: set(rest[1:]) for name, *rest in map(str.split, done.stdout.splitlines())}
    assert sorted(modules) == names()
    assert modules["phi3"] == {"qkv_proj", "o_proj", "gate_up_proj", "down_proj"}
    assert modules["gpt_neox"] == {"query_key_value", "dense", "dense_h_to_4h", "dense_4h_to_h"}
    assert modules["mistral"] == {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}


@pytest.mark.slow
def test_the_tiny_encoder_tells_texts_apart(cache: Path) -> None:
    from resep.stages.evaluate.encoders import open_transformer

    assert cache.is_dir()
    encoder = open_transformer("tiny", make_tiny_encoder(_silent))
    same, other, odd = encoder.embed(["Open the app.", "Close it!", "ジャ 雪"])
    assert float(same @ same) == pytest.approx(1, abs=1e-5)
    assert float(same @ other) < 0.9999
    assert float(odd @ odd) == pytest.approx(1, abs=1e-5)


def test_a_tiny_model_says_what_it_is() -> None:
    tiny = tiny_model("mistralai/Mistral-7B-Instruct-v0.3", COMMIT)
    assert isinstance(tiny, TinyModel)
    assert tiny.in_words == "a tiny random mistral for mistralai/Mistral-7B-Instruct-v0.3"
