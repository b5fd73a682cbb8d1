"""Frozen linear layers through oneDNN while a model learns on a CPU: the same float32 numbers, sooner.

What LoRA trains stands beside the layers; through them goes the gradient of their input alone. 4-bit weights are turned
back once, which bitsandbytes does in every step: the same numbers again. reading.py says why oneDNN is quicker.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from resep.onednn.reading import AGREES, ANOTHER_TORCH, multiplied, packed

_MOST_BYTES = 2**30  # of frozen weights in float32: they are held twice more
_LAYERS = ("torch.nn.modules.linear.Linear", "bitsandbytes.nn.modules.Linear4bit")


def quicken_frozen(model: Any) -> int:
    """Let the frozen layers of a model on a CPU multiply so, as long as it lives; return how many do.

    The layers stay what they are, weights and all: only their `forward` is another. One on which the operation is
    missing, fails or disagrees keeps its own.
    """
    if model.device.type != "cpu" or not torch.backends.mkldnn.is_available():
        return 0
    layers = [module for module in model.modules() if _is_frozen(module)]
    if sum(4 * layer.in_features * layer.out_features for layer in layers) > _MOST_BYTES:
        return 0
    return sum(map(_quicken, layers))


class _Multiply(torch.autograd.Function):  # type: ignore[misc]  # torch is untyped for us
    """x @ weight.T + bias; its gradient goes back to x alone."""

    @staticmethod
    def forward(ctx: Any, x: Any, weight: Any, transposed: Any, bias: Any) -> Any:
        ctx.save_for_backward(transposed)
        return multiplied(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, gradient: Any) -> tuple[Any, None, None, None]:
        (transposed,) = ctx.saved_tensors
        return multiplied(gradient.contiguous(), transposed, None), None, None, None


def _is_frozen(module: Any) -> bool:
    kind = f"{type(module).__module__}.{type(module).__qualname__}"
    return kind in _LAYERS and not any(each.requires_grad for each in module.parameters())


def _quicken(layer: Any) -> bool:
    weight = _weight(layer)
    if weight is None:
        return False
    plain, probe = layer.forward, torch.linspace(-1, 1, 3 * layer.in_features).reshape(1, 3, -1)
    try:
        quick = _quick(plain, packed(weight), packed(weight.t()), layer.bias)
        if not all(map(_agree, _felt(plain, probe), _felt(quick, probe))):
            return False
    except ANOTHER_TORCH:
        return False
    layer.forward = quick
    return True


def _weight(layer: Any) -> Any:
    """The layer's weight in float32, shape (out, in); None where it computes in another type."""
    state = getattr(layer.weight, "quant_state", None)
    if state is None:
        return layer.weight if layer.weight.dtype == torch.float32 else None
    from bitsandbytes.functional import dequantize_4bit

    weight = dequantize_4bit(layer.weight.data, state)
    return weight if weight.dtype == layer.compute_dtype == torch.float32 else None


def _quick(plain: Callable[[Any], Any], weight: Any, transposed: Any, bias: Any) -> Callable[[Any], Any]:
    def forward(x: Any) -> Any:
        if x.dtype != torch.float32 or torch.is_autocast_enabled("cpu"):
            return plain(x)
        return _Multiply.apply(x, weight, transposed, bias)

    return forward


def _felt(forward: Callable[[Any], Any], probe: Any) -> tuple[Any, Any]:
    """What a layer makes of the probe, and the gradient that comes back through it."""
    x = probe.clone().requires_grad_()
    with torch.enable_grad():
        made = forward(x)
        made.backward(torch.linspace(1, -1, made.numel()).reshape(made.shape))
    return made.detach(), x.grad


def _agree(expected: Any, found: Any) -> bool:
    return bool(torch.allclose(expected, found, rtol=0, atol=AGREES * max(1.0, float(expected.abs().max()))))
