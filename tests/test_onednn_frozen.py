"""Frozen layers that multiply through oneDNN say, and pass back, what they did before."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from resep.onednn import frozen
from resep.onednn.frozen import quicken_frozen

needs_onednn = pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="this torch has no oneDNN")


class Adapted(torch.nn.Module):  # type: ignore[misc]  # torch is untyped for us
    """Two frozen layers, and a trained one beside the second, as LoRA has it."""

    device = torch.device("cpu")

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first = torch.nn.Linear(8, 16).requires_grad_(False)
        self.second = torch.nn.Linear(16, 4, bias=False).requires_grad_(False)
        self.beside = torch.nn.Linear(16, 4, bias=False)

    def forward(self, x: Any) -> Any:
        inner = torch.tanh(self.first(x))
        return self.second(inner) + self.beside(inner)


def felt(model: Any) -> list[Any]:
    """The output, and the gradients of the input and of the trained weights."""
    x = torch.linspace(-3, 3, 5 * 7 * 8).reshape(5, 7, 8).requires_grad_()
    model.zero_grad()
    made = model(x)
    made.square().sum().backward()
    return [made.detach(), x.grad, *(each.grad.clone() for each in model.parameters() if each.requires_grad)]


@needs_onednn
def test_outputs_and_gradients_are_those_of_the_plain_layers() -> None:
    model = Adapted()
    before = felt(model)
    names = [*model.state_dict()]
    assert quicken_frozen(model) == 2
    for expected, found in zip(before, felt(model), strict=True):
        assert torch.allclose(expected, found, atol=1e-4, rtol=1e-5)
    assert [*model.state_dict()] == names
    assert type(model.first) is torch.nn.Linear


@needs_onednn
def test_another_precision_takes_the_way_it_always_took() -> None:
    model = Adapted()
    quicken_frozen(model)
    with torch.autocast("cpu", torch.bfloat16):
        assert model(torch.ones(2, 8)).dtype == torch.bfloat16
    with pytest.raises(RuntimeError):
        model.first(torch.ones(2, 8, dtype=torch.float64))


@pytest.mark.parametrize("fault", [AttributeError("no _linear_pointwise"), None])
def test_layers_that_another_torch_computes_otherwise_stay(fault: Exception | None, monkeypatch: Any) -> None:
    def other(x: Any, weight: Any, bias: Any) -> Any:  # noqa: ARG001
        if fault:
            raise fault
        return torch.zeros(*x.shape[:-1], 4) if bias is None else x

    monkeypatch.setattr(frozen, "multiplied", other)
    model = Adapted()
    before = felt(model)
    assert quicken_frozen(model) == 0
    assert all(map(torch.equal, before, felt(model)))


def test_what_would_be_too_large_three_times_over_stays(monkeypatch: Any) -> None:
    monkeypatch.setattr(frozen, "_MOST_BYTES", 4 * (8 * 16 + 16 * 4) - 1)
    assert quicken_frozen(Adapted()) == 0


def test_a_model_that_is_trained_whole_stays() -> None:
    assert quicken_frozen(Adapted().requires_grad_()) == 0


@needs_onednn
@pytest.mark.slow
def test_four_bit_layers_pass_on_what_bitsandbytes_passes_on() -> None:
    import bitsandbytes

    model = Adapted()
    model.first = bitsandbytes.nn.Linear4bit(8, 16, compute_dtype=torch.float32, quant_type="nf4").requires_grad_(False)
    model.to("cpu")
    model.first.support_avx512bf16_for_cpu = False
    before = felt(model)
    assert quicken_frozen(model) == 2
    for expected, found in zip(before, felt(model), strict=True):
        assert torch.allclose(expected, found, atol=1e-4, rtol=1e-5)
