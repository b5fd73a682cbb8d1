"""How an encoder is opened, and that its faster linear layers say what torch's own say."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from resep.encoding.opening import digest_of_weights, open_encoder_model
from resep.onednn import reading
from tests.tiny_encoder import MAX_TOKENS, encoder_folder


class Model(torch.nn.Module):  # type: ignore[misc]  # torch is untyped for us
    device = torch.device("cpu")

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.inner = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.GELU(), torch.nn.Linear(16, 4, bias=False))

    def forward(self, x: Any) -> Any:
        return self.inner(x)


def test_fast_layers_give_what_torchs_own_give() -> None:
    model, x = Model(), torch.linspace(-3, 3, 5 * 7 * 8).reshape(5, 7, 8)
    with torch.inference_mode():
        expected = model(x)
        reading.use_fast_linears(model)
        assert torch.allclose(model(x), expected, atol=1e-6)


@pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="this torch has no oneDNN")
def test_both_layers_are_fast_ones_and_keep_their_weights() -> None:
    model = Model()
    weights = [layer.weight for layer in model.inner if hasattr(layer, "weight")]
    reading.use_fast_linears(model)
    fast = [layer for layer in model.inner if isinstance(layer, reading.FastLinear)]
    assert [layer.weight is weight for layer, weight in zip(fast, weights, strict=True)] == [True, True]


class Missing(torch.nn.Module):  # type: ignore[misc]
    def __init__(self, linear: Any) -> None:  # noqa: ARG002
        raise AttributeError("'_OpNamespace' 'mkldnn' object has no attribute '_linear_pointwise'")


class Wrong(torch.nn.Module):  # type: ignore[misc]
    def __init__(self, linear: Any) -> None:
        super().__init__()
        self.linear = linear

    def forward(self, x: Any) -> Any:
        return self.linear(x).flip(-1)


@pytest.mark.parametrize("other_torch", [Missing, Wrong])
def test_a_layer_that_another_torch_computes_otherwise_stays(
    monkeypatch: pytest.MonkeyPatch, other_torch: type[torch.nn.Module]
) -> None:
    monkeypatch.setattr(reading, "FastLinear", other_torch)
    model = Model()
    layers = list(model.inner)
    reading.use_fast_linears(model)
    assert list(model.inner) == layers


def test_a_narrower_model_stays_as_it_is() -> None:
    model = Model().to(torch.bfloat16)
    reading.use_fast_linears(model)
    assert all(type(layer) in (torch.nn.Linear, torch.nn.GELU) for layer in model.inner)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("family", ["bert", "roberta", "deberta-v2"])
def test_an_encoder_reads_as_many_tokens_as_it_has_places_for(family: str) -> None:
    opened = open_encoder_model(encoder_folder(family))
    assert opened.max_tokens == MAX_TOKENS
    ids = torch.full((1, opened.max_tokens), 7)
    assert opened.model(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state.shape[1] == MAX_TOKENS


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_a_tokenizer_without_a_maximum_gets_that_of_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    import transformers

    boundless = SimpleNamespace(model_max_length=int(1e30))
    monkeypatch.setattr(transformers.AutoTokenizer, "from_pretrained", lambda *given, **more: boundless)  # noqa: ARG005
    assert open_encoder_model(encoder_folder("roberta")).max_tokens == MAX_TOKENS


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_weights_are_told_apart_by_their_digest() -> None:
    digests = {digest_of_weights(encoder_folder(family)) for family in ("bert", "roberta", "t5")}
    assert len(digests) == 3
