"""Linear layers through oneDNN for a model that only reads: the same float32 numbers, sooner.

torch multiplies with MKL, which leaves the wide registers of AMD's processors unused: 38,800 tokens through MiniLM took
9.5 CPU seconds with MKL and 5.0 with oneDNN on one core of an EPYC (4.9 with onnxruntime). The operation is the one
that torch's own compiler emits. It is no public name, so it is tried on every layer: one on which it is missing, fails
or disagrees stays as it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

ANOTHER_TORCH = (AttributeError, NotImplementedError, RuntimeError, TypeError)  # has another operation
AGREES = 1e-4  # relative to the largest output: another order of adding passes, a wrong layout of weights does not


class FastLinear(torch.nn.Module):  # type: ignore[misc]  # torch is untyped for us
    """`linear`, for reading only. Keeps its `weight`: T5 looks at the type of it."""

    def __init__(self, linear: Any) -> None:
        super().__init__()
        self.weight, self.bias = linear.weight, linear.bias
        self.packed = packed(linear.weight)

    def forward(self, x: Any) -> Any:
        return multiplied(x, self.packed, self.bias)


def packed(weight: Any) -> Any:
    """A weight of shape (out, in) as oneDNN wants it."""
    return torch.ops.mkldnn._reorder_linear_weight(weight.detach().contiguous(), None)


def multiplied(x: Any, weight: Any, bias: Any) -> Any:
    """`torch.nn.functional.linear` with a packed weight."""
    return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")


def use_fast_linears(model: Any) -> None:
    """Give a float32 model on a CPU such layers in the place of its own; leave another model as it is."""
    _replace(model)


@contextmanager
def fast_linears(model: Any) -> Iterator[None]:
    """The same while the context lasts: the weights are in memory twice, and adapters attach to plain layers only."""
    replaced = _replace(model)
    try:
        yield
    finally:
        for parent, name, linear in replaced:
            setattr(parent, name, linear)


def _replace(model: Any) -> list[tuple[Any, str, Any]]:
    """(parent, name, layer as it was) of what was replaced."""
    if model.device.type != "cpu" or not torch.backends.mkldnn.is_available():
        return []
    linears = [
        (parent, name, child)
        for parent in model.modules()
        for name, child in parent.named_children()
        if type(child) is torch.nn.Linear and child.weight.dtype == torch.float32
    ]
    for parent, name, linear in linears:
        setattr(parent, name, _fast_or_same(linear))
    return linears


def _fast_or_same(linear: Any) -> Any:
    probe = torch.linspace(-1, 1, 3 * linear.in_features).reshape(1, 3, -1)
    with torch.inference_mode():
        expected = linear(probe)
        try:
            fast = FastLinear(linear)
            found = fast(probe)
        except ANOTHER_TORCH:
            return linear
    tolerance = AGREES * max(1.0, float(expected.abs().max()))
    return fast if torch.allclose(expected, found, rtol=0, atol=tolerance) else linear
