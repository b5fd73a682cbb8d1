"""What the loss curves say, in one sentence.

Training loss is a mean over steps with dropout on, validation loss is not: their trends are compared, not their levels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_RISE = 0.02  # of the best validation loss: more after it means overfitting
_FLAT = 0.01
_MEMORISED = 0.1  # a training loss below it after several epochs


def reading(curve: Sequence[Mapping[str, Any]]) -> str:
    """One sentence on records {"step", "epoch", "loss" | "eval_loss"}; a loss of None was not finite."""
    losses = [(r["step"], r["loss"]) for r in curve if "loss" in r]
    checks = [(r["step"], r["eval_loss"]) for r in curve if "eval_loss" in r]
    if any(loss is None for _, loss in (*losses, *checks)):
        return "The loss was not a finite number at some step: this training cannot be trusted."
    if len(checks) < 2:
        return "Fewer than two validation losses were recorded, so overfitting cannot be diagnosed."
    (_, first), (last_step, last) = checks[0], checks[-1]
    best_step, best = min(checks, key=lambda check: check[1])
    epochs = max((r.get("epoch") or 0 for r in curve), default=0)
    if last > best * (1 + _RISE):
        return (
            f"Overfitting: validation loss was lowest at step {best_step} ({best:.3f}) and "
            f"{last / best - 1:.0%} higher at the end ({last:.3f}); train for fewer epochs."
        )
    if losses and losses[-1][1] < _MEMORISED and epochs > 3:
        return (
            f"The training loss ended at {losses[-1][1]:.3f} after {epochs:g} epochs: the model is memorising its rows."
        )
    if abs(last - first) <= _FLAT * first:
        return (
            "The validation loss did not move from its first value: look at the learning rate, the mask and the data."
        )
    if best_step == last_step and last < checks[-2][1] * (1 - _RISE):
        return (
            f"No overfitting: validation loss fell to {last:.3f} and was still falling at the last step; more may help."
        )
    return f"No overfitting: validation loss fell from {first:.3f} to {best:.3f} and ended at {last:.3f}."
