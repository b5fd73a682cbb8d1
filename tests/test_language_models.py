"""The models behind the arms: what an answer costs each of them, batched or alone, adapter on and off, one load."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from resep.context import LanguageModel, NotAvailable
from resep.endpoints import Endpoint
from resep.hardware import Profile
from resep.models import Model
from resep.records import Example, Message
from resep.stages.generate.arms import Arm, Precision
from resep.stages.generate.local import Ground
from resep.stages.generate.shots import Choice
from resep.stages.language_models.request import ArmModels

CPU = Profile("cpu", 0, 8.0, "a processor", 2)
SERVER = Endpoint("https://models.example/v1", "big")
BASE, TUNED = Arm("base", "base", "mistral"), Arm("tuned", "tuned", "mistral")


def arm_models(*arms: Arm, trained: str = "adapter", model: Path = Path("base")) -> ArmModels:
    ground = Ground(Model("tiny#1", lambda: model), Precision("float32"), CPU, trained)
    return ArmModels({arm.name: arm for arm in arms}, ground)


def made_up(number: int, answer: str = "") -> Example:
    asked = Message("user", "how do i open the app " + "again and " * number)
    return Example(f"row{number}", (asked, Message("assistant", answer or "tap it " * (number + 1))), ("tap it",))


def test_a_key_names_the_model_of_every_arm_and_no_path() -> None:
    told = json.dumps(arm_models(BASE, TUNED, Arm("hosted", "endpoint", "own", server=SERVER)).config)
    assert "tiny#1" in told
    assert '"tuned"' in told
    assert "/" not in told


def test_only_a_tuned_arm_needs_the_training() -> None:
    assert arm_models(BASE).needs == {}
    assert arm_models(BASE, TUNED).needs == {"train": ("adapter",)}
    assert arm_models(TUNED, trained="model").needs == {"train": ("model",)}


def test_an_arm_that_is_shown_rows_needs_them() -> None:
    few_shot = replace(BASE, name="few", choice=Choice("few", 2, "drawn", None, 42))
    assert list(arm_models(few_shot).needs) == [few_shot.choice.stage_name if few_shot.choice else ""]


def test_a_model_that_was_trained_whole_is_asked_through_its_bases_tokenizer(tmp_path: Path) -> None:
    facts = arm_models(TUNED, trained="model", model=tmp_path / "base").request({"train": tmp_path})["arms"]["tuned"]
    assert facts["folder"] == str(tmp_path / "model")
    assert facts["tokenizer"] == str(tmp_path / "base")
    assert facts["adapter"] is None


@pytest.fixture(scope="module")
def folder() -> Path:
    from tests.tiny_model import model_folder

    return model_folder()


def adapter_of(folder: Path, trained: Path) -> Path:
    """What a training of the model in `folder` leaves in `trained`, made of chance; returns `trained`."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(0)
    base = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    config = LoraConfig(r=4, target_modules="all-linear", init_lora_weights=False)
    get_peft_model(base, config).save_pretrained(trained / "adapter")
    return trained


@pytest.fixture(scope="module")
def trained(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return adapter_of(folder, tmp_path_factory.mktemp("train"))


@pytest.fixture(scope="module")
def opened(folder: Path, trained: Path) -> Mapping[str, LanguageModel]:
    from resep.stages.language_models.arm_model import language_models

    native = replace(BASE, name="base@native-template", template="native")
    asked = arm_models(BASE, TUNED, native, model=folder)
    language_model = language_models(asked.request({"train": trained}))
    return {name: language_model(name) for name in asked.arms}


@pytest.mark.slow
def test_rows_in_a_batch_cost_what_they_cost_alone(folder: Path, opened: Mapping[str, LanguageModel]) -> None:
    from resep.stages.language_models.likelihood import Row, _batch_bits, bits

    model: Any = opened["base"]
    loaded = model.shelf.take(folder.resolve())
    rows = [part.row for number in range(7) if (part := model._answer(made_up(number))) and part.row]
    assert len({len(row.ids) for row in rows}) == 7
    together = bits(loaded.model, rows)
    alone = [_batch_bits(loaded.model, [row])[0] for row in rows]
    assert together == pytest.approx(alone, rel=1e-5)
    assert bits(loaded.model, [Row((1, 1000, 1001), (2,))])[0] == pytest.approx(by_hand(loaded.model, [1, 1000], 1001))


@pytest.mark.slow
def test_answers_that_share_a_prompt_cost_what_they_cost_alone(
    folder: Path, opened: Mapping[str, LanguageModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    from resep.stages.language_models import likelihood, shared_prompts

    model: Any = opened["tuned"]
    told = ("tap", "tap it", "open the settings and then tap on it twice", "wait")
    rows = [model._answer(made_up(number, answer)).row for number in (0, 5, 9) for answer in told]
    with model.shelf.take(folder.resolve()).wearing(model.adapter) as weights:
        alone = [likelihood._batch_bits(weights, [row])[0] for row in rows]
        assert len(likelihood._of_shared_prompts(weights, rows)) == len(rows)
        assert likelihood.bits(weights, rows) == pytest.approx(alone, rel=1e-5)
        monkeypatch.setattr(shared_prompts, "_TOKENS", 1)
        assert likelihood.bits(weights, rows) == pytest.approx(alone, rel=1e-5)


def by_hand(model: Any, before: list[int], token: int) -> float:
    import torch

    with torch.inference_mode():
        probabilities = model(torch.tensor([before])).logits[0, -1].softmax(-1)
    return -math.log2(float(probabilities[token]))


@pytest.mark.slow
def test_only_the_answers_own_tokens_count(opened: Mapping[str, LanguageModel]) -> None:
    short, long = opened["base"].answers([made_up(0, "tap it"), made_up(9, "tap it")])
    assert short.tokens == long.tokens
    assert short.bytes == len("tap it")
    model: Any = opened["base"]
    row = model._answer(made_up(0, "tap it")).row
    assert model.tokenizer.eos_id not in row.ids[row.first :]
    assert row.ids[: row.first] == tuple(ids_of(model, made_up(0)))


def ids_of(model: Any, example: Example) -> list[int]:
    from resep.templates import encode_prompt

    return list(encode_prompt(model.template, model.tokenizer, example.prompt).ids)


@pytest.mark.slow
def test_one_load_serves_both_arms_and_the_base_stays_the_base(
    folder: Path, opened: Mapping[str, LanguageModel]
) -> None:
    rows = [made_up(number) for number in range(3)]
    before = opened["base"].answers(rows)
    tuned = opened["tuned"].answers(rows)
    models: Any = opened
    assert models["base"].shelf is models["tuned"].shelf
    assert list(models["base"].shelf.loaded) == [folder.resolve()]
    models["base"].shelf.take(folder.resolve()).known.clear()
    assert opened["base"].answers(rows) == before
    assert all(one.bits != other.bits for one, other in zip(before, tuned, strict=True))


@pytest.mark.slow
def test_a_text_costs_the_same_in_every_template(opened: Mapping[str, LanguageModel]) -> None:
    texts = ["The tide does not hurry.", "Kereta malam berangkat terlambat."]
    assert opened["base"].texts(texts) == opened["base@native-template"].texts(texts)
    assert [found.bytes for found in opened["base"].texts(texts)] == [len(text) for text in texts]


@pytest.mark.slow
def test_an_answer_that_does_not_fit_is_cut_and_counted(
    opened: Mapping[str, LanguageModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resep.stages.language_models.arm_model._LONGEST", 40)
    model: Any = replace(opened["base"])  # type: ignore[type-var]
    whole = model.answers([made_up(0, "tap it")])[0]
    cut, full = model.answers([made_up(0, "tap it " * 30), made_up(60, "tap it")])
    assert (whole.cut, cut.cut > 0, cut.tokens > 0) == (0, True, True)
    assert cut.bytes < len("tap it " * 30)
    assert full.bits is None
    assert "fills the 40 tokens" in str(full.error)


@pytest.mark.slow
def test_an_empty_answer_and_a_refused_conversation_are_told_not_scored(opened: Mapping[str, LanguageModel]) -> None:
    unanswered = Example("x", (Message("user", "a"),), "c")
    empty = Example("y", (Message("user", "a"), Message("assistant", "")), "")
    found = opened["base"].answers([unanswered, empty, made_up(1)])
    assert [one.bits is None for one in found] == [True, True, False]
    assert all(one.error for one in found[:2])


@pytest.mark.slow
def test_replies_are_those_of_generation(opened: Mapping[str, LanguageModel]) -> None:
    prompts = [made_up(number).prompt for number in range(3)]
    together = opened["tuned"].replies(prompts, 8)
    assert together == [opened["tuned"].replies([prompt], 8)[0] for prompt in prompts]
    assert together != opened["base"].replies(prompts, 8)


@pytest.mark.slow
def test_an_arm_is_asked_with_the_rows_that_it_is_shown(opened: Mapping[str, LanguageModel]) -> None:
    from resep.stages.generate.shots import Shots

    model: Any = opened["base"]
    turns = (Message("user", "how do i close it"), Message("assistant", "tap it"))
    plain, to_all = made_up(2, "tap it"), replace(model, shots=Shots((("t1", turns),)))
    to_some = replace(model, shots=Shots((("t1", turns),), {"row2": [0]}))
    alone, shown = model.answers([plain])[0], to_all.answers([plain])[0]
    assert (shown.tokens, shown.bytes) == (alone.tokens, alone.bytes)
    assert shown.bits != alone.bits
    assert to_some.answers([plain]) == [shown]
    assert to_some.answers([made_up(3)]) == model.answers([made_up(3)])
    assert to_some.replies([plain.prompt], 4) == model.replies([plain.prompt], 4)


@pytest.mark.slow
def test_a_model_that_was_trained_whole_stands_beside_its_base(folder: Path, tmp_path: Path) -> None:
    import shutil

    from safetensors.numpy import load_file, save_file

    from resep.stages.language_models.arm_model import language_models

    shutil.copytree(folder, tmp_path / "model", ignore=shutil.ignore_patterns("tokenizer*", "*.jinja"))
    weights = load_file(tmp_path / "model" / "model.safetensors")
    weights["lm_head.weight"] = weights["lm_head.weight"] * 2
    save_file(weights, str(tmp_path / "model" / "model.safetensors"), metadata={"format": "pt"})
    asked = arm_models(BASE, TUNED, trained="model", model=folder).request({"train": tmp_path})
    language_model: Any = language_models(asked)
    base, tuned, again = (language_model(arm).answers([made_up(1)])[0] for arm in ("base", "tuned", "base"))
    assert base == again
    assert base.bits != tuned.bits
    assert list(language_model("base").shelf.loaded) == [tmp_path / "model", folder.resolve()]


@pytest.mark.slow
def test_a_diverged_model_gives_no_number(folder: Path, tmp_path: Path) -> None:
    import shutil

    from safetensors.numpy import load_file, save_file

    from resep.stages.language_models.arm_model import language_models

    shutil.copytree(folder, tmp_path / "broken")
    weights = load_file(tmp_path / "broken" / "model.safetensors")
    weights["lm_head.weight"] = weights["lm_head.weight"] * float("nan")
    save_file(weights, str(tmp_path / "broken" / "model.safetensors"), metadata={"format": "pt"})
    language_model = language_models(arm_models(BASE, model=tmp_path / "broken").request({}))
    (found,) = language_model("base").answers([made_up(1)])
    assert found.bits is None
    assert "not finite" in str(found.error)


@pytest.mark.slow
def test_an_arm_that_a_server_answers_has_no_weights_and_says_so() -> None:
    from resep.stages.language_models.arm_model import language_models

    hosted = Arm("hosted", "endpoint", "the server's own", server=SERVER)
    language_model = language_models(arm_models(hosted).request({}))
    with pytest.raises(NotAvailable, match="hosted: a server answers"):
        language_model("hosted")
    with pytest.raises(NotAvailable, match="no arm 'other'"):
        language_model("other")
