"""What the loss curves say: one sentence that sums them up, and the signs beside it.

Training loss is a mean over steps with dropout on, validation loss is not: their trends are compared, and how the
distance between them changes, not their levels.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from statistics import fmean, median
from typing import Any

_RISE = 0.02  # of the best validation loss: more after it means overfitting
_FLAT = 0.01
_MEMORISED = 0.1  # a training loss below it after several epochs
_WINDOW = 10  # training losses that are taken together: one alone is mostly noise
_FALL = 0.05  # of the training loss: less over the whole training is hardly any
_DROP = 0.1  # of the training loss, from one epoch's end to the next one's beginning
_UNUSUAL = 3  # times as much as the loss changes within an epoch
_SPIKE = 2  # times the losses before it

Losses = Sequence[tuple[int, float]]  # (step, loss)


def reading(curve: Sequence[Mapping[str, Any]]) -> str:
    """One sentence on records {"step", "epoch", "loss" | "eval_loss"}; a loss of None was not finite."""
    losses, checks = _of(curve, "loss"), _of(curve, "eval_loss")
    if not _are_finite(curve):
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


def signs(curve: Sequence[Mapping[str, Any]]) -> list[str]:
    """What else the curves show, a sentence each; nothing where a loss was not finite."""
    if not _are_finite(curve):
        return []
    return [*_growing_gap(curve), *_hardly_learnt(curve), *_drops_between_epochs(curve), *_spikes(_of(curve, "loss"))]


def _growing_gap(curve: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Validation minus training loss, where it was best and at the end: it grows where rows are learnt by heart."""
    losses, checks = _of(curve, "loss"), _of(curve, "eval_loss")
    if len(checks) < 2 or not losses:
        return
    best = min(checks, key=lambda check: check[1])
    at_best, at_end = (check[1] - _around(losses, check[0]) for check in (best, checks[-1]))
    if best != checks[-1] and at_end - at_best > _RISE * best[1]:
        yield (
            f"The validation loss is {at_end:.3f} above the training loss at the end and was {at_best:.3f} at step "
            f"{best[0]}: from there on the model learnt its rows, not the task."
        )


def _hardly_learnt(curve: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    losses = [loss for _, loss in _of(curve, "loss")]
    if len(losses) < 2 * _WINDOW:
        return
    first, last = fmean(losses[:_WINDOW]), fmean(losses[-_WINDOW:])
    if last > first * (1 - _FALL):
        yield (
            f"The training loss went from {first:.3f} to {last:.3f}: hardly anything was learnt; a higher learning "
            "rate, more epochs or a larger adapter may help."
        )


def _drops_between_epochs(curve: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """A loss that falls in steps, at the borders of epochs, is that of rows which are met again."""
    epochs = _epochs(curve)
    if len(epochs) < 2 or min(map(len, epochs)) < 2 * _WINDOW:
        return
    within = [abs(a - b) for losses in epochs for a, b in pairwise(_means(losses))]
    for number, (before, after) in enumerate(pairwise(epochs), 1):
        ended, began = fmean(before[-_WINDOW:]), fmean(after[:_WINDOW])
        if ended - began > max(_DROP * ended, _UNUSUAL * median(within)):
            yield (
                f"The training loss fell from {ended:.3f} to {began:.3f} as epoch {number + 1} began: the model "
                "recognises rows that it has seen."
            )


def _spikes(losses: Losses) -> Iterator[str]:
    found = [
        (step, loss)
        for at, (step, loss) in enumerate(losses)
        if at >= _WINDOW and loss > _SPIKE * median(earlier for _, earlier in losses[at - _WINDOW : at])
    ]
    if found:
        step, loss = max(found, key=lambda spike: spike[1])
        more = {1: "", 2: ", and once more"}.get(len(found), f", and {len(found) - 1} times more")
        yield (
            f"The training loss jumped to {loss:.3f} at step {step}{more}: a lower learning rate, more warm-up or "
            "training.max_grad_norm keeps it steady."
        )


def _of(curve: Sequence[Mapping[str, Any]], kind: str) -> list[tuple[int, float]]:
    return [(record["step"], record[kind]) for record in curve if kind in record]


def _are_finite(curve: Sequence[Mapping[str, Any]]) -> bool:
    return not any(loss is None for kind in ("loss", "eval_loss") for _, loss in _of(curve, kind))


def _around(losses: Losses, step: int) -> float:
    """The training loss before and at a step, as a mean."""
    earlier = [loss for at, loss in losses if at <= step] or [losses[0][1]]
    return fmean(earlier[-_WINDOW:])


def _epochs(curve: Sequence[Mapping[str, Any]]) -> list[list[float]]:
    """The training losses of each epoch; an epoch's last step is at a whole number."""
    found: dict[int, list[float]] = {}
    for record in curve:
        if "loss" in record and record.get("epoch"):
            found.setdefault(max(0, -int(-record["epoch"] // 1) - 1), []).append(record["loss"])
    return [found[number] for number in sorted(found)]


def _means(losses: Sequence[float]) -> list[float]:
    return [fmean(losses[start : start + _WINDOW]) for start in range(0, len(losses) - _WINDOW + 1, _WINDOW)]
