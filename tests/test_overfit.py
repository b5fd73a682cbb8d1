"""Loss curves read as a person would: what is wrong is said with its step, what is well is left alone."""

from __future__ import annotations

import math
from typing import Any

import pytest

from resep.stages.report.overfit import reading, signs

Curve = list[dict[str, Any]]


def curve(losses: list[float], checks: dict[int, float] | None = None, per_epoch: int = 40) -> Curve:
    """One training loss per step, and validation losses at some of them."""
    records: Curve = []
    for step, loss in enumerate(losses, 1):
        records.append({"step": step, "epoch": step / per_epoch, "loss": loss})
        if checks and step in checks:
            records.append({"step": step, "epoch": step / per_epoch, "eval_loss": checks[step]})
    return records


def falling(steps: int, start: float = 3.0, end: float = 1.0) -> list[float]:
    return [end + (start - end) * math.exp(-4 * step / steps) + 0.02 * (-1) ** step for step in range(steps)]


HEALTHY = curve(falling(80), {20: 2.2, 40: 1.6, 60: 1.3, 80: 1.29})


def test_a_healthy_training_has_no_signs() -> None:
    assert reading(HEALTHY).startswith("No overfitting: validation loss fell from 2.200")
    assert signs(HEALTHY) == []


def test_a_validation_loss_that_rises_names_its_best_step_and_the_growing_gap() -> None:
    overfitted = curve(falling(80, end=0.4), {20: 1.9, 40: 1.5, 60: 1.7, 80: 2.1})
    assert "lowest at step 40 (1.500) and 40% higher at the end (2.100)" in reading(overfitted)
    (gap,) = signs(overfitted)
    assert "at step 40: from there on" in gap


def test_a_loss_that_falls_in_steps_is_that_of_rows_met_again() -> None:
    steps = [level + 0.01 * (-1) ** at for level in (2.0, 1.2, 0.7) for at in range(40)]
    said = signs(curve(steps))
    assert [line.partition(":")[0] for line in said] == [
        "The training loss fell from 2.000 to 1.200 as epoch 2 began",
        "The training loss fell from 1.200 to 0.700 as epoch 3 began",
    ]


def test_a_steady_fall_is_no_step_between_epochs() -> None:
    assert signs(curve([4.0 * 0.985**step for step in range(120)])) == []


def test_a_spike_is_named_once_with_how_often() -> None:
    losses = falling(80)
    losses[50], losses[60] = 9.0, 5.0
    (spike,) = signs(curve(losses))
    assert spike.startswith("The training loss jumped to 9.000 at step 51, and once more")


def test_a_loss_that_hardly_falls_is_told() -> None:
    (said,) = signs(curve([2.0 - 0.0005 * step for step in range(60)]))
    assert "hardly anything was learnt" in said


@pytest.mark.parametrize(
    ("records", "said"),
    [
        ([], "cannot be diagnosed"),
        (curve(falling(30)), "cannot be diagnosed"),
        (curve(falling(30), {30: 1.0}), "cannot be diagnosed"),
        ([{"step": 1, "loss": None}, *HEALTHY], "cannot be trusted"),
        (curve([0.05] * 20, {4: 1.0, 20: 0.5}, per_epoch=4), "memorising"),
        (curve(falling(20), {10: 1.501, 20: 1.5}), "did not move"),
        (curve(falling(20), {10: 2.0, 20: 1.5}), "still falling"),
    ],
)
def test_what_the_validation_losses_say_is_one_sentence(records: Curve, said: str) -> None:
    assert said in reading(records)


def test_nothing_is_read_from_a_curve_that_is_not_finite() -> None:
    assert signs([*HEALTHY, {"step": 81, "loss": None}]) == []
